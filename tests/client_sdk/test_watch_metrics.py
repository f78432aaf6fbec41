"""The SDK's view of what a server does, second by second, across a server that goes away."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flashsale import AsyncClient, CircuitState, Client, InvalidRequest, MetricsSample, Outcome
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin

from tests.servers import back_at, running, server_process


async def test_samples_are_values_and_come_one_by_one() -> None:
    async with running() as shop, AsyncClient(shop.address) as client, asyncio.timeout(20):
        await client.purchase("ann")
        samples: list[MetricsSample] = []
        async for sample in client.admin.watch_metrics():
            samples.append(sample)
            if len(samples) > 1 and any(item.attempts for item in samples):
                break
        bought = next(item for item in samples if item.attempts)
    assert bought.outcomes == {Outcome.PURCHASED: 1}
    assert bought.circuit_state is CircuitState.CLOSED
    assert bought.errors == {}
    assert timedelta(0) < bought.duration < timedelta(seconds=20)
    assert samples[0].end_time < samples[1].end_time
    assert abs(samples[-1].end_time - datetime.now(UTC)) < timedelta(minutes=1)


async def test_past_samples_can_be_left_out() -> None:
    async with running() as shop, AsyncClient(shop.address) as client, asyncio.timeout(20):
        first = await anext(client.admin.watch_metrics())
        after = await anext(client.admin.watch_metrics(first.end_time))
    assert after.end_time > first.end_time


async def test_it_goes_on_when_the_server_is_back(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        async with AsyncClient(server.address) as client, asyncio.timeout(60):
            samples = client.admin.watch_metrics()
            before = await anext(samples)
            server.kill()
            async with back_at(server.address, tmp_path):
                after = await anext(samples)
    assert after.end_time > before.end_time


async def test_a_time_without_a_zone_is_refused() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        with pytest.raises(InvalidRequest, match="after_time must have a time zone"):
            await anext(client.admin.watch_metrics(datetime(2027, 1, 1)))  # noqa: DTZ001  # that is the point


def test_from_ordinary_code_they_are_iterated(tmp_path: Path) -> None:
    with server_process(tmp_path) as server, Client(server.address) as client:
        first, second = itertools.islice(client.admin.watch_metrics(), 2)
    assert first.end_time < second.end_time


def test_what_this_version_does_not_know_is_unrecognized() -> None:
    message = admin.MetricsSample(
        outcomes=[pb.OutcomeCount(outcome=99, count=1), pb.OutcomeCount(outcome=98, count=2)],  # type: ignore[arg-type]  # unknown ones
        errors=[pb.ErrorCount(reason=999, count=4)],  # type: ignore[arg-type]  # an unknown one
        circuit_state=99,  # type: ignore[arg-type]  # an unknown one
    )
    sample = MetricsSample.of(message)
    assert sample.outcomes == {Outcome.UNRECOGNIZED: 3}
    assert sample.errors == {"UNRECOGNIZED": 4}
    assert sample.circuit_state is CircuitState.UNRECOGNIZED

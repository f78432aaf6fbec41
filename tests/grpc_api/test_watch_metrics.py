"""WatchMetrics over gRPC: what is kept first, some at a time, then each second as it ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale_server.checkout import Caller, MetricsHistory, Watching
from flashsale_server.grpc_api import SaleAdminServicer
from google.protobuf.timestamp_pb2 import Timestamp

from tests import sale_admin
from tests.checkout.shops import Shop, open_shop
from tests.sale_admin import refusal


@contextlib.asynccontextmanager
async def followed() -> AsyncIterator[tuple[Shop, MetricsHistory, Watching, SaleAdminServicer]]:
    """A servicer whose samples are taken by the test alone."""
    async with open_shop() as shop:
        watching = Watching(shop.checkout)
        history = MetricsHistory(shop.checkout)
        yield shop, history, watching, SaleAdminServicer(shop.checkout, watching, history)


async def test_a_second_is_told_when_it_is_over() -> None:
    async with sale_admin.open_shop() as shop, asyncio.timeout(20):
        stream = shop.admin.WatchMetrics(admin.WatchMetricsRequest())
        first = await stream.read()
        assert isinstance(first, admin.WatchMetricsResponse)
        await shop.buy("ann", sale_id="default")
        await shop.buy("ann", sale_id="default")
        samples = list(first.samples)
        while sum(sample.attempts for sample in samples) < 2:
            answer = await stream.read()
            assert isinstance(answer, admin.WatchMetricsResponse)
            samples += answer.samples
    ends = [sample.end_time.ToMicroseconds() for sample in samples]
    assert ends == sorted(set(ends))
    assert all(sample.duration.ToMicroseconds() > 0 for sample in samples)
    counts = {count.outcome: count.count for sample in samples for count in sample.outcomes}
    assert counts == {pb.OUTCOME_PURCHASED: 1, pb.OUTCOME_ALREADY_PURCHASED: 1}
    assert {sample.circuit_state for sample in samples} == {pb.CIRCUIT_STATE_CLOSED}
    assert max(sample.latency_ms_p99 for sample in samples) > 0


async def test_what_is_kept_comes_first_some_at_a_time_and_then_what_is_new() -> None:
    async with followed() as (shop, history, watching, servicer):
        ends = [history.take_sample().end_us for _ in range(150)]
        answers = servicer.WatchMetrics(admin.WatchMetricsRequest(), Caller())
        kept = [await anext(answers) for _ in range(3)]
        assert [len(answer.samples) for answer in kept] == [60, 60, 30]
        assert [item.end_time.ToMicroseconds() for one in kept for item in one.samples] == ends
        await shop.buy("ann")
        history.take_sample()
        (new,) = (await anext(answers)).samples
        assert (new.attempts, new.appends, new.queue_length_peak) == (1, 1, 1)
        assert watching.count == 1
        watching.close()
        assert [answer async for answer in answers] == []
        assert watching.count == 0


async def test_what_ended_before_is_left_out() -> None:
    async with followed() as (_, history, _, servicer):
        ends = [history.take_sample().end_us for _ in range(5)]
        request = admin.WatchMetricsRequest()
        request.after_time.FromMicroseconds(ends[2])
        answers = servicer.WatchMetrics(request, Caller())
        (samples,) = [(await anext(answers)).samples]
        assert [item.end_time.ToMicroseconds() for item in samples] == ends[3:]


async def test_where_nothing_is_kept_the_first_message_is_empty() -> None:
    async with followed() as (_, history, _, servicer):
        history.take_sample()
        request = admin.WatchMetricsRequest(after_time=Timestamp(seconds=4_000_000_000))
        for asked in (request, request):
            answers = servicer.WatchMetrics(asked, Caller())
            assert list((await anext(answers)).samples) == []
            history.take_sample()
            assert len((await anext(answers)).samples) == 1


async def test_who_reads_slowly_misses_nothing_that_is_kept() -> None:
    async with followed() as (_, history, _, servicer):
        answers = servicer.WatchMetrics(admin.WatchMetricsRequest(), Caller())
        await anext(answers)
        ends = [history.take_sample().end_us for _ in range(70)]
        found = [item for _ in range(2) for item in (await anext(answers)).samples]
        assert [item.end_time.ToMicroseconds() for item in found] == ends


@pytest.mark.parametrize("after", [Timestamp(seconds=-1), Timestamp(seconds=1, nanos=-5)])
async def test_what_is_no_time_is_refused(after: Timestamp) -> None:
    async with sale_admin.open_shop() as shop:
        request = admin.WatchMetricsRequest(after_time=after)
        refused = await refusal(shop.admin.WatchMetrics(request).read())
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refused.fields == ["after_time"]


async def test_it_ends_when_the_server_stops() -> None:
    async with sale_admin.open_shop() as shop:
        stream = shop.admin.WatchMetrics(admin.WatchMetricsRequest())
        await stream.read()
        stopping = asyncio.create_task(shop.server.server.stop())
        async with asyncio.timeout(20):
            while await stream.read() is not grpc.aio.EOF:
                pass
            assert await stream.code() is grpc.StatusCode.OK
            await stopping

"""What a server does, second by second, over HTTP: lines of JSON, and Server-Sent Events."""

import asyncio

import httpx
import pytest
from flashsale.v1 import flash_sale_pb2 as pb

from tests.json_gateway.answers import EVENTS, reason_of, told, watchers_gone
from tests.servers import Running

METRICS = "/v1/metrics:watch"


@pytest.mark.parametrize("headers", [{}, EVENTS])
async def test_each_second_is_told(
    shop: Running, web: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    async with web.stream("GET", METRICS, headers=headers) as answer, asyncio.timeout(20):
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        samples = told(answer, "samples")
        while not (sample := await anext(samples))["attempts"]:
            pass
        assert sample["outcomes"] == [{"outcome": "OUTCOME_PURCHASED", "count": "1"}]
        assert (sample["appends"], sample["circuitState"]) == (1, "CIRCUIT_STATE_CLOSED")
        assert sample["latencyMsP99"] > 0
        assert sample["duration"].endswith("s")
        path = f"{METRICS}?afterTime={sample['endTime']}"
        async with web.stream("GET", path, headers=headers) as later:
            assert (await anext(told(later, "samples")))["endTime"] > sample["endTime"]
    await watchers_gone(shop)


async def test_what_is_no_time_is_an_ordinary_error(web: httpx.AsyncClient) -> None:
    answer = await web.get(f"{METRICS}?afterTime=soon", headers=EVENTS)
    assert (answer.status_code, reason_of(answer)) == (400, "INVALID_FIELD")


async def test_it_ends_when_the_server_stops(shop: Running, web: httpx.AsyncClient) -> None:
    async with web.stream("GET", METRICS, headers=EVENTS) as answer, asyncio.timeout(20):
        lines = answer.aiter_lines()
        await anext(lines)
        stopping = asyncio.create_task(shop.server.stop())
        async for _ in lines:
            pass
        await stopping

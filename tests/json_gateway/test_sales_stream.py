"""All sales over HTTP: lines of JSON, and Server-Sent Events."""

import asyncio

import httpx
import pytest
from flashsale.v1 import flash_sale_pb2 as pb

from tests.json_gateway.answers import EVENTS, reason_of, told, watchers_gone
from tests.servers import Running

SALES = "/v1/sales:watch"


@pytest.mark.parametrize("headers", [{}, EVENTS])
async def test_each_change_of_a_sale_is_told(
    shop: Running, web: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    async with web.stream("GET", SALES, headers=headers) as answer, asyncio.timeout(20):
        sales = told(answer, "sales")
        first = await anext(sales)
        assert first == (await web.get("/v1/sales/default")).json()
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        changed = await anext(sales)
        assert (changed["saleId"], changed["soldStock"]) == ("default", 1)
        assert changed["etag"] == first["etag"]
    await watchers_gone(shop)


async def test_one_watcher_too_many_is_an_ordinary_error(
    shop: Running, web: httpx.AsyncClient
) -> None:
    shop.server._watching._capacity = 0
    answer = await web.get(SALES, headers=EVENTS)
    assert (answer.status_code, reason_of(answer)) == (503, "TOO_MANY_WATCHERS")


async def test_it_ends_when_the_server_stops(shop: Running, web: httpx.AsyncClient) -> None:
    async with web.stream("GET", SALES, headers=EVENTS) as answer, asyncio.timeout(20):
        lines = answer.aiter_lines()
        await anext(lines)
        stopping = asyncio.create_task(shop.server.stop())
        async for _ in lines:
            pass
        await stopping

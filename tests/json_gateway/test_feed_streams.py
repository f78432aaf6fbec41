"""The change feed over HTTP: lines of JSON, and Server-Sent Events for browsers."""

import asyncio

import httpx
import pytest
from flashsale.v1 import flash_sale_pb2 as pb

from tests.json_gateway.answers import EVENTS, reason_of, told, watchers_gone
from tests.servers import Running

FEED = "/v1/sales/default/entries:watch"


async def buy(shop: Running, *users: str) -> None:
    for user in users:
        await shop.stub.Purchase(pb.PurchaseRequest(user_id=user, request_id=f"r-{user}"))


@pytest.mark.parametrize("headers", [{}, EVENTS])
async def test_past_entries_come_first_then_live_ones(
    shop: Running, web: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await buy(shop, "ann")
    async with web.stream("GET", FEED, headers=headers) as answer, asyncio.timeout(20):
        entries = told(answer, "entries")
        first, second = await anext(entries), await anext(entries)
        assert (first["position"], first["kind"]) == ("1", "ENTRY_KIND_OPENED")
        assert (second["position"], second["userId"]) == ("2", "ann")
        await buy(shop, "bob")
        third = await anext(entries)
    assert (third["position"], third["kind"], third["userId"], third["stockChange"]) == (
        "3",
        "ENTRY_KIND_PURCHASED",
        "bob",
        -1,
    )
    await watchers_gone(shop)


@pytest.mark.parametrize("headers", [{}, EVENTS])
async def test_it_goes_on_after_any_position(
    shop: Running, web: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await buy(shop, "ann", "bob", "cid")
    for after in range(4):
        path = f"{FEED}?afterPosition={after}"
        async with web.stream("GET", path, headers=headers) as answer, asyncio.timeout(20):
            entries = told(answer, "entries")
            positions = [int(str((await anext(entries))["position"])) for _ in range(4 - after)]
        assert positions == list(range(after + 1, 5))


async def test_a_browser_that_has_lost_the_stream_goes_on_after_its_last_event(
    shop: Running, web: httpx.AsyncClient
) -> None:
    await buy(shop, "ann", "bob", "cid")
    last = ""
    async with web.stream("GET", FEED, headers=EVENTS) as answer, asyncio.timeout(20):
        async for line in answer.aiter_lines():
            last = line.removeprefix("id: ") if line.startswith("id: ") else last
            if last == "2":
                break
    headers = {**EVENTS, "last-event-id": last}
    async with web.stream("GET", FEED, headers=headers) as answer, asyncio.timeout(20):
        entries = told(answer, "entries")
        positions = [(await anext(entries))["position"] for _ in range(2)]
    assert positions == ["3", "4"]
    answer = await web.get(FEED, headers={**EVENTS, "last-event-id": "soon"})
    assert (answer.status_code, reason_of(answer)) == (400, "INVALID_FIELD")


@pytest.mark.parametrize("headers", [{}, EVENTS])
@pytest.mark.parametrize("after", ["-1", "2", "9000000000000000000", "soon"])
async def test_a_position_that_is_not_there_is_an_ordinary_error(
    web: httpx.AsyncClient, headers: dict[str, str], after: str
) -> None:
    answer = await web.get(f"{FEED}?afterPosition={after}", headers=headers)
    assert (answer.status_code, reason_of(answer)) == (400, "INVALID_FIELD")


async def test_a_sale_that_is_not_there_has_no_feed(web: httpx.AsyncClient) -> None:
    answer = await web.get("/v1/sales/nope/entries:watch", headers=EVENTS)
    assert (answer.status_code, reason_of(answer)) == (404, "SALE_NOT_FOUND")


async def test_it_ends_when_the_server_stops(shop: Running, web: httpx.AsyncClient) -> None:
    async with web.stream("GET", FEED) as answer, asyncio.timeout(20):
        entries = told(answer, "entries")
        await anext(entries)
        await buy(shop, "ann")
        stopping = asyncio.create_task(shop.server.stop())
        assert [entry["userId"] async for entry in entries] == ["ann"]
        await stopping

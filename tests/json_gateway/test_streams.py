"""Streams over HTTP: a sale that is watched, and purchases both ways."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
from flashsale.v1 import flash_sale_pb2 as pb

from tests.json_gateway.answers import (
    EVENTS,
    PURCHASE,
    RawConnection,
    connected,
    reason_in,
    reason_of,
    watchers_gone,
)
from tests.servers import Running

WATCH = "/flash-sale/status:watch"
STREAM_HEAD = (
    b"POST /flash-sale/purchase:stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
)


def line_of(user_id: str) -> bytes:
    return json.dumps({"request": {"userId": user_id, "requestId": f"r-{user_id}"}}).encode()


def results_in(text: str) -> list[Any]:
    return [item for line in text.splitlines() for item in json.loads(line)["result"]["results"]]


async def next_answer(connection: RawConnection) -> str:
    (result,) = (await connection.json_line())["result"]["results"]
    return f"{result['requestId']} {result['response']['outcome']}"


async def test_a_watched_sale_comes_as_lines_of_json(shop: Running, web: httpx.AsyncClient) -> None:
    path = "/flash-sale/status:watch?minInterval=0.2s"
    async with web.stream("GET", path) as answer:
        lines = answer.aiter_lines()
        first = json.loads(await anext(lines))["result"]["status"]
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        second = json.loads(await anext(lines))["result"]["status"]
    assert [first["availableStock"], second["availableStock"]] == [5, 4]


async def test_a_browser_gets_server_sent_events(shop: Running, web: httpx.AsyncClient) -> None:
    headers = {"accept": "text/event-stream"}
    async with web.stream("GET", "/flash-sale/status:watch", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        opening = [await anext(lines) for _ in range(3)]
    assert opening[0].startswith("retry: ")
    assert json.loads(opening[2].removeprefix("data: "))["status"]["availableStock"] == 5


async def test_a_watcher_who_hangs_up_is_forgotten(shop: Running, web: httpx.AsyncClient) -> None:
    for headers in ({}, EVENTS):
        async with web.stream("GET", WATCH, headers=headers) as answer:
            lines = answer.aiter_lines()
            await anext(lines)
            assert (await shop.stub.Metrics(pb.MetricsRequest())).watchers == 1
        await watchers_gone(shop)


async def test_a_watch_goes_by_its_other_path_too(web: httpx.AsyncClient) -> None:
    async with web.stream("GET", "/v1/sales/default/status:watch") as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        first = json.loads(await anext(answer.aiter_lines()))
    assert first["result"]["status"]["saleId"] == "default"


async def test_head_of_a_watch_watches_nothing(shop: Running, web: httpx.AsyncClient) -> None:
    answer = await web.head(WATCH, headers=EVENTS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")
    async with connected(shop) as connection:
        for method in (b"HEAD", b"GET"):  # the second is answered, because the first is over
            await connection.send(b"%s /flash-sale/status:watch HTTP/1.1\r\n\r\n" % method)
            assert (await connection.head())[0] == 200
        assert "status" in (await connection.json_line())["result"]
    await watchers_gone(shop)
    assert (await web.head("/v1/sales/nope/status:watch")).status_code == 404


async def test_a_stream_that_cannot_begin_is_an_ordinary_error(web: httpx.AsyncClient) -> None:
    for headers in ({}, EVENTS):
        answer = await web.get("/v1/sales/nope/status:watch", headers=headers)
        assert (answer.status_code, reason_of(answer)) == (404, "SALE_NOT_FOUND")


async def test_streams_end_when_the_server_stops(shop: Running, web: httpx.AsyncClient) -> None:
    async with web.stream("GET", "/flash-sale/status:watch") as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        await shop.server.stop()
        assert len([line async for line in lines]) <= 1


async def test_purchases_stream_as_lines_both_ways(web: httpx.AsyncClient) -> None:
    lines = [{"request": {"userId": f"u-{n}", "requestId": f"r-{n}"}} for n in range(8)]
    content = "\n".join(json.dumps(line) for line in lines)
    answer = await web.post("/flash-sale/purchase:stream", content=content)
    results = results_in(answer.text)
    outcomes = {item["requestId"]: item["response"]["outcome"] for item in results}
    assert outcomes["r-4"] == "OUTCOME_PURCHASED"
    assert outcomes["r-5"] == "OUTCOME_SOLD_OUT"


async def test_each_purchase_of_a_stream_is_answered_while_it_goes_on(
    shop: Running, web: httpx.AsyncClient
) -> None:
    async with connected(shop) as connection:
        await connection.send(STREAM_HEAD)
        await connection.send_chunk(line_of("ann") + b"\n")
        assert (await connection.head())[0] == 200
        assert await next_answer(connection) == "r-ann OUTCOME_PURCHASED"
        await connection.send_chunk(line_of("bob")[:9])  # a line may come in pieces
        await connection.send_chunk(line_of("bob")[9:] + b"\r\n\n  \n")
        assert await next_answer(connection) == "r-bob OUTCOME_PURCHASED"
        await connection.send_chunk(line_of("cat"))  # the last line needs no end
        await connection.send(b"0\r\n\r\n")
        assert await next_answer(connection) == "r-cat OUTCOME_PURCHASED"
    assert (await web.get("/flash-sale/status")).json()["soldStock"] == 3


async def test_a_bad_purchase_in_a_stream_fails_alone(web: httpx.AsyncClient) -> None:
    lines = [{"request": {"userId": user, "requestId": f"r-{user}"}} for user in ("", "ann")]
    content = "\n".join(json.dumps(line) for line in lines)
    answer = await web.post(f"{PURCHASE}:stream", content=content)
    results = results_in(answer.text)
    by_id = {item["requestId"]: item for item in results}
    assert reason_in(by_id["r-"]["error"]) == "INVALID_FIELD"
    assert by_id["r-ann"]["response"]["outcome"] == "OUTCOME_PURCHASED"


async def test_a_stream_of_nothing_is_answered_with_nothing(web: httpx.AsyncClient) -> None:
    for content in (b"", b"\n\n"):
        answer = await web.post(f"{PURCHASE}:stream", content=content)
        assert (answer.status_code, answer.content) == (200, b"")


async def test_a_malformed_first_line_is_an_ordinary_error(web: httpx.AsyncClient) -> None:
    for line in (b"nonsense\n", b"[]\n", b'{"request": {"userId": 7}}', b'{"userId": "ann"}\n'):
        answer = await web.post(f"{PURCHASE}:stream", content=line)
        assert (answer.status_code, reason_of(answer)) == (400, "INVALID_FIELD")


async def test_a_malformed_line_ends_the_stream_with_its_error(shop: Running) -> None:
    async with connected(shop) as connection:
        await connection.send(STREAM_HEAD)
        await connection.send_chunk(line_of("ann") + b"\n")
        assert await next_answer(connection) == "r-ann OUTCOME_PURCHASED"
        await connection.send_chunk(b"nonsense\n")
        assert reason_in((await connection.json_line())["error"]) == "INVALID_FIELD"
        await connection.send(b"0\r\n\r\n")


async def test_what_came_before_a_malformed_line_is_answered(web: httpx.AsyncClient) -> None:
    content = b"\n".join([line_of("ann"), line_of("bob"), b"nonsense", line_of("cat")])
    answer = await web.post(f"{PURCHASE}:stream", content=content)
    *results, last = [json.loads(line) for line in answer.text.splitlines()]
    answered = {item["requestId"] for line in results for item in line["result"]["results"]}
    assert answered == {"r-ann", "r-bob"}
    assert reason_in(last["error"]) == "INVALID_FIELD"
    assert (await web.get("/flash-sale/status")).json()["soldStock"] == 2


async def test_a_stream_that_grows_too_large_ends_with_its_error(
    shop: Running, web: httpx.AsyncClient
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 1_000_000

    answer = await web.post(f"{PURCHASE}:stream", content=endless())
    assert (answer.status_code, reason_of(answer)) == (413, "BODY_TOO_LARGE")
    async with connected(shop) as connection:
        await connection.send(STREAM_HEAD)
        await connection.send_chunk(line_of("ann") + b"\n")
        assert await next_answer(connection) == "r-ann OUTCOME_PURCHASED"
        await connection.send_chunk(b" " * 5_000_000)
        assert reason_in((await connection.json_line())["error"]) == "BODY_TOO_LARGE"


async def test_a_buyer_who_leaves_a_stream_keeps_what_was_bought(
    shop: Running, web: httpx.AsyncClient
) -> None:
    async with connected(shop) as connection:
        await connection.send(STREAM_HEAD)
        await connection.send_chunk(line_of("ann") + b"\n" + line_of("bob")[:9])
        assert await next_answer(connection) == "r-ann OUTCOME_PURCHASED"
    assert (await web.get(f"{PURCHASE}/ann")).json()["purchased"] is True
    assert (await web.get("/flash-sale/status")).json()["soldStock"] == 1


async def test_a_stream_may_be_of_any_length_while_its_lines_are_short(
    web: httpx.AsyncClient,
) -> None:
    padding = b" " * 1_000_000 + b"\n"
    content = line_of("ann") + padding * 6 + line_of("bob")
    answer = await web.post(f"{PURCHASE}:stream", content=content)
    results = results_in(answer.text)
    assert {item["requestId"] for item in results} == {"r-ann", "r-bob"}

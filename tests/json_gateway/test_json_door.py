"""The JSON door as curl and browsers see it, against the real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from tests.servers import Running, running

PURCHASE = "/flash-sale/purchase"


@pytest.fixture
async def shop() -> AsyncIterator[Running]:
    async with running(stock="5", per_user_limit="3", rate_limit_per_minute="10") as server:
        yield server


@pytest.fixture
async def web(shop: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shop.url, timeout=20) as client:
        yield client


def reason_of(answer: httpx.Response) -> str:
    """The reason in an error body, which must be a google.rpc.Status with one ErrorInfo."""
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"code", "message", "details"}
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    (info,) = [item for item in body["details"] if item["@type"] == kind]
    assert info["domain"] == "flashsale"
    return str(info["reason"])


def fields_of(answer: httpx.Response) -> list[str]:
    """The fields that a BadRequest names."""
    kind = "type.googleapis.com/google.rpc.BadRequest"
    (bad,) = [item for item in answer.json()["details"] if item["@type"] == kind]
    return [item["field"] for item in bad["fieldViolations"]]


async def test_every_call_works_by_both_its_paths(web: httpx.AsyncClient) -> None:
    for number, base in enumerate(("/flash-sale", "/v1/sales/default")):
        user = f"ann-{number}"
        bought = (await web.post(f"{base}/purchase", json={"userId": user})).json()
        assert bought["outcome"] == "OUTCOME_PURCHASED"
        assert bought["purchase"]["userId"] == user
        batch = {"requests": [{"userId": user, "quantity": 9}, {"userId": ""}]}
        results = (await web.post(f"{base}/purchase:batch", json=batch)).json()["results"]
        assert results[0]["response"]["outcome"] == "OUTCOME_USER_LIMIT_REACHED"
        assert results[1]["error"]["code"] == 3
        found = (await web.get(f"{base}/purchase/{user}")).json()
        assert found["purchased"] is True
        status = (await web.get(f"{base}/status")).json()
        assert status["soldStock"] == number + 1
    assert (await web.get("/flash-sale/health")).json()["health"] == "SYSTEM_HEALTH_HEALTHY"
    assert (await web.get("/flash-sale/metrics")).json()["attempts"] == "4"


async def test_json_is_written_as_protobuf_says(web: httpx.AsyncClient) -> None:
    status = (await web.get("/flash-sale/status")).json()
    assert status["state"] == "SALE_STATE_LIVE"
    assert status["heldStock"] == 0  # not set, and printed all the same
    assert status["soldOut"] is False
    assert status["position"] == "1"  # 64 bits do not fit a JavaScript number
    assert status["startTime"].endswith("Z")


async def test_names_of_the_contract_are_understood_too(web: httpx.AsyncClient) -> None:
    body = {"user_id": "ann", "request_id": "r-1", "quantity": 2}
    assert (await web.post(PURCHASE, json=body)).json()["purchase"]["quantity"] == 2


async def test_what_curl_sends_by_default_is_read(web: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await web.post(PURCHASE, content='{"userId": "ann"}', headers=headers)
    assert answer.json()["outcome"] == "OUTCOME_PURCHASED"


@pytest.mark.parametrize(
    "user_id", ["a/b", "a:b", "a:watch", "✓", "100%", "a b", "a+b", "a?b#c", "..", "%2F", "x" * 128]
)
async def test_any_user_id_can_be_looked_up(web: httpx.AsyncClient, user_id: str) -> None:
    await web.post(PURCHASE, json={"userId": user_id})
    escaped = "".join(f"%{byte:02X}" for byte in user_id.encode())
    found = (await web.get(f"/flash-sale/purchase/{escaped}")).json()
    assert [item["userId"] for item in found["purchases"]] == [user_id]


BAD_BODIES = {
    "not JSON": b"user=ann",
    "cut off": b'{"userId": "an',
    "a list": b"[]",
    "a number": b"7",
    "a string": b'"ann"',
    "null bytes": b"\0\0\0",
    "not UTF-8": b'{"userId": "\xff\xfe"}',
    "a wrong type": b'{"userId": 7}',
    "a wrong nested type": b'{"userId": {"name": "ann"}}',
    "a text for a number": b'{"userId": "ann", "quantity": "many"}',
    "a number that is too large": b'{"userId": "ann", "quantity": 2147483648}',
    "half a unit": b'{"userId": "ann", "quantity": 0.5}',
    "not a number": b'{"userId": "ann", "quantity": NaN}',
    "an unknown field": b'{"userId": "ann", "colour": "red"}',
    "a field twice": b'{"userId": "ann", "userId": "bob"}',
    "a lone surrogate": b'{"userId": "\\ud800"}',
    "deep nesting": b"[" * 100_000,
    "deep objects": b'{"userId":' * 20_000,
    "a bad duration": b'{"userId": "ann", "timeout": "soon"}',
    "nothing": b"",
    "an empty object": b"{}",
}


@pytest.mark.parametrize("what", BAD_BODIES)
async def test_a_bad_body_is_a_clear_error(web: httpx.AsyncClient, what: str) -> None:
    answer = await web.post(PURCHASE, content=BAD_BODIES[what])
    assert answer.status_code == 400, answer.text
    assert reason_of(answer) == "INVALID_FIELD"
    assert fields_of(answer)
    assert (await web.get("/flash-sale/status")).json()["soldStock"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "/flash-sale/purchase/%zz",
        "/flash-sale/purchase/%ff",
        "/flash-sale/purchase/a%0Ab",
        "/flash-sale/purchase/" + "x" * 200,
        "/v1/sales/Not_A_Sale/status",
        "/flash-sale/status?saleId=?",
        "/flash-sale/status?colour=red",
        "/flash-sale/status?saleId=a&saleId=b",
        "/flash-sale/status?saleId=%ff",
        "/v1/sales/default/status?saleId=other",
        "/flash-sale/status:watch?minInterval=soon",
        "/flash-sale/status:watch?minInterval=0.1s",
    ],
)
async def test_a_bad_path_or_query_is_a_clear_error(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(path)
    assert answer.status_code == 400, answer.text
    assert reason_of(answer) == "INVALID_FIELD"


async def test_errors_of_the_table_have_their_http_status(web: httpx.AsyncClient) -> None:
    unknown = await web.get("/v1/sales/nope/status")
    assert (unknown.status_code, reason_of(unknown)) == (404, "SALE_NOT_FOUND")
    nowhere = await web.get("/nowhere")
    assert (nowhere.status_code, reason_of(nowhere)) == (404, "PATH_NOT_FOUND")
    wrong = await web.delete(PURCHASE)
    assert (wrong.status_code, reason_of(wrong)) == (405, "METHOD_NOT_ALLOWED")
    assert wrong.headers["allow"] == "POST"
    await web.post(PURCHASE, json={"userId": "ann", "requestId": "r-1"})
    reused = await web.post(PURCHASE, json={"userId": "ann", "requestId": "r-1", "quantity": 2})
    assert (reused.status_code, reason_of(reused)) == (400, "REQUEST_ID_REUSED")
    for _ in range(9):
        await web.post(PURCHASE, json={"userId": "ann"})
    limited = await web.post(PURCHASE, json={"userId": "ann"})
    assert (limited.status_code, reason_of(limited)) == (429, "USER_RATE_LIMITED")
    assert 0 < int(limited.headers["retry-after"]) <= 60
    late = await web.post(PURCHASE, json={"userId": "bob"}, headers={"grpc-timeout": "0n"})
    assert (late.status_code, reason_of(late)) == (504, "DEADLINE_EXCEEDED")
    odd = await web.get("/flash-sale/status", headers={"grpc-timeout": "soon"})
    assert (odd.status_code, reason_of(odd)) == (400, "INVALID_FIELD")


async def test_a_body_of_ten_megabytes_is_refused_however_it_comes(web: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 1_000_000

    for content in (b" " * 10_000_000, chunks()):
        try:
            answer = await web.post(PURCHASE, content=content)
        except httpx.WriteError:
            continue  # refused while it was still being sent
        assert (answer.status_code, reason_of(answer)) == (413, "BODY_TOO_LARGE")
    assert (await web.post(PURCHASE, json={"userId": "ann"})).status_code == 200


async def test_a_request_that_is_cut_off_harms_nobody(
    shop: Running, web: httpx.AsyncClient
) -> None:
    for head in (
        b"POST /flash",
        b"POST /flash-sale/purchase HTTP/1.1\r\nContent-Length: 99\r\n\r\n{",
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", shop.server.http_port)
        writer.write(head)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert (await web.get("/flash-sale/status")).json()["soldStock"] == 0


async def test_head_is_answered_without_a_body(web: httpx.AsyncClient) -> None:
    answer = await web.head("/flash-sale/status")
    assert (answer.status_code, answer.content) == (200, b"")


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
    async with web.stream("GET", "/flash-sale/status:watch") as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        assert (await shop.stub.Metrics(pb.MetricsRequest())).watchers == 1
    async with asyncio.timeout(20):
        while (await shop.stub.Metrics(pb.MetricsRequest())).watchers:
            pass


async def test_a_stream_that_cannot_begin_is_an_ordinary_error(web: httpx.AsyncClient) -> None:
    answer = await web.get("/v1/sales/nope/status:watch")
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
    results = [json.loads(line)["result"]["result"] for line in answer.text.splitlines()]
    outcomes = {item["requestId"]: item["response"]["outcome"] for item in results}
    assert outcomes["r-4"] == "OUTCOME_PURCHASED"
    assert outcomes["r-5"] == "OUTCOME_SOLD_OUT"


async def test_a_malformed_line_ends_the_stream_with_its_error(web: httpx.AsyncClient) -> None:
    good = b'{"request": {"userId": "ann", "requestId": "r-1"}}\n'
    answer = await web.post("/flash-sale/purchase:stream", content=good + b"nonsense\n")
    last = json.loads(answer.text.splitlines()[-1])
    assert last.get("error", last).get("code") == 3


@pytest.mark.parametrize("origins", ["", "https://shop.example"])
async def test_other_origins_may_call_only_where_that_is_set(origins: str) -> None:
    async with running(cors_origins=origins) as shop, httpx.AsyncClient(base_url=shop.url) as web:
        headers = {"origin": "https://shop.example", "access-control-request-method": "POST"}
        preflight = await web.options(PURCHASE, headers=headers)
        answer = await web.get("/flash-sale/status", headers={"origin": "https://shop.example"})
    allowed = answer.headers.get("access-control-allow-origin")
    assert allowed == (origins or None)
    assert preflight.status_code == (200 if origins else 405)


async def test_the_api_documents_itself(web: httpx.AsyncClient) -> None:
    document: dict[str, Any] = (await web.get("/openapi.json")).json()
    validate(document)
    for path in (PURCHASE, "/v1/sales/{sale_id}/purchase/{user_id}", "/flash-sale/status:watch"):
        assert path in document["paths"]
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        if name.startswith("flashsale.v1."):
            assert schema["description"], name
            for field, described in schema.get("properties", {}).items():
                assert described["description"], f"{name}.{field}"
    assert "Nothing is available." in schemas["flashsale.v1.Outcome"]["description"]


async def test_the_page_of_the_api_loads_nothing_from_elsewhere(web: httpx.AsyncClient) -> None:
    page = await web.get("/docs")
    assert "://" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assets = [part.split('"')[0] for part in page.text.split('="/docs/')[1:]]
    assert len(assets) == 4
    for asset in assets:
        assert (await web.get(f"/docs/{asset}")).status_code == 200
    assert (await web.get("/docs/../settings.py")).status_code == 404


async def test_prometheus_can_read_the_metrics(web: httpx.AsyncClient) -> None:
    await web.post(PURCHASE, json={"userId": "ann"})
    text = (await web.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (sample,) = families["flash_sale_purchases"].samples
    assert (sample.name, sample.labels, sample.value) == (
        "flash_sale_purchases_total",
        {"outcome": "purchased"},
        1.0,
    )
    assert families["flash_sale_purchase_duration_seconds"].type == "histogram"


async def test_no_bytes_make_the_server_fail(shop: Running) -> None:
    async with httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
        loop = asyncio.get_running_loop()

        @settings(
            max_examples=150,
            deadline=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture],
        )
        @given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20))
        def everything_has_an_answer(body: bytes, path: str, query: str) -> None:
            async def ask() -> None:
                posted = await web.post(PURCHASE, content=body)
                url = f"/flash-sale/purchase/{quote(path, safe='')}?{quote(query, safe='=&')}"
                got = await web.get(url)
                assert {posted.status_code, got.status_code} <= {200, 400, 404, 405, 429}

            asyncio.run_coroutine_threadsafe(ask(), loop).result(20)

        await asyncio.to_thread(everything_has_an_answer)

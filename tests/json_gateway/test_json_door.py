"""The JSON door as curl and browsers see it, against the real server."""

import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.json_gateway.answers import PURCHASE, connected, reason_of
from tests.servers import Running, running


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


@pytest.mark.parametrize("path", ["/flash-sale/metrics", "/flash-sale/purchase/ann", "/docs"])
async def test_head_is_answered_as_get_is_but_without_a_body(shop: Running, path: str) -> None:
    async with connected(shop) as connection:
        await connection.send(b"HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        status, headers = await connection.head()
        await connection.send(b"GET /docs/nope HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await connection.head())[0] == 404  # no body was in between
    assert status == 200
    assert int(headers["content-length"]) > 20


async def test_head_of_what_is_only_posted_is_not_allowed(web: httpx.AsyncClient) -> None:
    answer = await web.head(PURCHASE)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_answers_leave_at_once(shop: Running, web: httpx.AsyncClient) -> None:
    await web.get("/flash-sale/health")
    server = shop.server._http._server
    assert server is not None
    (connection,) = server.server_state.connections
    accepted = connection.transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("origins", ["", "https://shop.example"])
async def test_other_origins_may_call_only_where_that_is_set(origins: str) -> None:
    async with running(cors_origins=origins) as shop, httpx.AsyncClient(base_url=shop.url) as web:
        headers = {"origin": "https://shop.example", "access-control-request-method": "POST"}
        preflight = await web.options(PURCHASE, headers=headers)
        answer = await web.get("/flash-sale/status", headers={"origin": "https://shop.example"})
    allowed = answer.headers.get("access-control-allow-origin")
    assert allowed == (origins or None)
    assert preflight.status_code == (200 if origins else 405)


async def test_a_page_of_an_allowed_origin_can_read_errors_and_others_can_read_nothing() -> None:
    origins = "https://shop.example,https://till.example"
    async with running(cors_origins=origins) as shop, httpx.AsyncClient(base_url=shop.url) as web:
        error = await web.post(PURCHASE, json={}, headers={"origin": "https://till.example"})
        other = await web.get("/flash-sale/status", headers={"origin": "https://evil.example"})
        lines = (("origin", "https://evil.example"), ("access-control-request-method", "POST"))
        preflight = await web.options(PURCHASE, headers=dict(lines))
    assert error.headers["access-control-allow-origin"] == "https://till.example"
    assert "Retry-After" in error.headers["access-control-expose-headers"]
    assert reason_of(error) == "INVALID_FIELD"
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-origin" not in preflight.headers


async def test_a_request_may_say_how_long_its_answer_is_of_use(web: httpx.AsyncClient) -> None:
    for timeout in ("1H", "1M", "60S", "60000m", "60000000u", "99999999u"):
        answer = await web.get("/flash-sale/status", headers={"grpc-timeout": timeout})
        assert answer.status_code == 200
    for timeout in ("", "5", "S", "-1S", "1.5S", "5 S", "5s", "123456789S", "\u00b2S"):
        headers = {b"grpc-timeout": timeout.encode("latin-1")}
        answer = await web.get("/flash-sale/status", headers=headers)
        assert (answer.status_code, reason_of(answer)) == (400, "INVALID_FIELD"), timeout
    late = await web.post(PURCHASE, json={"userId": "bob", "timeout": "0.000000001s"})
    assert (late.status_code, reason_of(late)) == (504, "DEADLINE_EXCEEDED")


async def test_prometheus_can_read_the_metrics(web: httpx.AsyncClient) -> None:
    await web.post(PURCHASE, json={"userId": "ann"})
    text = (await web.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (sample,) = (item for item in families["flash_sale_purchases"].samples if item.value)
    assert (sample.name, sample.labels, sample.value) == (
        "flash_sale_purchases_total",
        {"sale": "default", "outcome": "purchased"},
        1.0,
    )
    assert families["flash_sale_purchase_duration_seconds"].type == "histogram"

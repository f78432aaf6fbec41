"""Requests that are wrong: every one gets a clear error, and none harms the server."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from tests.json_gateway.answers import PURCHASE, connected, fields_of, reason_of
from tests.servers import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")


# One shop for them all: nothing here may leave a trace in it.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[Running]:
    async with running() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(shop: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shop.url, timeout=20) as client:
        yield client


BAD_BODIES = {
    "not JSON": (b"user=ann", "body"),
    "cut off": (b'{"userId": "an', "body"),
    "more than one value": (b'{"userId": "ann"} {}', "body"),
    "a list": (b"[]", "body"),
    "a number": (b"7", "body"),
    "a string": (b'"ann"', "body"),
    "null": (b"null", "body"),
    "null bytes": (b"\0\0\0", "body"),
    "not UTF-8": (b'{"userId": "\xff\xfe"}', "body"),
    "a byte order mark": (b'\xef\xbb\xbf{"userId": "ann"}', "body"),
    "UTF-16": ('{"userId": "ann"}'.encode("utf-16"), "body"),
    "a wrong type": (b'{"userId": 7}', "userId"),
    "a wrong nested type": (b'{"userId": {"name": "ann"}}', "userId"),
    "a list for a text": (b'{"userId": ["ann"]}', "userId"),
    "a text for a number": (b'{"userId": "ann", "quantity": "many"}', "quantity"),
    "an object for a number": (b'{"userId": "ann", "quantity": {}}', "quantity"),
    "a truth for a number": (b'{"userId": "ann", "quantity": true}', "quantity"),
    "a number for a truth": (b'{"userId": "ann", "retry": 1}', "retry"),
    "a text for a truth": (b'{"userId": "ann", "retry": "true"}', "retry"),
    "a number that is too large": (b'{"userId": "ann", "quantity": 2147483648}', "quantity"),
    "a number of many digits": (b'{"userId": "ann", "quantity": %s}' % (b"9" * 5000), "body"),
    "a number beyond numbers": (b'{"userId": "ann", "quantity": 1e400}', "quantity"),
    "half a unit": (b'{"userId": "ann", "quantity": 0.5}', "quantity"),
    "no units": (b'{"userId": "ann", "quantity": 0}', "quantity"),
    "not a number": (b'{"userId": "ann", "quantity": NaN}', "quantity"),
    "an unknown field": (b'{"userId": "ann", "colour": "red"}', "colour"),
    "a field twice": (b'{"userId": "ann", "userId": "bob"}', "body"),
    "a lone surrogate": (b'{"userId": "\\ud800"}', "userId"),
    "a lone surrogate for a name": (b'{"\\ud800": 1}', "body"),
    "a lone surrogate for a number": (b'{"userId": "ann", "quantity": "\\udfff"}', "quantity"),
    "a lone surrogate in a duration": (b'{"userId": "ann", "timeout": "\\ud800s"}', "timeout"),
    "deep nesting": (b"[" * 100_000, "body"),
    "deep objects": (b'{"userId":' * 20_000, "body"),
    "a bad duration": (b'{"userId": "ann", "timeout": "soon"}', "timeout"),
    "a number for a duration": (b'{"userId": "ann", "timeout": 5}', "timeout"),
    "a duration of ages": (b'{"userId": "ann", "timeout": "315576000001s"}', "timeout"),
    "a duration that is over": (b'{"userId": "ann", "timeout": "-1s"}', "timeout"),
    "a control character": (b'{"userId": "a\\u0000b"}', "user_id"),
    "nothing": (b"", "user_id"),
    "white space": (b" \n ", "user_id"),
    "an empty object": (b"{}", "user_id"),
    "no user": (b'{"userId": null}', "user_id"),
}


@pytest.mark.parametrize("what", BAD_BODIES)
async def test_a_bad_body_is_a_clear_error(web: httpx.AsyncClient, what: str) -> None:
    body, field = BAD_BODIES[what]
    answer = await web.post(PURCHASE, content=body)
    assert answer.status_code == 400, answer.text
    assert reason_of(answer) == "INVALID_FIELD"
    assert fields_of(answer) == [field]
    assert (await web.get("/flash-sale/status")).json()["soldStock"] == 0


async def test_every_wrong_field_is_named_at_once(web: httpx.AsyncClient) -> None:
    body = {"quantity": -1, "requestId": "r" * 129, "saleId": "NO"}
    answer = await web.post(PURCHASE, json=body)
    assert set(fields_of(answer)) == {"user_id", "quantity", "request_id", "sale_id"}


async def test_an_error_does_not_repeat_megabytes(web: httpx.AsyncClient) -> None:
    answer = await web.post(PURCHASE, content=b'{"%s": 1}' % (b"x" * 1_000_000))
    assert reason_of(answer) == "INVALID_FIELD"
    assert len(answer.content) < 10_000


async def test_a_bad_item_of_a_batch_is_named(web: httpx.AsyncClient) -> None:
    for item in ({"quantity": "x"}, {"colour": 1}, None, 7):
        answer = await web.post(f"{PURCHASE}:batch", json={"requests": [{"userId": "ann"}, item]})
        assert (answer.status_code, fields_of(answer)) == (400, ["requests"])


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_has_its_bounds(web: httpx.AsyncClient, count: int) -> None:
    answer = await web.post(f"{PURCHASE}:batch", json={"requests": [{"userId": "ann"}] * count})
    assert (answer.status_code, fields_of(answer)) == (400, ["requests"])


async def test_what_belongs_in_the_body_is_not_taken_from_the_query(web: httpx.AsyncClient) -> None:
    answer = await web.post(f"{PURCHASE}?quantity=2", json={"userId": "ann"})
    assert (answer.status_code, fields_of(answer)) == (400, ["quantity"])


async def test_a_question_has_no_body(web: httpx.AsyncClient) -> None:
    answer = await web.request("GET", "/flash-sale/status", content=b"{}")
    assert (answer.status_code, fields_of(answer)) == (400, ["body"])


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
        "/flash-sale/status:watch?minInterval=",
        "/flash-sale/status:watch?minInterval.seconds=1_0",
        "/flash-sale/status:watch?minInterval.seconds=%F0%9D%9F%99",
        "/flash-sale/status:watch?minInterval.seconds=99999999999999999999",
        "/flash-sale/status:watch?minInterval.nanos=-5",
        "/flash-sale/status?saleId.x=1",
        "/flash-sale/status?saleId..=1",
        "/flash-sale/status?=1",
        "/flash-sale/status?" + "saleId=a&" * 200,
    ],
)
async def test_a_bad_path_or_query_is_a_clear_error(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(path)
    assert answer.status_code == 400, answer.text
    assert reason_of(answer) == "INVALID_FIELD"


CUT_OFF = {
    "in its path": b"POST /flash",
    "in its headers": b"POST /flash-sale/purchase HTTP/1.1\r\nContent-Le",
    "in its body": b'POST /flash-sale/purchase HTTP/1.1\r\nContent-Length: 99\r\n\r\n{"userId',
    "in a chunk": b"POST /flash-sale/purchase HTTP/1.1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",
    "in a stream": b"POST /flash-sale/purchase:stream HTTP/1.1\r\nContent-Length: 99\r\n\r\n{",
}


@pytest.mark.parametrize("where", CUT_OFF)
async def test_a_request_that_is_cut_off_harms_nobody(
    shop: Running, web: httpx.AsyncClient, where: str
) -> None:
    async with connected(shop) as connection:
        await connection.send(CUT_OFF[where])
    assert (await web.get("/flash-sale/status")).json()["soldStock"] == 0


NOT_HTTP = {
    "nonsense": b"\x16\x03\x01 nonsense\r\n\r\n",
    "a negative length": b"POST /flash-sale/purchase HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "a vast length": b"POST / HTTP/1.1\r\nContent-Length: %s\r\n\r\n" % (b"9" * 30),
    "a bad chunk": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "bytes in its path": b"GET /flash-sale/purchase/\xff HTTP/1.1\r\n\r\n",
    "bytes in its query": b"GET /flash-sale/status?saleId=\xe2\x9c\x93 HTTP/1.1\r\n\r\n",
    "no path": b"GET ?x=1 HTTP/1.1\r\n\r\n",
    "an unknown method": b"BUY /flash-sale/purchase HTTP/1.1\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


@pytest.mark.parametrize("what", NOT_HTTP)
async def test_what_is_not_http_is_refused(
    shop: Running, web: httpx.AsyncClient, what: str
) -> None:
    async with connected(shop) as connection:
        await connection.send(NOT_HTTP[what])
        status, headers = await connection.head()
    assert (status, headers["connection"]) == (400, "close")
    assert (await web.get("/flash-sale/health")).status_code == 200


@pytest.mark.parametrize("target", ["*", "//", "//flash-sale/status", "/flash-sale/stat%75s", "/%"])
async def test_odd_paths_lead_nowhere(shop: Running, target: str) -> None:
    async with connected(shop) as connection:
        await connection.send(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % target.encode())
        status, headers = await connection.head()
        body = json.loads(await connection.body(int(headers["content-length"])))
    assert status == 404
    assert body["details"][0]["reason"] == "PATH_NOT_FOUND"


async def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(
    shop: Running,
) -> None:
    head = b"POST /flash-sale/purchase HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n"
    async with connected(shop) as connection:
        await connection.send(head + b"Expect: 100-continue\r\n\r\n")
        assert (await connection.head())[0] == 413

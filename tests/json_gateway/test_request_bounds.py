"""What comes before a body is bounded, and what is no request is refused as any other error is."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from flashsale_server.json_gateway.http_protocol import HEAD_BYTES_MAX, URL_BYTES_MAX

from tests.json_gateway.answers import PURCHASE, RawConnection, connected, reason_in, reason_of
from tests.servers import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

STATUS = b"/flash-sale/status"


# One shop for them all: nothing here may leave a trace in it.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[Running]:
    async with running() as server:
        yield server


def request(target: bytes, *headers: bytes) -> bytes:
    lines = [b"GET %s HTTP/1.1" % target, b"Host: x", *headers]
    return b"\r\n".join([*lines, b"", b""])


def padded(length: int) -> bytes:
    """A URL of so many bytes."""
    return STATUS + b"?saleId=" + b"x" * (length - len(STATUS) - 8)


async def refusal_of(connection: RawConnection) -> int:
    """The HTTP status of a refusal, which must be a google.rpc.Status; the server hangs up."""
    status, headers = await connection.head()
    assert (headers["connection"], headers["content-type"]) == ("close", "application/json")
    body = await connection.rest()
    assert len(body) == int(headers["content-length"])
    assert reason_in(json.loads(body)) == "INVALID_FIELD"
    return status


async def test_a_long_url_is_read_up_to_its_bound(shop: Running) -> None:
    async with connected(shop) as connection:
        await connection.send(request(padded(URL_BYTES_MAX)))
        status, headers = await connection.head()
        assert status == 400  # it is no sale's id
        await connection.body(int(headers["content-length"]))
        await connection.send(request(padded(URL_BYTES_MAX + 1)))
        assert await refusal_of(connection) == 414


async def test_headers_are_read_up_to_their_bound(shop: Running) -> None:
    many = [b"X-%d: %s" % (number, b"x" * 1000) for number in range(HEAD_BYTES_MAX // 1000 - 2)]
    async with connected(shop) as connection:
        await connection.send(request(STATUS, *many))
        status, headers = await connection.head()
        assert status == 200
        await connection.body(int(headers["content-length"]))
        await connection.send(request(STATUS, *many, b"X-Last: " + b"x" * 5000))
        assert await refusal_of(connection) == 431


ENDLESS = {
    "a URL": (b"GET /", b"x", URL_BYTES_MAX, 414),
    "a header": (b"GET / HTTP/1.1\r\nX: ", b"x", HEAD_BYTES_MAX, 431),
    "headers": (b"GET / HTTP/1.1\r\n", b"X: y\r\n", HEAD_BYTES_MAX, 431),
    "white space": (b"GET / HTTP/1.1\r\nX:", b" ", HEAD_BYTES_MAX, 431),
}


@pytest.mark.parametrize("what", ENDLESS)
async def test_what_never_ends_is_refused(shop: Running, what: str) -> None:
    begin, more, bound, expected = ENDLESS[what]
    content = (begin + more * bound)[: bound + 5]
    async with connected(shop) as connection:
        for start in range(0, len(content), 1000):
            await connection.send(content[start : start + 1000])
        assert await refusal_of(connection) == expected


async def test_a_large_body_is_no_large_head(shop: Running) -> None:
    head = b"POST /flash-sale/purchase HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    async with connected(shop) as connection:
        for _ in range(2):
            await connection.send(head + b" " * 1_000_000 + request(STATUS))
            for expected in (400, 200):
                status, headers = await connection.head()
                assert status == expected
                await connection.body(int(headers["content-length"]))


NOT_HTTP = {
    "nonsense": b"\x16\x03\x01 nonsense\r\n\r\n",
    "a bad chunk": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "bytes in its path": b"GET /flash-sale/purchase/\xff HTTP/1.1\r\n\r\n",
    "no path": b"GET ?x=1 HTTP/1.1\r\n\r\n",
}


@pytest.mark.parametrize("what", NOT_HTTP)
async def test_what_is_not_http_is_told_so_in_json(shop: Running, what: str) -> None:
    async with connected(shop) as connection:
        await connection.send(NOT_HTTP[what])
        assert await refusal_of(connection) == 400


async def test_a_refusal_is_never_taken_for_the_answer_to_another_request(shop: Running) -> None:
    async with connected(shop) as connection:
        await connection.send(request(b"/flash-sale/status:watch") + b"nonsense\r\n\r\n")
        assert b"HTTP/1.1 400" not in await connection.rest()


async def test_a_page_tells_other_methods_so_in_json(shop: Running) -> None:
    async with httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
        for path, method in (("/docs", "POST"), ("/metrics", "DELETE"), ("/openapi.json", "PUT")):
            answer = await web.request(method, path)
            assert (answer.status_code, reason_of(answer)) == (405, "METHOD_NOT_ALLOWED")
            assert answer.headers["allow"] == "GET, HEAD"


async def test_requests_may_come_at_once_and_are_answered_in_their_order(shop: Running) -> None:
    body = b'{"userId": ""}'
    post = b"POST %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (
        PURCHASE.encode(),
        len(body),
        body,
    )
    async with connected(shop) as connection:
        await connection.send((request(STATUS) + post) * 20)
        for expected in (200, 400) * 20:
            status, headers = await connection.head()
            assert status == expected
            await connection.body(int(headers["content-length"]))


@pytest.mark.parametrize("head", [b"GET %s HTTP/1.0", b"GET %s HTTP/1.1\r\nConnection: close"])
async def test_who_wants_no_more_answers_gets_none(shop: Running, head: bytes) -> None:
    async with connected(shop) as connection:
        await connection.send(head % STATUS + b"\r\n\r\n")
        status, headers = await connection.head()
        assert (status, headers["connection"]) == (200, "close")
        assert "date" in headers
        assert len(await connection.rest()) == int(headers["content-length"])

"""The HTTP server with an application of the test's own: answers as wholes, and how they fail."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest
from flashsale_server.json_gateway import HttpServer
from flashsale_server.json_gateway.http_protocol import exchange_of
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.json_gateway.answers import RawConnection

GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
LARGE = 20_000_000


@contextlib.asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[RawConnection]:
    """A connection to a server of `app`."""
    server = HttpServer("127.0.0.1:0")
    port = server.listen()
    server.start(app)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()
        await server.stop()


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with as many bytes as the path says."""
    exchange = exchange_of(scope, receive, send)
    assert await exchange.body() == b""
    await exchange.answer(200, [], b"x" * int(scope["path"][1:]))


async def answering_twice(scope: Scope, receive: Receive, send: Send) -> None:
    exchange = exchange_of(scope, receive, send)
    for answer in (b"once", b"twice"):
        await exchange.answer(200, [], answer)


async def test_who_reads_slowly_gets_every_answer() -> None:
    async with serving(answering) as connection:
        await connection.send(GET % str(LARGE).encode())
        assert (await connection.head())[0] == 200  # and the rest is too much to be on its way
        for length in (1, 2):
            await connection.send(GET % str(length).encode())
        assert len(await connection.body(LARGE)) == LARGE
        for length in (1, 2):
            assert (await connection.head())[0] == 200
            assert len(await connection.body(length)) == length


@pytest.mark.parametrize("count", [1, 3])
async def test_a_request_has_one_answer(count: int) -> None:
    async with serving(answering_twice) as connection:
        await connection.send(GET % b"" * count)
        assert (await connection.rest()).count(b"HTTP/1.1") == 1


async def test_a_server_without_a_table_of_errors_says_what_is_wrong() -> None:
    async with serving(answering) as connection:
        await connection.send(b"nonsense\r\n\r\n")
        status, headers = await connection.head()
        said = json.loads(await connection.body(int(headers["content-length"])))
    assert (status, said["code"]) == (400, 3)
    assert "Invalid HTTP request" in said["message"]

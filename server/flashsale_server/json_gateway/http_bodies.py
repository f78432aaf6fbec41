"""Bodies of requests: read whole within a bound, or as they come."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.types import Receive

from flashsale_server.checkout import BodyTooLarge
from flashsale_server.json_gateway.http_protocol import Exchange

BODY_BYTES_MAX: Final = 4 * 1024 * 1024


class ClientLeft(Exception):
    """The far end has hung up; there is nobody to answer."""


async def whole_body(
    exchange: Exchange | None, receive: Receive, headers: dict[bytes, bytes]
) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: it is, or says that it will be, larger than this server reads.
        ClientLeft: the client hung up in the middle.
    """
    body = None if exchange is None else exchange.body()
    if body is not None and len(body) <= BODY_BYTES_MAX:
        return body
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > BODY_BYTES_MAX:
        raise BodyTooLarge(f"the body is larger than {BODY_BYTES_MAX} bytes")
    parts = []
    read = 0
    async for part in body_parts(receive):
        parts.append(part)
        read += len(part)
        if read > BODY_BYTES_MAX:
            raise BodyTooLarge(f"the body is larger than {BODY_BYTES_MAX} bytes")
    return b"".join(parts)


async def body_parts(
    receive: Receive, read_to_end: asyncio.Event | None = None
) -> AsyncIterator[bytes]:
    """The body as it comes; `read_to_end` is set after its last part.

    Raises:
        ClientLeft: the client hung up in the middle.
    """
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        yield message.get("body", b"")
        if not message.get("more_body", False):
            break
    if read_to_end is not None:
        read_to_end.set()


async def body_lines(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a body that have anything in them.

    Raises:
        BodyTooLarge: a line is larger than this server reads; together they may be of any size.
    """
    line = bytearray()
    async for part in parts:
        end, *others = part.split(b"\n")
        line += end
        for other in others:
            _check_line(line)
            if line.strip():
                yield bytes(line)
            line = bytearray(other)
        _check_line(line)
    if line.strip():
        yield bytes(line)


async def client_left(receive: Receive, read_to_end: asyncio.Event | None = None) -> None:
    """End when the client has hung up. While the body is read, its reader notices that first."""
    if read_to_end is not None:
        await read_to_end.wait()
    while (await receive())["type"] != "http.disconnect":
        pass


def _check_line(line: bytearray) -> None:
    if len(line) > BODY_BYTES_MAX:
        raise BodyTooLarge(f"a line is larger than {BODY_BYTES_MAX} bytes")

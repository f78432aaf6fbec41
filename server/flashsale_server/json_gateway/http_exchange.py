"""One request and its answer: bodies read whole within a bound, or as they come, and answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.types import Receive, Scope, Send

from flashsale_server.checkout import BodyTooLarge
from flashsale_server.json_gateway.http_errors import Headers

BODY_BYTES_MAX: Final = 4 * 1024 * 1024


class ClientLeft(Exception):
    """The far end has hung up; there is nobody to answer."""


class Exchange:
    """A request and its answer, in ASGI's messages.

    Attributes:
        scope: what ASGI says of the request.
        headers: the request's headers; of several by one name, the last.
        receive, send: ASGI's messages, for bodies that are no wholes.
    """

    __slots__ = ("headers", "receive", "scope", "send")

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.receive = receive
        self.send = send

    def take_time(self) -> None:
        """Let the body come as slowly as it likes."""

    async def body(self) -> bytes:
        """The request's whole body.

        Raises:
            BodyTooLarge: it is, or says that it will be, larger than this server reads.
            ClientLeft: the client hung up in the middle.
        """
        length = self.headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > BODY_BYTES_MAX:
            raise _too_large("the body")
        body = bytearray()
        async for part in body_parts(self.receive):
            body += part
            if len(body) > BODY_BYTES_MAX:
                raise _too_large("the body")
        return bytes(body)

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Write the whole answer. Its length is added; an answer to HEAD goes without its body."""
        length = (b"content-length", str(len(body)).encode())
        head = {"type": "http.response.start", "status": status, "headers": [*headers, length]}
        await self.send(head)
        await self.send({"type": "http.response.body", "body": body})


async def body_parts(
    receive: Receive, read_to_end: asyncio.Event | None = None
) -> AsyncIterator[bytes]:
    """A body as it comes; `read_to_end` is set after its last part.

    Raises:
        ClientLeft: the client hung up in the middle.
    """
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        yield message.get("body", b"")
        has_more = message.get("more_body", False)
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
        raise _too_large("a line")


def _too_large(what: str) -> BodyTooLarge:
    return BodyTooLarge(f"{what} is larger than {BODY_BYTES_MAX} bytes")

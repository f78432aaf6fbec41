"""An HTTP/1.1 connection that is kept: one request at a time, as few steps as can be.

It knows what the service's answers need: a status line, a Content-Length, a body. Client libraries
take several times as long as the server does, and would measure themselves.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from bench.plan import Plan


class NoAnswer(Exception):
    """The connection broke, or something came that is no answer."""


class HttpConnection(asyncio.Protocol):
    """One connection to "host:port"."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._received = bytearray()
        self._future: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def to(cls, address: str) -> Self:
        """Connect."""
        host, _, port = address.rpartition(":")
        _, connection = await asyncio.get_running_loop().create_connection(cls, host, int(port))
        return connection

    def post(self, path: str, address: str, body: bytes) -> "asyncio.Future[tuple[int, bytes]]":
        """Ask; the status and the body come back."""
        if self._transport is None:
            raise NoAnswer("the connection is closed")
        self._future = asyncio.get_running_loop().create_future()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        return self._future

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # those of TCP can be written to

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._future is None:
            raise NoAnswer("an answer to nothing")
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = bytes(self._received[:head_end]).lower()
        at = head.find(b"\r\ncontent-length:")
        if at < 0:
            self._future.set_exception(NoAnswer(f"no Content-Length: {head!r}"))
            return
        line_end = head.find(b"\r\n", at + 2)
        length = int(head[at + 17 : line_end if line_end >= 0 else None])
        end = head_end + 4 + length
        if len(self._received) < end:
            return
        body = bytes(self._received[head_end + 4 : end])
        del self._received[:end]
        future, self._future = self._future, None
        future.set_result((int(head[9:12]), body))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._future is not None and not self._future.done():
            self._future.set_exception(NoAnswer(f"the connection broke: {error}"))


@asynccontextmanager
async def connections(plan: Plan) -> AsyncIterator[list[HttpConnection]]:
    """One connection for each caller, closed when the block ends."""
    opened = await asyncio.gather(*(HttpConnection.to(plan.address) for _ in range(plan.callers)))
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()

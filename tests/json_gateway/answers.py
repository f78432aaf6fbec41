"""What an error body says, and raw connections for requests that no proper client would send."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
from flashsale.v1 import flash_sale_pb2 as pb

from tests.servers import Running

PURCHASE = "/flash-sale/purchase"
EVENTS = {"accept": "text/event-stream"}
_DETAIL = "type.googleapis.com/google.rpc."


async def watchers_gone(shop: Running) -> None:
    """Wait until nobody watches any more."""
    async with asyncio.timeout(20):
        while (await shop.stub.Metrics(pb.MetricsRequest())).watchers:
            pass


async def told(answer: httpx.Response, things: str) -> AsyncIterator[dict[str, Any]]:
    """What a stream tells of, one by one, as lines of JSON or as events."""
    async for line in answer.aiter_lines():
        if line.startswith("{"):
            message = json.loads(line)["result"]
        elif line.startswith("data: "):
            message = json.loads(line.removeprefix("data: "))
        else:
            continue
        for thing in message[things]:
            yield thing


def reason_of(answer: httpx.Response) -> str:
    """The reason in an error body, which must be a google.rpc.Status with one ErrorInfo."""
    assert answer.headers["content-type"] == "application/json"
    return reason_in(answer.json())


def reason_in(status: dict[str, Any]) -> str:
    """The reason in a google.rpc.Status, which must have one ErrorInfo."""
    assert set(status) == {"code", "message", "details"}
    (info,) = [item for item in status["details"] if item["@type"] == _DETAIL + "ErrorInfo"]
    assert info["domain"] == "flashsale"
    return str(info["reason"])


def fields_of(answer: httpx.Response) -> list[str]:
    """The fields that a BadRequest names."""
    details = answer.json()["details"]
    (bad,) = [item for item in details if item["@type"] == _DETAIL + "BadRequest"]
    return [item["field"] for item in bad["fieldViolations"]]


class RawConnection:
    """Bytes to the server, and what comes back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, content: bytes) -> None:
        self._writer.write(content)
        await self._writer.drain()

    async def send_chunk(self, content: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(content), content))

    async def head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers of the next answer."""
        async with asyncio.timeout(20):
            lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), {name.lower(): value for name, value in pairs}

    async def body(self, length: int) -> bytes:
        async with asyncio.timeout(20):
            return await self._reader.readexactly(length)

    async def json_line(self) -> dict[str, Any]:
        """The next line of JSON of a chunked answer."""
        async with asyncio.timeout(20):
            while not (line := await self._reader.readline()).startswith(b"{"):
                assert line, "the answer ended"
        found: dict[str, Any] = json.loads(line)
        return found

    async def rest(self) -> bytes:
        """Everything until the server hangs up."""
        async with asyncio.timeout(20):
            return await self._reader.read()


@contextlib.asynccontextmanager
async def connected(shop: Running) -> AsyncIterator[RawConnection]:
    """A connection of one's own; leaving it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.server.http_port)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

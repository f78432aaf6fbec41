"""A small HTTP client for crowds: a fixed number of connections, kept open, each used by one at a
time.

The usual clients spend milliseconds on a request when thousands wait for a connection; a crowd must
wait for the server, not for its own client.
"""

import asyncio
import json
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class HttpClient:
    """Posts JSON to one server."""

    def __init__(self, url: str, connections: int) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._count = connections
        self._idle: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._idle = asyncio.LifoQueue()
        for _ in range(self._count):
            reader, writer = await asyncio.open_connection(self._host, self._port)
            self._writers.append(writer)
            self._idle.put_nowait((reader, writer))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for writer in self._writers:
            writer.close()
            await writer.wait_closed()

    async def post(self, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        """The status and the JSON of the answer."""
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        reader, writer = await self._idle.get()
        writer.write(head.encode() + content)
        received = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(received.split("content-length: ")[1].split("\r\n")[0])
        answer: dict[str, object] = json.loads(await reader.readexactly(length))
        self._idle.put_nowait((reader, writer))
        return int(received.split(" ")[1]), answer

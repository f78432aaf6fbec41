"""Streams over HTTP: lines of JSON both ways, or Server-Sent Events for browsers.

{"result": {...}}        one line a message; a stream that fails ends with {"error": {...}}
data: {...}              one event a message; a stream that fails ends with an event "error"
"""

from collections.abc import AsyncIterator
from typing import Final, Protocol

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from flashsale_server.json_gateway.http_exchange import body_lines
from flashsale_server.json_gateway.transcoding import message_of_json

RECONNECT_MS: Final = 1000
"""How long a browser waits before it follows a broken event stream again."""


class Lines(Protocol):
    """How a stream is written."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What the response is headed by."""
        ...

    @property
    def opening(self) -> bytes:
        """What comes before the first message."""
        ...

    def message(self, json: bytes, position: int | None) -> bytes:
        """One message, and the position after which the stream goes on, if it has one."""
        ...

    def error(self, json: bytes) -> bytes:
        """Why the stream has failed."""
        ...


class JsonLines:
    """One JSON object a line, as grpc-gateway writes streams."""

    headers = [(b"content-type", b"application/x-ndjson"), (b"cache-control", b"no-store")]  # noqa: RUF012  # constant
    opening = b""

    def message(self, json: bytes, _: int | None) -> bytes:
        """One message."""
        return b'{"result": %s}\n' % json

    def error(self, json: bytes) -> bytes:
        """Why the stream has failed."""
        return b'{"error": %s}\n' % json


class EventStream:
    """Server-Sent Events."""

    headers = [  # noqa: RUF012  # constant
        (b"content-type", b"text/event-stream; charset=utf-8"),
        (b"cache-control", b"no-store"),
        (b"x-accel-buffering", b"no"),
    ]
    opening = b"retry: %d\n\n" % RECONNECT_MS

    def message(self, json: bytes, position: int | None) -> bytes:
        """One message. A browser that has lost the stream says the last position when it asks."""
        mark = b"" if position is None else b"id: %d\n" % position
        return b"%sdata: %s\n\n" % (mark, json)

    def error(self, json: bytes) -> bytes:
        """Why the stream has failed."""
        return b"event: error\ndata: %s\n\n" % json


async def messages_in(
    parts: AsyncIterator[bytes], descriptor: Descriptor
) -> AsyncIterator[Message]:
    """The messages of a body that has one JSON object a line, as they come.

    Raises:
        InvalidFields: a line is no such message.
        BodyTooLarge: a line is larger than this server reads.
    """
    async for line in body_lines(parts):
        yield message_of_json(descriptor, line)

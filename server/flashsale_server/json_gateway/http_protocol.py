"""HTTP/1.1 of a connection: uvicorn's protocol, and what it leaves open.

It bounds what comes before a body; it refuses what is no request in the words of every other error;
and it takes an ordinary answer as a whole, because ASGI's messages cost a purchase more than its
decision does.
"""

import asyncio
from typing import Final

from google.rpc import code_pb2, status_pb2
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
)

from flashsale_server.checkout import Fault, InvalidFields, TooManyConnections, Violation
from flashsale_server.json_gateway.crowd import Crowd
from flashsale_server.json_gateway.http_errors import Headers, error_response
from flashsale_server.json_gateway.http_exchange import Exchange

URL_BYTES_MAX: Final = 8 * 1024
HEAD_BYTES_MAX: Final = 64 * 1024
"""How much may come before a body, and between two pieces of one."""

REQUEST_SECONDS: Final = 30.0
"""How long a request may take to arrive, its body included, unless it is a stream."""

UNREAD_SECONDS: Final = 300.0
"""How long an answer may wait for whoever asked to read it."""

CONNECTION: Final = "flashsale.connection"
"""Where the state of a request's scope has its connection."""

_URL_TOO_LONG: Final = (414, "url", f"is longer than {URL_BYTES_MAX} bytes")
_TOO_SLOW: Final = (408, "request", f"took more than {REQUEST_SECONDS:.0f} s to arrive")
_HEAD_TOO_LARGE: Final = (431, "headers", f"are larger than {HEAD_BYTES_MAX} bytes")


def exchange_of(scope: Scope, receive: Receive, send: Send) -> Exchange:
    """The exchange of a request, by the shortest way that its server has."""
    connection: HttpProtocol | None = scope.get("state", {}).get(CONNECTION)
    if connection is None:
        return Exchange(scope, receive, send)
    return connection.exchange(scope, receive, send)


class WholeExchange(Exchange):
    """A request and its answer as wholes: in one call each what ASGI does in several messages."""

    __slots__ = ("_connection", "_cycle")

    def __init__(
        self, connection: "HttpProtocol", scope: Scope, receive: Receive, send: Send
    ) -> None:
        super().__init__(scope, receive, send)
        self._cycle = connection.cycle
        self._connection = connection

    def take_time(self) -> None:
        """Let the body come as slowly as it likes."""
        self._connection.take_time()

    async def body(self) -> bytes:
        """The body, at once where all of it has come already; `Exchange` says what is raised."""
        return await super().body() if self._cycle.more_body else bytes(self._cycle.body)

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Write head and body at once, and end the answer."""
        cycle = self._cycle
        # Answers that are ready in one turn of the event loop are written in the next, one right
        # after the other. A write has to wake whoever waits for it, which costs more than all of
        # this door; among others it finds them awake.
        await asyncio.sleep(0)
        if cycle.flow.write_paused:
            await cycle.flow.drain()
        if cycle.disconnected:
            return
        if cycle.response_started:
            raise RuntimeError("the answer has begun already")
        cycle.response_started = cycle.response_complete = True
        # Made now, because a server that is stopping may have ended the keeping-alive meanwhile.
        content = _head(
            status, cycle.default_headers + headers, len(body), keep_alive=cycle.keep_alive
        )
        if cycle.scope["method"] != "HEAD":
            content += body
        cycle.transport.write(content)
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    crowd: Crowd | None = None
    """The connections of this server; None where they are not counted."""

    _unread_bytes = 0
    _has_progressed = False
    _arriving_since: float | None = None
    _is_counted = False
    _unread: asyncio.TimerHandle | None = None
    _refusal: tuple[int, str, str] | None = None

    def exchange(self, scope: Scope, receive: Receive, send: Send) -> Exchange:
        """The exchange of a request: whole, unless a later request has been read by now."""
        is_latest = self.cycle.scope is scope
        if is_latest:
            return WholeExchange(self, scope, receive, send)
        return Exchange(scope, receive, send)

    def status_of(self, error: Exception) -> status_pb2.Status:
        """How a refusal looks on the wire."""
        return status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message=str(error))

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many connections, of all or from this address."""
        super().connection_made(transport)
        self._arriving_since = self.loop.time()
        if self.crowd is not None:
            self._is_counted = self.crowd.has_let_in(self._host())
            if not self._is_counted:
                self._refuse(TooManyConnections())

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._forget_unread()
        super().connection_lost(exc)
        if self.crowd is not None and self._is_counted:
            self.crowd.leave(self._host())

    def pause_writing(self) -> None:
        """Write no more until what is written has been read, or for too long has not."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Write on."""
        super().resume_writing()
        self._forget_unread()

    def take_time(self) -> None:
        """Let the request at hand arrive as slowly as it likes: it is a stream."""
        self._arriving_since = None

    def hang_up_if_slow(self, now: float) -> None:
        """End the connection if a request takes too long to arrive; `now` is the loop's time."""
        since = self._arriving_since
        if since is None or now - since < REQUEST_SECONDS or self.transport.is_closing():
            return
        if not self.flow.read_paused:  # else it is the server that does not read on
            self._refusal = _TOO_SLOW
            self.send_400_response("")

    def data_received(self, data: bytes) -> None:
        """Read on, unless what is read comes to nothing for too long."""
        self._has_progressed = False
        self._unread_bytes += len(data)
        super().data_received(data)
        if self._has_progressed:
            self._unread_bytes = 0
        elif self._unread_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._refusal = _HEAD_TOO_LARGE
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Take the beginning of a request."""
        self._arriving_since = self.loop.time()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a piece of the URL.

        Raises:
            ValueError: it is too long; the parser reports it as any other error.
        """
        super().on_url(url)
        if len(self.url) > URL_BYTES_MAX:
            self._refusal = _URL_TOO_LONG
            raise ValueError(self._refusal)

    def on_headers_complete(self) -> None:
        """Begin to answer.

        Raises:
            ValueError: the headers are too large.
        """
        self._has_progressed = True
        # Bytes that came together with the headers may be of other requests, or of the body.
        if self._unread_bytes > HEAD_BYTES_MAX and self._head_bytes() > HEAD_BYTES_MAX:
            self._refusal = _HEAD_TOO_LARGE
            raise ValueError(self._refusal)
        super().on_headers_complete()
        # Not the exchange itself: with the scope it would make a cycle of references.
        self.scope["state"][CONNECTION] = self

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._has_progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of the body."""
        self._has_progressed = True
        self._arriving_since = None
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read as a request, and hang up."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            is_of_this_request = cycle.more_body and not self.pipeline
            cycle.disconnected = True
            if cycle.response_started or not is_of_this_request:
                # The refusal would be taken for the answer to an earlier request, or for a part
                # of an answer that has begun.
                self.transport.close()
                return
        code, field, description = self._refusal or (400, "request", msg)
        self._refuse(InvalidFields([Violation(field, description)]), code)

    def _refuse(self, error: Fault, code: int | None = None) -> None:
        """Tell why, and hang up."""
        usual, headers, body = error_response(self.status_of(error), error)
        self.transport.write(_head(code or usual, headers, len(body), keep_alive=False) + body)
        self.transport.close()

    def _forget_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _host(self) -> str:
        return self.client[0] if self.client else ""

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)


def _head(status: int, headers: Headers, length: int, *, keep_alive: bool) -> bytes:
    """What comes before an answer's body of `length` bytes."""
    lines = [b"%s: %s\r\n" % header for header in headers]
    if not keep_alive:
        lines.append(b"connection: close\r\n")
    return b"%s%scontent-length: %d\r\n\r\n" % (STATUS_LINE[status], b"".join(lines), length)

"""The HTTP application: finds the RPC of a request, calls its servicer, and writes the answer.

It is plain ASGI, because every layer would be paid for by each purchase. Pages that are not RPCs
are Starlette routes beside it.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Sequence
from time import perf_counter
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from google.protobuf.message import Message
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from flashsale_server.access import Guard, sole
from flashsale_server.checkout import (
    TRACE_HEADERS,
    Caller,
    InvalidFields,
    MethodNotAllowed,
    PathNotFound,
    RequestMeters,
    Violation,
    deadline_in,
)
from flashsale_server.json_gateway.bindings import Binding, Routes, Service
from flashsale_server.json_gateway.http_errors import JSON_HEADERS, StatusOf, error_response
from flashsale_server.json_gateway.http_exchange import (
    ClientLeft,
    Exchange,
    body_parts,
    client_left,
)
from flashsale_server.json_gateway.http_protocol import exchange_of
from flashsale_server.json_gateway.json_writing import json_of
from flashsale_server.json_gateway.streams import EventStream, JsonLines, Lines, messages_in
from flashsale_server.json_gateway.templates import BadEscape
from flashsale_server.json_gateway.transcoding import request_of

UNMATCHED: Final = "unmatched"
"""What requests are counted under that no route is for."""

_GONE: Final = 499
"""The status of a request whose client was gone before its answer."""

_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PATIENT: Final = Caller()
_TIMEOUT: Final = re.compile(r"(\d{1,8})([HMSmun])")
_TIMEOUT_UNITS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


def http_app(
    services: Sequence[Service],
    *,
    status_of: StatusOf,
    cors_origins: Sequence[str] = (),
    extra_routes: Sequence[BaseRoute] = (),
    guard: Guard | None = None,
    meters: RequestMeters | None = None,
    carries_traces: bool = False,
) -> ASGIApp:
    """The application for `services`.

    Args:
        services: what can be called, and what answers.
        status_of: how an exception of a servicer, or of this room, looks on the wire.
        cors_origins: web origins whose pages may call; "*" for any, none for none.
        extra_routes: pages beside the RPCs.
        guard: who may ask what; None when everybody may ask everything.
        meters: where requests are counted, by method and route.
        carries_traces: whether callers are asked for the traces that they come from.
    """
    routes = Routes(services)
    app: ASGIApp = _Application(
        routes,
        status_of,
        extra_routes,
        guard,
        RequestMeters() if meters is None else meters,
        carries_traces=carries_traces,
    )
    if cors_origins:
        app = CORSMiddleware(
            _in_messages(app),
            allow_origins=cors_origins,
            allow_methods=sorted({"GET", *(item.http_method for item in routes.bindings)}),
            allow_headers=("*",),
            expose_headers=("Retry-After",),
        )
    return app


def _in_messages(app: ASGIApp) -> ASGIApp:
    """`app` with every answer in ASGI's messages, so that a middleware can add to its headers."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": {}}, receive, send)

    return wrapped


class _Application:
    def __init__(
        self,
        routes: Routes,
        status_of: StatusOf,
        extra_routes: Sequence[BaseRoute],
        guard: Guard | None,
        meters: RequestMeters,
        *,
        carries_traces: bool,
    ) -> None:
        self._carries_traces = carries_traces
        self._routes = routes
        self._meters = meters
        self._guard = guard
        self._status_of = status_of
        self._pages = Router(extra_routes, redirect_slashes=False, default=self._nothing_here)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        began, kind, code = perf_counter(), None, _GONE
        exchange = exchange_of(scope, receive, send)
        raw_path = scope["raw_path"].decode("ascii", "replace")
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        try:
            try:
                binding, path_values = self._routes.find(method, raw_path)
            except PathNotFound:
                code = await self._show_page(exchange)
                return
            kind = (binding.http_method, binding.template.text)
            await self._answer(binding, path_values, exchange)
            code = 200
        except ClientLeft:
            return  # nobody is there to be answered
        except Exception as error:  # noqa: BLE001  # whatever it is, the table says how it looks
            code = await self._fail(exchange, error)
        finally:
            self._meters[kind or _kind_of_page(scope)].end(began, code)

    async def _answer(
        self, binding: Binding, path_values: dict[str, str], exchange: Exchange
    ) -> None:
        caller = _caller(exchange.headers)
        if self._guard is not None:
            rpc = f"{binding.rpc.containing_service.full_name}/{binding.rpc.name}"
            authorization = authorization_of(exchange.scope["headers"])
            caller = Caller(caller.deadline, self._guard.admitted(rpc, authorization).user_id)
        if self._carries_traces:
            caller = msgspec.structs.replace(caller, carried=_trace_of(exchange.headers))
        # Servicers are found by the RPC's name; the descriptor says what each takes and returns.
        call: Callable[..., Any] = getattr(binding.servicer, binding.rpc.name)
        if binding.rpc.client_streaming:
            exchange.take_time()
            read = asyncio.Event()
            requests = messages_in(body_parts(exchange.receive, read), binding.rpc.input_type)
            left = client_left(exchange.receive, read)
            await self._stream(call(requests, caller), JsonLines(), left, exchange.send)
            return
        query = _query(exchange.scope["query_string"])
        request = request_of(binding, path_values, query, await exchange.body())
        if binding.rpc.server_streaming:
            _go_on(request, exchange.headers)
            await self._answer_stream(call(request, caller), exchange)
            return
        answer: Message = await call(request, caller)
        await exchange.answer(200, JSON_HEADERS, json_of(answer))

    async def _answer_stream(
        self, answers: AsyncGenerator[Message, None], exchange: Exchange
    ) -> None:
        wants_events = b"text/event-stream" in exchange.headers.get(b"accept", b"")
        lines = EventStream() if wants_events else JsonLines()
        if exchange.scope["method"] != "HEAD":
            await self._stream(answers, lines, client_left(exchange.receive), exchange.send)
            return
        async with contextlib.aclosing(answers):
            await anext(answers, None)  # it decides whether there is a stream at all
        await exchange.send(
            {"type": "http.response.start", "status": 200, "headers": lines.headers}
        )
        await exchange.send({"type": "http.response.body", "body": b""})

    async def _stream(
        self,
        answers: AsyncGenerator[Message, None],
        lines: Lines,
        left: Coroutine[None, None, None],
        send: Send,
    ) -> None:
        """Write a stream until it ends, or the client leaves."""
        writing = asyncio.ensure_future(self._write(answers, lines, send))
        leaving = asyncio.ensure_future(left)
        try:
            await asyncio.wait((writing, leaving), return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                writing.result()
        finally:
            for task in (writing, leaving):
                task.cancel()
            await asyncio.gather(writing, leaving, return_exceptions=True)
            await answers.aclose()

    async def _write(self, answers: AsyncIterator[Message], lines: Lines, send: Send) -> None:
        # The first message decides whether there is a stream at all, so the status waits for it.
        first = await anext(answers, None)
        await send({"type": "http.response.start", "status": 200, "headers": lines.headers})
        await _send_part(send, lines.opening)
        try:
            if first is not None:
                await _send_part(send, lines.message(json_of(first), _position_of(first)))
                async for message in answers:
                    part = lines.message(json_of(message), _position_of(message))
                    await _send_part(send, part)
        except ClientLeft:
            raise
        except Exception as error:  # noqa: BLE001  # a stream that has begun ends with its error
            await _send_part(send, lines.error(json_of(self._status_of(error))))
        await send({"type": "http.response.body", "body": b""})

    async def _fail(self, exchange: Exchange, error: Exception) -> int:
        """Answer with an error; return its HTTP status."""
        if isinstance(error, BadEscape):
            error = InvalidFields([Violation("path", str(error))])
        code, headers, body = error_response(self._status_of(error), error)
        await exchange.answer(code, headers, body)
        return code

    async def _show_page(self, exchange: Exchange) -> int:
        """Answer with a page; return its HTTP status."""
        scope = exchange.scope
        status = _GONE

        async def send(message: ASGIMessage) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await exchange.send(message)

        scope["app"] = self  # then a page that is not for this method says so by raising
        try:
            await self._pages(scope, exchange.receive, send)
        except HTTPException as error:
            allowed = (error.headers or {}).get("Allow")
            if allowed is None:
                raise
            message = f"{scope['path']} cannot be asked with {scope['method']}"
            raise MethodNotAllowed(message, sorted(allowed.split(", "))) from error
        return status

    async def _nothing_here(self, scope: Scope, *_: object) -> None:
        raise PathNotFound(f"there is nothing at {scope['path']}")


def _kind_of_page(scope: Scope) -> tuple[str, str]:
    """How a request that is for no RPC is counted: by its page, and one of few methods."""
    page: str | None = getattr(scope.get("route"), "path", None)
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    return (method if method in _METHODS else "OTHER", page or UNMATCHED)


async def _send_part(send: Send, part: bytes) -> None:
    if part:
        await send({"type": "http.response.body", "body": part, "more_body": True})


def _query(raw: bytes) -> list[tuple[str, str]]:
    if not raw:
        return []
    try:
        return parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except (UnicodeDecodeError, ValueError) as error:
        raise InvalidFields([Violation("query", str(error))]) from error


def _position_of(message: Message) -> int | None:
    """The position after which a stream goes on, where its messages say so."""
    position: int | None = getattr(message, "position", None)
    return position


def _go_on(request: Message, headers: dict[bytes, bytes]) -> None:
    """Have a stream begin after the last event that a browser has had of it.

    Raises:
        InvalidFields: the browser says something else.
    """
    last = headers.get(b"last-event-id")
    if not last or "after_position" not in request.DESCRIPTOR.fields_by_name:
        return
    if not last.isdigit() or len(last) > 18:
        raise InvalidFields([Violation("Last-Event-ID", "must be the id of an event")])
    setattr(request, "after_position", int(last))  # noqa: B010  # which messages have it is asked above


def authorization_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The authorization that came along with a request."""
    return sole([value.decode("latin-1") for name, value in headers if name == b"authorization"])


def _trace_of(headers: dict[bytes, bytes]) -> dict[str, str]:
    """The trace that a request comes from."""
    found = {name: headers.get(name.encode()) for name in TRACE_HEADERS}
    return {name: value.decode("latin-1") for name, value in found.items() if value is not None}


def _caller(headers: dict[bytes, bytes]) -> Caller:
    """Who calls; a Grpc-Timeout header, such as 5S or 100m, says until when."""
    text = headers.get(b"grpc-timeout")
    if text is None:
        return _PATIENT
    found = _TIMEOUT.fullmatch(text.decode("latin-1"))
    if found is None:
        raise InvalidFields([Violation("Grpc-Timeout", "must be a number with H, M, S, m, u or n")])
    seconds = int(found[1]) * _TIMEOUT_UNITS[found[2]]
    return Caller(deadline=deadline_in(seconds))

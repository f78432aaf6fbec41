"""The gRPC server: turns servicers into RPCs, and stands beside them health and reflection.

RPCs are made from the contract's descriptors, so a new one needs a method in its servicer and
nothing here. A message that cannot be read is no fault of the server: it is answered like any other
malformed request.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final, Self, TypeAlias

import grpc
import msgspec
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from flashsale_server.access import Guard
from flashsale_server.checkout import (
    TRACE_HEADERS,
    Caller,
    InvalidFields,
    RequestMeter,
    RequestMeters,
    Violation,
    deadline_in,
)
from flashsale_server.grpc_api.error_table import status_of
from flashsale_server.grpc_api.guarded_server import GuardedServer, authorization_of
from flashsale_server.grpc_api.reflection import add_reflection

MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
METADATA_BYTES_MAX: Final = 16 * 1024
IDLE_MS: Final = 15 * 60_000
"""How long a connection may be open without a call; clients come back by themselves."""
HANDSHAKE_MS: Final = 20_000
PENDING_MAX: Final = 1_000_000
KEEPALIVE_MIN_INTERVAL_MS: Final = 10_000
"""How often a client may ping a quiet connection."""

LATE_SECONDS: Final = 0.05
"""Who leaves so shortly before the end of their time has run out of it: their clock began first."""

_OK: Final[int] = code_pb2.OK
_LATE: Final[int] = code_pb2.DEADLINE_EXCEEDED
_LEFT: Final[int] = code_pb2.CANCELLED
_GONE: Final = -1
"""Stands for the code of a call that has ended without an answer."""

# Servicers are found by name, so their methods have no static type: the contract's descriptors
# say what each takes and returns.
_Handler = Callable[..., Any]
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_CallerOf: TypeAlias = Callable[[_Context], Caller]


def server_options(
    max_concurrent_streams: int = 20_000, max_connections: int = 10_000
) -> list[tuple[str, int]]:
    """What gRPC itself is told; see GrpcServer."""
    return [
        ("grpc.max_allowed_incoming_connections", max_connections),
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
        ("grpc.max_concurrent_streams", max_concurrent_streams),
        # Calls that the transport has read and Python has not. Beyond 1,000 it would drop some at
        # random, as CANCELLED; the queue is where a crowd is turned away.
        ("grpc.server.max_pending_requests", PENDING_MAX),
        ("grpc.server.max_pending_requests_hard_limit", PENDING_MAX),
        ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_MIN_INTERVAL_MS),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", KEEPALIVE_MIN_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_ping_strikes", 3),
        ("grpc.max_metadata_size", METADATA_BYTES_MAX),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),
        ("grpc.max_connection_idle_ms", IDLE_MS),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
    ]


class Unreadable:
    """Stands for a message that could not be read."""


class GrpcServer:
    """The gRPC door.

    Args:
        address: where to listen, "host:port"; port 0 for any that is free.
        max_concurrent_streams: calls that one connection may have open at once.
        credentials: for TLS; None for a port that is not encrypted.
        guard: who may ask what; None when everybody may ask everything.
        has_reflection: whether tools can ask for the contract.
        max_connections: how many may be open at once.
        carries_traces: whether callers are asked for the traces that they come from.

    Attributes:
        meters: the calls of each method, by its type, service and name.
    """

    def __init__(
        self,
        address: str,
        max_concurrent_streams: int = 20_000,
        credentials: grpc.ServerCredentials | None = None,
        guard: Guard | None = None,
        *,
        has_reflection: bool = True,
        max_connections: int = 10_000,
        carries_traces: bool = False,
    ) -> None:
        self._address = address
        self._guard = guard
        self._has_reflection = has_reflection
        self._carries_traces = carries_traces
        self._credentials = credentials
        self._server = grpc.aio.server(
            options=server_options(max_concurrent_streams, max_connections)
        )
        self._health = health.aio.HealthServicer()
        self.meters = RequestMeters()

    def listen(self) -> int:
        """Take the address; return the port.

        Raises:
            OSError: the address cannot be listened on.
        """
        try:
            if self._credentials is None:
                return self._server.add_insecure_port(self._address)
            return self._server.add_secure_port(self._address, self._credentials)
        except RuntimeError as error:
            raise OSError(
                f"cannot listen on {self._address} for gRPC: it is taken, or not on this machine"
            ) from error

    async def start(self, services: Sequence[tuple[ServiceDescriptor, object]]) -> None:
        """Serve `services`: each service's descriptor, and the servicer that answers for it."""
        names = [service.full_name for service, _ in services]
        others = GuardedServer(self._server, self._guard)
        # It takes what it registers with for a server, and calls two methods of it.
        health_pb2_grpc.add_HealthServicer_to_server(self._health, others)  # type: ignore[arg-type]
        self._server.add_generic_rpc_handlers(
            [
                _generic_handler(service, servicer, self._caller_of, self.meters)
                for service, servicer in services
            ]
        )
        if self._has_reflection:
            add_reflection(others, [*names, health.SERVICE_NAME])
        await self._server.start()
        for name in ("", *names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def _caller_of(self, method: MethodDescriptor) -> _CallerOf:
        guard = self._guard
        caller_of = _caller if guard is None else _guarded_caller(guard, method)
        return _carrying(caller_of) if self._carries_traces else caller_of

    async def not_serving(self) -> None:
        """Tell probes and watchers of health that no new calls are welcome."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> None:
        """Take no new calls; end those that are open after `grace_seconds`."""
        await self._server.stop(grace_seconds)


def _generic_handler(
    service: ServiceDescriptor,
    servicer: object,
    caller_of: Callable[[MethodDescriptor], _CallerOf],
    meters: RequestMeters,
) -> grpc.GenericRpcHandler:
    handlers = {
        method.name: _rpc(
            method,
            getattr(servicer, method.name),
            caller_of(method),
            meters[_type_of(method), service.full_name, method.name],
        )
        for method in service.methods
    }
    return grpc.method_handlers_generic_handler(service.full_name, handlers)


def _rpc(
    method: MethodDescriptor, answer: _Handler, caller_of: _CallerOf, meter: RequestMeter
) -> "grpc.RpcMethodHandler[Any, Any]":
    """One method of a servicer as an RPC."""
    read = _reader(GetMessageClass(method.input_type))
    write = GetMessageClass(method.output_type).SerializeToString
    if method.client_streaming:
        return grpc.stream_stream_rpc_method_handler(
            _both_ways(answer, caller_of, meter), read, write
        )
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(
            _one_to_many(answer, caller_of, meter), read, write
        )
    return grpc.unary_unary_rpc_method_handler(_one_to_one(answer, caller_of, meter), read, write)


def _type_of(method: MethodDescriptor) -> str:
    """A method's type, by the name that monitoring has for it."""
    if method.client_streaming:
        return "bidi_stream" if method.server_streaming else "client_stream"
    return "server_stream" if method.server_streaming else "unary"


def _one_to_one(answer: _Handler, caller_of: _CallerOf, meter: RequestMeter) -> _Handler:
    async def rpc(request: Message | Unreadable, context: _Context) -> Message:
        began, code = meter.begin(), _GONE
        try:
            caller = caller_of(context)
            message: Message = await answer(_readable(request), caller)
            code = _OK
        except Exception as error:  # whatever it is, the table says how it looks
            status = status_of(error)
            code = status.code
            await _abort(context, status)
            raise
        finally:
            meter.end(began, _code_of_gone(context) if code == _GONE else code)
        return message

    return rpc


def _one_to_many(answer: _Handler, caller_of: _CallerOf, meter: RequestMeter) -> _Handler:
    async def rpc(request: Message | Unreadable, context: _Context) -> AsyncIterator[Message]:
        began, code = meter.begin(), _GONE
        try:
            caller = caller_of(context)
            async for message in answer(_readable(request), caller):
                yield message
            code = _OK
        except Exception as error:  # noqa: BLE001  # whatever it is, the table says how it looks
            status = status_of(error)
            code = status.code
            await _abort(context, status)
        finally:
            meter.end(began, _code_of_gone(context) if code == _GONE else code)

    return rpc


def _both_ways(answer: _Handler, caller_of: _CallerOf, meter: RequestMeter) -> _Handler:
    async def rpc(_: object, context: _Context) -> None:
        began, code = meter.begin(), _GONE
        try:
            async with aclosing(answer(_Requests(context), caller_of(context))) as messages:
                async for message in messages:
                    await context.write(message)
            code = _OK
        except Exception as error:  # noqa: BLE001  # whatever it is, the table says how it looks
            status = status_of(error)
            code = status.code
            await _abort(context, status)
        finally:
            meter.end(began, _code_of_gone(context) if code == _GONE else code)

    return rpc


def _code_of_gone(context: _Context) -> int:
    """The code of a call whose caller waits no more: their time is over, or they left."""
    remaining = context.time_remaining()
    # A call without a deadline has None here, which the types do not know.
    is_late = remaining is not None and remaining <= LATE_SECONDS
    return _LATE if is_late else _LEFT


class _Requests:
    """The messages of a stream as they come. An async generator would cost more for each."""

    def __init__(self, context: _Context) -> None:
        self._read = context.read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        request = await self._read()
        if request is grpc.aio.EOF:
            raise StopAsyncIteration
        return _readable(request)


def _reader(message_class: type[Message]) -> Callable[[bytes], Message | Unreadable]:
    """Reads a message. One that cannot be read must reach the RPC, which knows how to say so."""

    def read(wire: bytes) -> Message | Unreadable:
        try:
            return message_class.FromString(wire)
        except DecodeError:
            return Unreadable()

    return read


def _readable(request: Message | Unreadable) -> Message:
    if isinstance(request, Unreadable):
        raise InvalidFields([Violation("", "the bytes are not a message of this method")])
    return request


def _caller(context: _Context) -> Caller:
    remaining = context.time_remaining()
    if remaining is None:  # a call without a deadline, which the types do not know
        return Caller()  # type: ignore[unreachable]
    return Caller(deadline=deadline_in(remaining))


def _guarded_caller(guard: Guard, method: MethodDescriptor) -> _CallerOf:
    """Says who calls a method, or raises the fault that keeps them out."""
    rpc = f"{method.containing_service.full_name}/{method.name}"

    def caller_of(context: _Context) -> Caller:
        metadata = tuple(context.invocation_metadata() or ())
        identity = guard.admitted(rpc, authorization_of(metadata))
        return Caller(_caller(context).deadline, identity.user_id)

    return caller_of


def _carrying(caller_of: _CallerOf) -> _CallerOf:
    """Says moreover which trace a caller comes from."""

    def carrying(context: _Context) -> Caller:
        metadata = tuple(context.invocation_metadata() or ())
        carried = {key: str(value) for key, value in metadata if key in TRACE_HEADERS}
        return msgspec.structs.replace(caller_of(context), carried=carried)

    return carrying


async def _abort(context: _Context, status: status_pb2.Status) -> None:
    await context.abort_with_status(rpc_status.to_status(status))

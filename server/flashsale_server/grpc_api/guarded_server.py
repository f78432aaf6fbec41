"""A guarded server: services that others wrote, health and reflection, behind the guard.

They register themselves, so they are given this in place of the server.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import grpc
from grpc_status import rpc_status

from flashsale_server.access import Guard, sole
from flashsale_server.checkout import Fault
from flashsale_server.grpc_api.error_table import status_of

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class GuardedServer:
    """Takes what a service registers, and asks the guard before each of its calls."""

    def __init__(self, server: grpc.aio.Server, guard: Guard | None) -> None:
        self._server = server
        self._guard = guard

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Register handlers."""
        guard = self._guard
        guarded = [_Guarded(handler, guard) for handler in handlers] if guard else handlers
        self._server.add_generic_rpc_handlers(guarded)

    def add_registered_method_handlers(self, service: str, handlers: dict[str, _Handler]) -> None:
        """Leave out the short way to a handler, which passes by the guard."""


class _Guarded(grpc.GenericRpcHandler):
    def __init__(self, handler: grpc.GenericRpcHandler, guard: Guard) -> None:
        self._handler = handler
        self._guard = guard

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        handler = self._handler.service(handler_call_details)
        if handler is None:
            return None
        rpc = handler_call_details.method.lstrip("/")
        try:
            self._guard.admitted(rpc, authorization_of(handler_call_details.invocation_metadata))
        except Fault as fault:
            return _refusing(handler, fault)
        return handler


def authorization_of(metadata: Sequence[tuple[str, str | bytes]]) -> str | None:
    """The authorization that came along with a call."""
    return sole([str(value) for key, value in metadata if key == "authorization"])


def _refusing(handler: _Handler, fault: Fault) -> _Handler:
    """A handler of the same shape that answers with a fault."""

    async def refuse(_: object, context: _Context) -> None:
        await context.abort_with_status(rpc_status.to_status(status_of(fault)))

    kinds: dict[tuple[bool, bool], Callable[..., _Handler]] = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    kind = kinds[handler.request_streaming, handler.response_streaming]
    return kind(refuse, handler.request_deserializer, handler.response_serializer)

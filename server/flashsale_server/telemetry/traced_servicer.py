"""A traced servicer: one whose calls on their way through a lane each have a span.

It stands between the doors and the servicer, so that neither knows of spans: a call that is not
sampled has none, and goes on as it came.
"""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import msgspec
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from flashsale_server.checkout import Caller, Fault
from flashsale_server.grpc_api import reason_of

if TYPE_CHECKING:
    from flashsale_server.telemetry.traces import Traces

TRACED: Final = ("Purchase", "BatchPurchase", "ConfirmPurchase", "ReleasePurchase")
"""The calls that each have a span; in StreamPurchases, each purchase has one."""

STREAM: Final = "StreamPurchases"

# What servicers' methods take and return is in the contract's descriptors.
_Answer = Callable[[Any, Caller], Awaitable[Message]]
_Stream = Callable[[Any, Caller], AsyncIterator[Message]]


def traced(service: ServiceDescriptor, servicer: object, traces: "Traces") -> object:
    """`servicer`, its purchase calls traced."""
    methods = {method.name: getattr(servicer, method.name) for method in service.methods}
    for name in TRACED:
        methods[name] = _traced_call(methods[name], f"{service.full_name}/{name}", traces)
    methods[STREAM] = _traced_stream(methods[STREAM], f"{service.full_name}/{STREAM}", traces)
    return SimpleNamespace(**methods)


def _traced_call(answer: _Answer, rpc: str, traces: "Traces") -> _Answer:
    async def call(request: Message, caller: Caller) -> Message:
        span = traces.begin(rpc, _carried(caller))
        if span is None:
            return await answer(request, caller)
        error: str | None = "CANCELLED"
        try:
            message = await answer(request, msgspec.structs.replace(caller, span=span))
            error = None
        except Fault as fault:
            error = reason_of(type(fault))
            raise
        except Exception:
            error = "INTERNAL"
            raise
        finally:
            span.end(error)
        return message

    return call


def _traced_stream(answer: _Stream, rpc: str, traces: "Traces") -> _Stream:
    def call(requests: object, caller: Caller) -> AsyncIterator[Message]:
        begin_span = functools.partial(traces.begin, rpc, _carried(caller))
        return answer(requests, msgspec.structs.replace(caller, begin_span=begin_span))

    return call


def _carried(caller: Caller) -> Mapping[str, str] | None:
    """The trace that a backend comes from. A user's own device must not say what is drawn."""
    return caller.carried if caller.user_id is None else None

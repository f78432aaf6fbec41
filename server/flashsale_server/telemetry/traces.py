"""Traces: the spans of calls and of the batches that decide them, sent to a collector by OTLP.

A call's span runs from its door to its answer, and links to the span of its batch, because many
calls share one: there it is seen how long the first of them waited, how long deciding took, and how
long the ledger. A batch is drawn when one of its calls is. All of it is handed to a thread that
sends it; a collector that is slow or away costs spans, and no purchase anything.
"""

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Final

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from flashsale_server.checkout import BatchTrace

SAMPLER_VARIABLE: Final = "OTEL_TRACES_SAMPLER"
"""OpenTelemetry's own way to say which calls are traced; where it is set, it counts."""

EXPORT_SECONDS: Final = 5.0
"""How long the collector may take for a message, and to take the last ones at a stop."""

TOLD_EACH_SECONDS: Final = 60.0
"""How often it is told, at most, that spans are not sent."""

_log = structlog.get_logger(__name__)
_NOWHERE: Final = Context()
# Errors that are the server's and not the caller's, as OpenTelemetry has them for RPCs.
_SERVERS_FAULTS: Final = frozenset(
    {
        "INTERNAL",
        "DEADLINE_EXCEEDED",
        "QUEUE_FULL",
        "CIRCUIT_OPEN",
        "OUTCOME_UNKNOWN",
        "LEDGER_UNAVAILABLE",
        "SALE_UNREADABLE",
        "SHUTTING_DOWN",
    }
)


class CallSpan:
    """The span of one call that is sampled."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def context(self) -> SpanContext:
        """What names it in traces."""
        return self._span.get_span_context()

    def link(self, batch: SpanContext) -> None:
        """Say which batch decided it; nothing where its caller has left meanwhile."""
        if self._span.is_recording():
            self._span.add_link(batch)

    def end(self, error: str | None = None) -> None:
        """Say that it is answered; `error` is the reason where it got an error."""
        if error is not None:
            self._span.set_attribute("error.type", error)
            if error in _SERVERS_FAULTS:
                self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.end()


class Traces:
    """Draws calls and batches, and sends what it has drawn.

    Args:
        endpoint: where the collector takes OTLP over gRPC, such as http://127.0.0.1:4317.
        ratio: how many of the calls that come from no trace are sampled: 0 to 1.
        node, version: what the server calls itself, and which it is.
    """

    def __init__(self, endpoint: str, *, ratio: float, node: str, version: str) -> None:
        own_words = logging.getLogger("opentelemetry")
        own_words.handlers, own_words.propagate = [_Events()], False
        self._exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
        self._processor = BatchSpanProcessor(self._exporter)
        own = {
            "service.name": "flash-sale",
            "service.version": version,
            "service.instance.id": node,
        }
        resource = Resource(own).merge(OTELResourceDetector().detect())
        is_set = SAMPLER_VARIABLE in os.environ
        sampler = None if is_set else ParentBased(TraceIdRatioBased(ratio))
        calls = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        # A batch is drawn when one of its calls is, whatever a sampler would say of it alone.
        batches = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        for provider in (calls, batches):
            provider.add_span_processor(self._processor)
        self._calls = calls.get_tracer("flash-sale", version)
        self._batches = batches.get_tracer("flash-sale", version)
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, rpc: str, carried: Mapping[str, str] | None) -> CallSpan | None:
        """Begin the span of a call, a part of the trace that came along; None if not sampled."""
        context = self._propagator.extract(carried, _NOWHERE) if carried else _NOWHERE
        span = self._calls.start_span(rpc, context, SpanKind.SERVER)
        if not span.is_recording():
            return None
        service, _, method = rpc.partition("/")
        span.set_attributes({"rpc.service": service, "rpc.method": method})
        return CallSpan(span)

    def batch_ended(self, batch: BatchTrace) -> None:
        """Draw a batch that has ended, and link it with the calls in it that are drawn."""
        spans = [span for span in batch.spans if isinstance(span, CallSpan)]
        wall_ns = time.time_ns()

        def at(instant: float) -> int:
            return wall_ns - int((batch.ended_at - instant) * 1e9)

        whole = self._batches.start_span(
            "batch",
            _NOWHERE,
            attributes={
                "flash_sale.sale_id": batch.sale_id,
                "flash_sale.batch.calls": batch.calls,
                "flash_sale.batch.entries": batch.entries,
            },
            links=[Link(span.context) for span in spans],
            start_time=at(batch.queued_at),
        )
        inside = set_span_in_context(whole, _NOWHERE)
        parts = {"queue": (batch.queued_at, batch.decided[0]), "decide": batch.decided}
        if batch.appended is not None:
            parts["append"] = batch.appended
        for name, (began, ended) in parts.items():
            part = self._batches.start_span(name, inside, start_time=at(began))
            part.end(at(ended))
        if batch.error is not None:
            whole.set_status(Status(StatusCode.ERROR, batch.error))
        whole.end(at(batch.ended_at))
        for span in spans:
            span.link(whole.get_span_context())

    def close(self) -> None:
        """Send what is left, for a few seconds at most. This blocks."""
        sending = threading.Thread(target=self._processor.shutdown, daemon=True)
        sending.start()
        sending.join(EXPORT_SECONDS)
        if sending.is_alive():
            self._exporter.shutdown()  # so that it is not tried again


class _Events(logging.Handler):
    """Makes what the library would print as it likes events of this server's log, and few."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._told_at = float("-inf")

    def emit(self, record: logging.LogRecord) -> None:
        """Tell of trouble with the collector, unless it has just been told."""
        now = time.monotonic()
        if now - self._told_at >= TOLD_EACH_SECONDS:
            self._told_at = now
            _log.warning("traces are not sent", why=record.getMessage())

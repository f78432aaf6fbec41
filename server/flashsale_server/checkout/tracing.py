"""Tracing: what a lane tells of its batches to whoever draws traces of calls, if anybody does.

A door opens a span for a call and hands it in with the call; the checkout only carries it. When a
batch with such calls has ended, its lane tells what became of it and when. Who draws what from that
is not known here. Times are in seconds of the checkout's monotonic clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from flashsale_server.checkout.pending import Pending

TRACE_HEADERS: Final = ("traceparent", "tracestate")
"""What callers say of the trace that they come from: the W3C's Trace Context."""

_log = structlog.get_logger(__name__)


class CallSpan(Protocol):
    """The span of one call that is traced."""

    def end(self, error: str | None = None) -> None:
        """Say that the call is answered; `error` names the fault, where it got one."""
        ...


@dataclass(frozen=True, slots=True)
class BatchTrace:
    """What became of batches that were decided on one draft, with traced calls among theirs.

    Attributes:
        spans: those of the traced calls, in order of arrival.
        calls: how many calls there were; `entries`, how many entries they made.
        queued_at: when the first of the calls arrived.
        decided: from when to when they were decided.
        appended: from when to when their entries were written; None where nothing was.
        ended_at: now.
        error: why they were not answered with what was decided; None when they are.
    """

    sale_id: str
    spans: Sequence[CallSpan]
    calls: int
    entries: int
    queued_at: float
    decided: tuple[float, float]
    appended: tuple[float, float] | None
    ended_at: float
    error: str | None


class BatchTracer(Protocol):
    """Whoever draws traces of batches."""

    def batch_ended(self, batch: BatchTrace) -> None:
        """Draw a batch, and link the spans of its calls with it."""
        ...


def tell_of_batch(
    tracer: BatchTracer, sale_id: str, pending: Pending, now: float, error: str | None
) -> None:
    """Tell of a batch that has ended, if any of its calls is traced."""
    spans = [call.span for call in pending.calls if call.span is not None]
    if not spans or pending.deciding_from is None:
        return
    appending_from = pending.appending_from
    batch = BatchTrace(
        sale_id,
        spans=list(dict.fromkeys(spans)),
        calls=len(pending.calls),
        entries=len(pending.draft.entries),
        queued_at=pending.calls[0].arrived_at,
        decided=(pending.deciding_from, pending.decided_at),
        appended=None if appending_from is None else (appending_from, now),
        ended_at=now,
        error=error,
    )
    try:
        tracer.batch_ended(batch)
    except Exception:  # noqa: BLE001  # a picture that cannot be drawn must not stop a sale
        _log.exception("a batch could not be drawn", sale=sale_id)

"""What a server process counts: since it started, and second by second, as frozen values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from flashsale.results import CIRCUITS, OUTCOMES, CircuitState, Outcome, instant_of
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a server process has done since it started; see MetricsResponse in the contract."""

    node: str
    uptime: timedelta
    attempts: int
    outcomes: dict[Outcome, int]
    errors: dict[str, int]
    replays: int
    success_rate: float
    queue_length: int
    queue_length_peak: int
    queue_capacity: int
    batches: int
    batch_size_mean: float
    batch_size_max: int
    latency_ms_p50: float
    latency_ms_p95: float
    latency_ms_p99: float
    appends: int
    appends_failed: int
    appends_conflicted: int
    append_ms_p50: float
    append_ms_p99: float
    circuit_state: CircuitState
    active_users: int
    watchers: int

    @classmethod
    def of(cls, message: pb.MetricsResponse) -> Self:
        """The metrics that a message describes."""
        return cls(
            node=message.node,
            uptime=message.uptime.ToTimedelta(),
            attempts=message.attempts,
            outcomes=_outcomes(message.outcomes),
            errors=_errors(message.errors),
            replays=message.replays,
            success_rate=message.success_rate,
            queue_length=message.queue_length,
            queue_length_peak=message.queue_length_peak,
            queue_capacity=message.queue_capacity,
            batches=message.batches,
            batch_size_mean=message.batch_size_mean,
            batch_size_max=message.batch_size_max,
            latency_ms_p50=message.latency_ms_p50,
            latency_ms_p95=message.latency_ms_p95,
            latency_ms_p99=message.latency_ms_p99,
            appends=message.appends,
            appends_failed=message.appends_failed,
            appends_conflicted=message.appends_conflicted,
            append_ms_p50=message.append_ms_p50,
            append_ms_p99=message.append_ms_p99,
            circuit_state=CIRCUITS.get(message.circuit_state, CircuitState.UNRECOGNIZED),
            active_users=message.active_users,
            watchers=message.watchers,
        )


@dataclass(frozen=True, slots=True)
class MetricsSample:
    """What a server process did in a short interval; counts and percentiles are of it alone.

    Attributes:
        end_time: when the interval ended.
        duration: how long it was, a second as a rule.
        attempts: purchase calls that were valid, replays and refused admissions included.
        errors: calls that got an error, by reason.
        replays: calls that were answered from the ledger or joined a copy in flight.
        queue_length_peak: the most calls that were on their way at once.
        latency_ms_p50, latency_ms_p99: from arrival to answer; 0 when none was answered.
        appends, appends_failed: what became of appends to the ledger.
        append_ms_p50, append_ms_p99: what an append took; 0 when there was none.
        circuit_state: of the circuit breaker, when the interval ended.
    """

    end_time: datetime
    duration: timedelta
    attempts: int
    outcomes: dict[Outcome, int]
    errors: dict[str, int]
    replays: int
    queue_length_peak: int
    latency_ms_p50: float
    latency_ms_p99: float
    appends: int
    appends_failed: int
    append_ms_p50: float
    append_ms_p99: float
    circuit_state: CircuitState

    @classmethod
    def of(cls, message: admin.MetricsSample) -> Self:
        """The sample that a message describes."""
        return cls(
            end_time=instant_of(message.end_time),
            duration=message.duration.ToTimedelta(),
            attempts=message.attempts,
            outcomes=_outcomes(message.outcomes),
            errors=_errors(message.errors),
            replays=message.replays,
            queue_length_peak=message.queue_length_peak,
            latency_ms_p50=message.latency_ms_p50,
            latency_ms_p99=message.latency_ms_p99,
            appends=message.appends,
            appends_failed=message.appends_failed,
            append_ms_p50=message.append_ms_p50,
            append_ms_p99=message.append_ms_p99,
            circuit_state=CIRCUITS.get(message.circuit_state, CircuitState.UNRECOGNIZED),
        )


def _outcomes(counts: Iterable[pb.OutcomeCount]) -> dict[Outcome, int]:
    outcomes: dict[Outcome, int] = {}
    for item in counts:
        outcome = OUTCOMES.get(item.outcome, Outcome.UNRECOGNIZED)
        outcomes[outcome] = outcomes.get(outcome, 0) + item.count
    return outcomes


def _errors(counts: Iterable[pb.ErrorCount]) -> dict[str, int]:
    return {_reason(item.reason): item.count for item in counts}


def _reason(number: int) -> str:
    try:
        return pb.ErrorReason.Name(number).removeprefix("ERROR_REASON_")
    except ValueError:
        return "UNRECOGNIZED"

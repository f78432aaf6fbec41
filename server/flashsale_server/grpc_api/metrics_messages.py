"""What a server process has counted, as messages of the contract."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from google.protobuf.duration_pb2 import Duration

from flashsale_server.checkout import Fault, InvalidFields, MetricsSample, Violation
from flashsale_server.domain import Outcome
from flashsale_server.grpc_api.error_table import ERROR_TABLE
from flashsale_server.grpc_api.requests import instant_us_of
from flashsale_server.grpc_api.responses import CIRCUIT_STATES, OUTCOMES, timestamp

SAMPLES_IN_MESSAGE: Final = 60


def after_time_us_of(request: admin.WatchMetricsRequest) -> int | None:
    """After when samples are wanted, in microseconds since 1970 UTC; None for all.

    Raises:
        InvalidFields: it is no time.
    """
    if not request.HasField("after_time"):
        return None
    violations: list[Violation] = []
    after_us = instant_us_of(violations, "after_time", request.after_time)
    if violations:
        raise InvalidFields(violations)
    return after_us


def sample_messages(samples: Sequence[MetricsSample]) -> Iterator[admin.WatchMetricsResponse]:
    """Samples as messages, some in each."""
    for start in range(0, len(samples), SAMPLES_IN_MESSAGE):
        some = samples[start : start + SAMPLES_IN_MESSAGE]
        yield admin.WatchMetricsResponse(samples=map(_sample_message, some))


def outcome_counts(outcomes: Mapping[Outcome, int]) -> list[pb.OutcomeCount]:
    """How often each outcome was decided, sorted by outcome."""
    counts = sorted((OUTCOMES[key], count) for key, count in outcomes.items())
    return [pb.OutcomeCount(outcome=key, count=count) for key, count in counts]


def error_counts(faults: Mapping[type[Fault], int]) -> list[pb.ErrorCount]:
    """How often each reason was given, sorted by reason."""
    counts = sorted((ERROR_TABLE[key][1], count) for key, count in faults.items())
    return [pb.ErrorCount(reason=key, count=count) for key, count in counts]


def _sample_message(sample: MetricsSample) -> admin.MetricsSample:
    duration = Duration()
    duration.FromMicroseconds(sample.duration_us)
    return admin.MetricsSample(
        end_time=timestamp(sample.end_us),
        duration=duration,
        attempts=sample.attempts,
        outcomes=outcome_counts(sample.outcomes),
        errors=error_counts(sample.faults),
        replays=sample.replays,
        queue_length_peak=sample.queue_length_peak,
        latency_ms_p50=sample.latency_ms_p50,
        latency_ms_p99=sample.latency_ms_p99,
        appends=sample.appends,
        appends_failed=sample.appends_failed,
        append_ms_p50=sample.append_ms_p50,
        append_ms_p99=sample.append_ms_p99,
        circuit_state=CIRCUIT_STATES[sample.circuit_state],
    )

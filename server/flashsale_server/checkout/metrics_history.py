"""The history of the meters: what this server process did in each of the last seconds.

Once a second one task looks at the meters and keeps how they differ from the look before, so that
it costs a purchase nothing. Percentiles are of the second alone: durations are counted in buckets,
and the counts of an interval are the difference of two looks.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from flashsale_server.checkout.broadcast import Broadcast
from flashsale_server.checkout.checkout import Checkout
from flashsale_server.checkout.faults import Fault
from flashsale_server.checkout.meters import percentile_ms
from flashsale_server.domain import CircuitState, Outcome

INTERVAL_SECONDS: Final = 1.0
CAPACITY: Final = 900
"""Samples that are kept: 15 minutes of them."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MetricsSample:
    """What a server process did in an interval. Counts and percentiles are of it alone.

    Attributes:
        end_us: when it ended, in microseconds since 1970 UTC.
        duration_us: how long it was.
        attempts: purchase calls that were valid.
        outcomes: decisions, by outcome.
        faults: calls that got a fault, by its class.
        replays: calls answered from the ledger, or by joining a copy in flight.
        queue_length_peak: the most calls that were on their way at once.
        latency_ms_p50, latency_ms_p99: from arrival to answer; 0 when none was answered.
        appends, appends_failed: what became of appends.
        append_ms_p50, append_ms_p99: what an append took; 0 when there was none.
        circuit_state: of the circuit breaker, when it ended.
    """

    end_us: int
    duration_us: int
    attempts: int
    outcomes: dict[Outcome, int]
    faults: dict[type[Fault], int]
    replays: int
    queue_length_peak: int
    latency_ms_p50: float
    latency_ms_p99: float
    appends: int
    appends_failed: int
    append_ms_p50: float
    append_ms_p99: float
    circuit_state: CircuitState


class MetricsHistory:
    """The samples of the last 15 minutes, oldest first, and those to come.

    Attributes:
        changes: tells those who follow that there is a new sample.
    """

    def __init__(self, checkout: Checkout) -> None:
        self.changes = Broadcast()
        self._checkout = checkout
        self._samples: deque[MetricsSample] = deque(maxlen=CAPACITY)
        self._taken = 0
        self._task: asyncio.Task[None] | None = None
        self._before = _Look.at(checkout)
        self._end_us = checkout.clock.now_us()

    def start(self) -> None:
        """Begin to take a sample a second."""
        self._task = asyncio.create_task(self._run(), name="metrics history")

    def stop(self) -> None:
        """Take no more samples."""
        if self._task is not None:
            self._task.cancel()

    def take_sample(self) -> MetricsSample:
        """Keep what was done since the sample before, and tell those who follow."""
        look = _Look.at(self._checkout)
        duration_us = look.at_us - self._before.at_us
        # The clock may have been set back; the times of samples go on.
        self._end_us = max(self._checkout.clock.now_us(), self._end_us + max(duration_us, 1))
        sample = look.sample_since(
            self._before,
            end_us=self._end_us,
            queue_length_peak=self._checkout.line.take_recent_peak(),
            circuit_state=self._checkout.breaker.state_at(self._checkout.clock.monotonic()),
        )
        self._before = look
        self._samples.append(sample)
        self._taken += 1
        self.changes.changed()
        return sample

    def kept_after(self, after_us: int | None) -> tuple[int, list[MetricsSample]]:
        """The number of samples ever taken, and those kept that ended after an instant, or all."""
        if after_us is None:
            return self._taken, list(self._samples)
        return self._taken, [item for item in self._samples if item.end_us > after_us]

    def taken_after(self, taken: int) -> tuple[int, list[MetricsSample]]:
        """The number of samples ever taken, and those kept after the first `taken` of them."""
        missing = min(self._taken - taken, len(self._samples))
        return self._taken, [self._samples[-left] for left in range(missing, 0, -1)]

    async def _run(self) -> None:
        clock = self._checkout.clock
        due = clock.monotonic()
        while True:
            # A loop that was held up skips what it has missed: the next interval is longer.
            due = max(due + INTERVAL_SECONDS, clock.monotonic())
            await asyncio.sleep(due - clock.monotonic())
            try:
                self.take_sample()
            except Exception:  # noqa: BLE001  # the next second may go better
                _log.exception("no sample of the metrics")


@dataclass(frozen=True, slots=True)
class _Look:
    """The meters at an instant."""

    at_us: int
    attempts: int
    outcomes: dict[Outcome, int]
    faults: dict[type[Fault], int]
    replays: int
    latency_counts: Sequence[int]
    appends: int
    appends_failed: int
    append_counts: Sequence[int]

    @classmethod
    def at(cls, checkout: Checkout) -> "_Look":
        meters = checkout.meters
        return cls(
            at_us=int(checkout.clock.monotonic() * 1e6),
            attempts=meters.attempts,
            outcomes=dict(meters.outcomes),
            faults=dict(meters.faults),
            replays=meters.replays,
            latency_counts=tuple(meters.latency.counts),
            appends=meters.appends,
            appends_failed=meters.appends_failed,
            append_counts=tuple(meters.append.counts),
        )

    def sample_since(
        self,
        before: "_Look",
        *,
        end_us: int,
        queue_length_peak: int,
        circuit_state: CircuitState,
    ) -> MetricsSample:
        """What was done between two looks."""
        latencies = _more(self.latency_counts, before.latency_counts)
        appends = _more(self.append_counts, before.append_counts)
        return MetricsSample(
            end_us=end_us,
            duration_us=self.at_us - before.at_us,
            attempts=self.attempts - before.attempts,
            outcomes={
                key: more
                for key, count in self.outcomes.items()
                if (more := count - before.outcomes.get(key, 0))
            },
            faults={
                key: more
                for key, count in self.faults.items()
                if (more := count - before.faults.get(key, 0))
            },
            replays=self.replays - before.replays,
            queue_length_peak=queue_length_peak,
            latency_ms_p50=percentile_ms(latencies, 50),
            latency_ms_p99=percentile_ms(latencies, 99),
            appends=self.appends - before.appends,
            appends_failed=self.appends_failed - before.appends_failed,
            append_ms_p50=percentile_ms(appends, 50),
            append_ms_p99=percentile_ms(appends, 99),
            circuit_state=circuit_state,
        )


def _more(now: Sequence[int], before: Sequence[int]) -> list[int]:
    return [later - earlier for later, earlier in zip(now, before, strict=True)]

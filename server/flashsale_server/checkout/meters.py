"""Meters: what this server process has counted and timed since it started.

Whoever does something says so here; the Metrics RPC and the Prometheus page read it. Nothing here
decides anything. Durations are kept as counts in buckets whose bounds grow by a quarter each, so a
percentile is right to within the width of one bucket, and memory stays the same for ever.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import accumulate, repeat
from operator import attrgetter, mul
from typing import Final

from flashsale_server.checkout.call import Call, CallResult
from flashsale_server.checkout.faults import Fault
from flashsale_server.domain import Answer, Outcome

BUCKET_BOUNDS_SECONDS: Final[tuple[float, ...]] = tuple(
    accumulate(repeat(1.25, 63), mul, initial=0.000_05)
)
"""Upper bounds of the buckets: 50 microseconds to about a minute."""

NOTED_MAX: Final = 500
"""Durations that are noted at most before they are sorted."""


class Durations:
    """How long something took, each time.

    A duration is only noted at first: it is sorted into its bucket with some hundred others, which
    takes each of them a fraction of what it would take alone, between calls, with a cold cache.
    """

    __slots__ = ("_counts", "_noted", "_sorted_seconds")

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKET_BOUNDS_SECONDS) + 1)
        self._sorted_seconds = 0.0
        self._noted: list[float] = []

    @property
    def counts(self) -> Sequence[int]:
        """How many there were in each bucket; those above the last bound come last."""
        self._sort()
        return self._counts

    @property
    def total_seconds(self) -> float:
        """All of them together."""
        self._sort()
        return self._sorted_seconds

    def add(self, seconds: float, times: int = 1) -> None:
        """Count a duration that was measured once, or so many times."""
        if times > 1:
            self._put(seconds, times)
            return
        self._noted.append(seconds)
        if len(self._noted) >= NOTED_MAX:
            self._sort()

    def percentile_ms(self, percent: float) -> float:
        """Milliseconds that `percent` % of the durations do not exceed; 0 when there are none."""
        return percentile_ms(self.counts, percent)

    def _sort(self) -> None:
        for seconds in self._noted:
            self._put(seconds, 1)
        self._noted.clear()

    def _put(self, seconds: float, times: int) -> None:
        self._counts[bisect_left(BUCKET_BOUNDS_SECONDS, seconds)] += times
        self._sorted_seconds += seconds * times


def percentile_ms(counts: Sequence[int], percent: float) -> float:
    """Milliseconds that `percent` % of what is counted in buckets do not exceed; 0 of nothing."""
    total = sum(counts)
    if not total:
        return 0.0
    wanted = total * percent / 100
    before = 0
    lower = 0.0
    for count, upper in zip(counts, BUCKET_BOUNDS_SECONDS, strict=False):
        if count and before + count >= wanted:
            return 1000 * (lower + (upper - lower) * (wanted - before) / count)
        before += count
        lower = upper
    return 1000 * lower


SALES_MAX: Final = 100
"""Sales that are counted by themselves; more would be too many for those who read the counts."""

OTHER_SALES: Final = "_other"
"""Stands for all others; it can be no sale's id."""


class SaleOutcomes(dict[str, Counter[Outcome]]):
    """Decisions by outcome, of each sale that has room here, and of all others together."""

    def __missing__(self, sale_id: str) -> Counter[Outcome]:
        if self._is_full:
            sale_id = OTHER_SALES
        return self.setdefault(sale_id, Counter())

    def make_room(self, is_over: Callable[[str], bool]) -> None:
        """Where there is no room for one more, count a sale that is over among the others."""
        if not self._is_full:
            return
        over = next((item for item in self if item != OTHER_SALES and is_over(item)), None)
        if over is not None:
            self[OTHER_SALES].update(self.pop(over))

    @property
    def _is_full(self) -> bool:
        return len(self) - (OTHER_SALES in self) >= SALES_MAX


class Meters:
    """Counts and durations of one server process.

    Attributes:
        attempts: purchase calls that were valid.
        outcomes_by_sale: decisions, by sale and outcome.
        faults: calls that got a fault, by its class.
        replays: calls answered from the ledger, or by joining a copy in flight.
        batches: batches decided; `decisions` in all of them, `batch_size_max` in the largest.
        latency: from the arrival of a call to its answer.
        append: from handing an append to the ledger to its word that it is durable.
        appends, appends_failed, appends_conflicted: what became of appends.
    """

    def __init__(self) -> None:
        self.attempts = 0
        self.outcomes_by_sale = SaleOutcomes()
        self.faults: Counter[type[Fault]] = Counter()
        self.replays = 0
        self.batches = 0
        self.decisions = 0
        self.batch_size_max = 0
        self.latency = Durations()
        self.append = Durations()
        self.appends = 0
        self.appends_failed = 0
        self.appends_conflicted = 0

    @property
    def outcomes(self) -> Counter[Outcome]:
        """Decisions, by outcome, of all sales."""
        return sum(self.outcomes_by_sale.values(), Counter())

    @property
    def batch_size_mean(self) -> float:
        """Decisions in a batch, on average."""
        return self.decisions / self.batches if self.batches else 0.0

    @property
    def success_rate(self) -> float:
        """Purchases and holds, as a part of all decisions."""
        outcomes = self.outcomes
        bought = outcomes[Outcome.PURCHASED] + outcomes[Outcome.HELD]
        return bought / outcomes.total() if outcomes else 0.0

    def batch_decided(self, size: int) -> None:
        """Count a batch."""
        self.batches += 1
        self.decisions += size
        self.batch_size_max = max(self.batch_size_max, size)

    def answered(self, sale_id: str, result: CallResult, seconds: float) -> None:
        """Count what a call of a sale came to, `seconds` after its arrival."""
        if isinstance(result, Answer):
            if result.replayed:
                self.replays += 1
            else:
                self.outcomes_by_sale[sale_id][result.outcome] += 1
            self.latency.add(seconds)
        elif isinstance(result, Fault):
            self.faults[type(result)] += 1

    def answered_all(
        self, calls: Sequence[Call], results: Sequence[CallResult], now: float
    ) -> None:
        """Count what calls of one sale came to that are answered together, in order of arrival."""
        outcomes = [
            result.outcome
            for result in results
            if isinstance(result, Answer) and not result.replayed
        ]
        if not outcomes or len(outcomes) < len(calls):
            for call, result in zip(calls, results, strict=True):
                self.answered(call.sale_id, result, now - call.arrived_at)
            return
        of_sale = self.outcomes_by_sale[calls[0].sale_id]
        alike = outcomes.count(outcomes[0])
        if alike == len(calls):
            of_sale[outcomes[0]] += alike
        else:
            of_sale.update(outcomes)
        at = 0
        while at < len(calls):  # those that arrived together stand together
            arrived_at = calls[at].arrived_at
            end = bisect_right(calls, arrived_at, at, key=_arrived_at)
            self.latency.add(now - arrived_at, end - at)
            at = end


_arrived_at: Final = attrgetter("arrived_at")

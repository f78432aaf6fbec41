"""What a load measured: a value that goes from the load's process to the report."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass(slots=True)
class Measured:
    """What one load came to.

    Attributes:
        answered: answers within the measured time.
        seconds: the measured time.
        cpu_seconds: the processor time that the load itself has used in it.
        latency_ms: percentiles of the time to an answer: "p50", "p95", "p99", "max".
        quantiles_ms: 201 evenly spaced quantiles of the same, from the least to the most.
        slowest_ms: for loads that ask once: the slowest answer of each repeat.
        acknowledged: purchases that were acknowledged, those outside the measured time included.
        timeline: answers in each tenth of a second, from the start.
        wrong: what was wrong with answers, and how often; empty in a run that counts.
    """

    answered: int
    seconds: float
    cpu_seconds: float = 0.0
    latency_ms: dict[str, float] = field(default_factory=dict)
    quantiles_ms: list[float] = field(default_factory=list)
    slowest_ms: list[float] = field(default_factory=list)
    acknowledged: int = 0
    timeline: list[int] = field(default_factory=list)
    wrong: dict[str, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return self.answered / self.seconds

    def as_json(self) -> str:
        """The value as text."""
        return json.dumps(asdict(self))


class Checks:
    """Checks answers as they come: the right outcome, and no purchase twice."""

    def __init__(self, outcome: str, *, keeps: bool) -> None:
        self._outcome = outcome
        self._keeps = keeps
        self._purchase_ids: set[str] = set()
        self.wrong: Counter[str] = Counter()
        self.acknowledged = 0

    def check(self, outcome: str, purchase_id: str) -> None:
        """Take in an answer; `purchase_id` is "" where the answer has none."""
        if outcome != self._outcome:
            self.wrong[outcome] += 1
        elif purchase_id:
            self.acknowledged += 1
            self._purchase_ids.add(purchase_id)

    def verdict(self) -> dict[str, int]:
        """What was wrong, and how often."""
        twice = self.acknowledged - len(self._purchase_ids) if self._keeps else 0
        return {**self.wrong, **({"the same purchase id twice": twice} if twice else {})}


def percentiles(latencies_ms: Sequence[float]) -> tuple[dict[str, float], list[float]]:
    """The latencies' percentiles by name, and 201 evenly spaced quantiles."""
    ordered = sorted(latencies_ms)
    if not ordered:
        return {}, []
    last = len(ordered) - 1
    named = {f"p{percent}": ordered[round(last * percent / 100)] for percent in (50, 95, 99)}
    spaced = [round(ordered[round(last * step / 200)], 4) for step in range(201)]
    return {**named, "max": ordered[-1]}, spaced

"""What a load measured: a value that goes from the load's process to the report."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

Answer = tuple[str, str]
"""An outcome and a purchase's id, "" where there is none."""


class Kept(Protocol):
    """A purchase, as far as it is checked."""

    @property
    def user_id(self) -> str: ...
    @property
    def purchase_id(self) -> str: ...


KEEPING = frozenset({"PURCHASED", "HELD"})
"""The outcomes that come with a purchase."""


class WrongAnswer(Exception):
    """A server has answered wrongly, so what was measured counts for nothing."""


@dataclass(slots=True)
class Measured:
    """What one load came to.

    Attributes:
        answered: answers within the measured time.
        seconds: the measured time.
        began_at: when it began, in seconds of time.perf_counter, which all processes share.
        cpu_seconds: the processor time that the load itself has used in it.
        latency_ms: percentiles of the time to an answer, of all calls under way in the measured
            time: "p50", "p95", "p99", "max".
        quantiles_ms: 201 evenly spaced quantiles of the same, from the least to the most.
        slowest_ms: for loads that ask once: the slowest answer of each repeat.
        asked: answers altogether, those outside the measured time included.
        acknowledged: purchases that were acknowledged, those outside the measured time included.
        timeline: answers in each tenth of a second, from the start.
        wrong: what was wrong with answers, and how often; empty in a run that counts.
    """

    answered: int
    seconds: float
    began_at: float = 0.0
    cpu_seconds: float = 0.0
    latency_ms: dict[str, float] = field(default_factory=dict)
    quantiles_ms: list[float] = field(default_factory=list)
    slowest_ms: list[float] = field(default_factory=list)
    asked: int = 0
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


def answer_of(outcome: str, purchase: Kept | None, user_id: str, *, keeps: bool) -> Answer:
    """What `user_id` was told; of a server that keeps purchases, it must be the user's own."""
    if purchase is None:
        return outcome, ""
    if keeps and purchase.user_id != user_id:
        return "a purchase of another user", ""
    return outcome, purchase.purchase_id


class Checks:
    """Checks answers as they come: the right outcome, and no purchase twice.

    Attributes:
        wrong: what was wrong with single answers, and how often.
        checked: answers so far.
        acknowledged: purchases among them.
    """

    def __init__(self, outcome: str, *, keeps: bool) -> None:
        self._outcome = outcome
        self._keeps = keeps and outcome in KEEPING
        self._purchase_ids: set[str] = set()
        self.wrong: Counter[str] = Counter()
        self.checked = 0
        self.acknowledged = 0

    def check(self, answer: Answer) -> None:
        """Take in an answer."""
        outcome, purchase_id = answer
        self.checked += 1
        if outcome != self._outcome:
            self.wrong[outcome] += 1
        elif purchase_id:
            self.acknowledged += 1
            self._purchase_ids.add(purchase_id)
        elif self._keeps:
            self.wrong["a purchase without an id"] += 1

    def check_each(self, answers: Iterable[Answer]) -> None:
        """Take in the answers of one call."""
        for answer in answers:
            self.check(answer)

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

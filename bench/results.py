"""Results: everything that one run of the bench has measured, as it is stored.

The report and the plots are made of nothing else, so what they say can be made again from the file.
What a run has not measured is not there.
"""

import statistics
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.contests import Runs
from bench.machine import Machine


@dataclass(slots=True)
class Row:
    """One row of the table.

    Attributes:
        key: names it on the command line.
        name: in a few words.
        what, against: what was measured, and what it is compared with.
        unit: of the absolute values.
        ours: our value in each round.
        theirs: what it is compared with, in each round; none for an absolute limit.
        reach: what has to be reached, then what is aimed at: ratios, or values for an absolute
            limit; none where nothing is promised.
        at_least: whether more is better.
        callers: how many asked at the same time.
        runs: all that was measured.
    """

    key: str
    name: str
    what: str
    against: str
    unit: str
    ours: list[float]
    theirs: list[float]
    reach: list[float]
    at_least: bool
    callers: int = 0
    runs: list[Runs] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Ours through theirs, in each round."""
        return [ours / theirs for ours, theirs in zip(self.ours, self.theirs, strict=False)]

    @property
    def judged(self) -> float:
        """What is held against `reach`: the ratios' median, or the worst of absolute values."""
        if self.theirs:
            return statistics.median(self.ratios)
        return min(self.ours) if self.at_least else max(self.ours)

    def reached(self) -> list[bool]:
        """Whether each step of `reach` was reached."""
        return [
            self.judged >= step if self.at_least else self.judged <= step for step in self.reach
        ]


@dataclass(slots=True)
class Crowd:
    """So many callers at once, each side asked by as many."""

    callers: int
    runs: list[Runs]


@dataclass(slots=True)
class Stretch:
    """A part of the growth of one sale; the sizes are those at its end."""

    purchases: int
    per_second: float
    memory_bytes: int
    disk_bytes: int


@dataclass(slots=True)
class Growth:
    """One sale from its first purchase to its last of `purchases`, then opened again.

    Attributes:
        empty_memory_bytes: resident memory of the server before the first purchase.
        stretches: the way there, in equal parts.
        closed_disk_bytes: the ledger's files after the server has stopped.
        reopen_seconds: from the start of a new server until it answered.
        reopened_memory_bytes: its resident memory then.
        empty_start_seconds: from the start of the server on no ledger until it answered.
    """

    purchases: int
    empty_memory_bytes: int
    stretches: list[Stretch]
    closed_disk_bytes: int
    reopen_seconds: float
    reopened_memory_bytes: int
    empty_start_seconds: float


@dataclass(slots=True)
class ManySales:
    """A ledger of many sales.

    Attributes:
        sales, purchases_each: how it was filled before the server was started.
        disk_bytes: the ledger's files.
        open_seconds: from the start of the server until it answered.
        memory_bytes: its resident memory then.
        runs: purchases through the SDK, over all sales in turn.
    """

    sales: int
    purchases_each: int
    disk_bytes: int
    open_seconds: float
    memory_bytes: int
    runs: Runs


@dataclass(slots=True)
class LongRush:
    """A rush for a sale that is sold out.

    Attributes:
        seconds: how long it was.
        memory_bytes: the server's resident memory, each second.
        runs: what was asked.
    """

    seconds: float
    memory_bytes: list[int]
    runs: Runs


@dataclass(slots=True)
class Waiting:
    """What buyers noticed for a while.

    Attributes:
        per_second: answers in a second.
        latency_ms: "p50", "p95", "p99" and "max" of the time to an answer.
    """

    per_second: float
    latency_ms: dict[str, float]


@dataclass(slots=True)
class HoldsTogether:
    """Holds that expire together while others buy.

    Attributes:
        holds: how many expire together.
        buyers: how many buy meanwhile, each again as soon as it is answered.
        in_their_sale: whether they buy in the sale of the holds, or in another.
        spread_seconds: how long after the first of them the last one expires.
        before, during: what the buyers notice before the first expires, and from then until a
            second after the last.
        late_seconds: how long after its time the latest of them ends, in the ledger.
    """

    holds: int
    buyers: int
    in_their_sale: bool
    spread_seconds: float
    before: Waiting
    during: Waiting
    late_seconds: float


@dataclass(slots=True)
class Results:
    """One run of the bench.

    Attributes:
        begun_at: when, as ISO 8601 in UTC.
        is_quick: whether it was the short run, which says less.
        rounds, seconds: rounds of each contest, and measured seconds of each side in each round.
        commit: the code that was measured.
        machine: where.
        rows: the table.
        sweep: throughput and latency against the number of callers.
        rushes: everybody at the same moment, unary.
    """

    begun_at: str
    is_quick: bool
    rounds: int
    seconds: float
    commit: str
    machine: Machine
    rows: list[Row] = field(default_factory=list)
    sweep: list[Crowd] = field(default_factory=list)
    rushes: list[Crowd] = field(default_factory=list)
    growth: list[Growth] = field(default_factory=list)
    many_sales: ManySales | None = None
    long_rush: LongRush | None = None
    holds: list[HoldsTogether] = field(default_factory=list)


def stored(results: Results, path: Path) -> None:
    """Write results to a file."""
    path.write_bytes(msgspec.json.encode(results))


def read(path: Path) -> Results:
    """The results that a file holds."""
    return msgspec.json.decode(path.read_bytes(), type=Results)

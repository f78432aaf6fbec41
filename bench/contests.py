"""Contests: two servers under the same load, in turn, several rounds, every answer checked.

The machine's speed drifts, so only what was measured side by side is compared: each round gives one
ratio, and the report quotes the median of the rounds and their spread.
"""

import contextlib
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.measured import Measured
from bench.peers.starting import Peer, Start
from bench.plan import Plan
from bench.processes import loaded


class WrongAnswer(Exception):
    """A server has answered wrongly, so what was measured counts for nothing."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: what is started and how it is asked.

    Attributes:
        name: for the report.
        start: starts the server in a folder.
        load: the module of bench.loads.
        outcome: what every answer must say.
    """

    name: str
    start: Start
    load: str
    outcome: str = "PURCHASED"


@dataclass(slots=True)
class Runs:
    """What was measured of one side, one item a round.

    Attributes:
        measured: what the load measured.
        server_us: processor time of the server for each answer, in microseconds.
    """

    name: str
    measured: list[Measured] = field(default_factory=list)
    server_us: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> list[float]:
        """Answers in a second, in each round."""
        return [item.per_second for item in self.measured]

    def median_ms(self, percentile: str) -> float:
        """A latency's median over the rounds."""
        return statistics.median(item.latency_ms[percentile] for item in self.measured)


class Arena:
    """Servers that are up, to be asked in turn."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._loads = 0

    def start(self, start: Start) -> Peer:
        """Start a server in a folder of its own."""
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        return self._stack.enter_context(start(folder))

    def ask(self, peer: Peer, side: Side, plan: Plan, runs: Runs) -> Measured:
        """Put a load on a server, check what it was told, and note what was measured.

        Raises:
            WrongAnswer: an answer was wrong, or the stock does not add up.
        """
        self._loads += 1
        sold_before = peer.sold() if peer.sold else 0
        cpu_before = peer.process.cpu_seconds()
        measured = loaded(side.load, plan)
        cpu = peer.process.cpu_seconds() - cpu_before
        if measured.wrong:
            raise WrongAnswer(f"{side.name}: {measured.wrong}")
        sold = peer.sold() - sold_before if peer.sold else measured.acknowledged
        if sold != measured.acknowledged:
            raise WrongAnswer(f"{side.name}: {measured.acknowledged} acknowledged, {sold} sold")
        answers = sum(measured.timeline) or measured.answered
        runs.measured.append(measured)
        runs.server_us.append(cpu / answers * 1e6)
        return measured

    def close(self) -> None:
        """End all servers."""
        self._stack.close()


@contextlib.contextmanager
def arena(folder: Path) -> Iterator[Arena]:
    """Servers are ended when the block ends."""
    opened = Arena(folder)
    try:
        yield opened
    finally:
        opened.close()


def contest(
    folder: Path, ours: Side, peer: Side, *, callers: int, rounds: int, seconds: float
) -> tuple[Runs, Runs]:
    """Ask two servers in turn, `rounds` times; who goes first changes from round to round."""
    sides = (ours, peer)
    runs = (Runs(ours.name), Runs(peer.name))
    with arena(folder) as servers:
        peers = [servers.start(side.start) for side in sides]
        for turn in range(rounds):
            for at in (0, 1) if turn % 2 == 0 else (1, 0):
                plan = Plan(
                    address=peers[at].address,
                    name=f"bench-{turn}",
                    callers=callers,
                    seconds=seconds,
                    warmup_seconds=min(1.0, seconds / 2),
                    outcome=sides[at].outcome,
                    keeps=peers[at].sold is not None,
                )
                servers.ask(peers[at], sides[at], plan, runs[at])
    return runs

"""Contests: servers under the same load, in turn, several rounds, every answer checked.

The machine's speed drifts, so only what was measured side by side is compared: each round gives one
ratio, and the report quotes the median of the rounds and their spread.
"""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.measured import Measured, WrongAnswer
from bench.peers.starting import Peer, Start
from bench.plan import Plan
from bench.processes import loaded, machine_busy_seconds, own_busy_seconds

Note = Callable[[str], None]
"""Is told what is being done now."""


OTHERS_CPUS_MAX = 0.2
"""A round in which others kept more processors busy is measured anew, where there is time."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """How often both sides are measured, and how many rounds may be measured anew."""

    number: int
    again: int = 0


@dataclass(frozen=True, slots=True)
class Side:
    """One of those who are measured: what is started and how it is asked.

    Attributes:
        name: for the report.
        start: starts the server in a folder.
        load: the module of bench.loads.
        outcome: what every answer must say.
        batch: purchases in one call, where the load puts several into each.
    """

    name: str
    start: Start
    load: str
    outcome: str = "PURCHASED"
    batch: int = 1


@dataclass(slots=True)
class Runs:
    """What was measured of one side, one item a round.

    Attributes:
        name: the side.
        load: how it was asked.
        measured: what the load measured.
        server_us: processor time of the server for each answer, in microseconds.
        others_cpus: processors that anything but this load and its server kept busy meanwhile.
        thrown_away: rounds that were measured anew, because others kept the machine busy.
    """

    name: str
    load: str
    measured: list[Measured] = field(default_factory=list)
    server_us: list[float] = field(default_factory=list)
    others_cpus: list[float] = field(default_factory=list)
    thrown_away: int = 0

    def throw_away(self) -> None:
        """Forget the last round."""
        for values in (self.measured, self.server_us, self.others_cpus):
            values.pop()
        self.thrown_away += 1

    @property
    def per_second(self) -> list[float]:
        """Answers in a second, in each round."""
        return [item.per_second for item in self.measured]

    def latencies_ms(self, percentile: str) -> list[float]:
        """A latency in each round."""
        return [item.latency_ms[percentile] for item in self.measured]

    def median_ms(self, percentile: str) -> float:
        """A latency's median over the rounds."""
        return statistics.median(self.latencies_ms(percentile))


def asked(
    peer: Peer, side: Side, plan: Plan, runs: Runs, watch: Callable[[], None] | None = None
) -> Measured:
    """Put a load on a server, check what it was told, and note what was measured.

    `watch` is called each second meanwhile.

    Raises:
        WrongAnswer: an answer was wrong, or the stock does not add up.
        LoadFailed: a call was not answered.
    """
    told = replace(
        plan,
        address=peer.address,
        outcome=side.outcome,
        batch=side.batch,
        keeps=peer.sold is not None,
    )
    sold_before = peer.sold() if peer.sold else 0
    server_before = peer.process.cpu_seconds() if peer.process else 0.0
    ours_before, machine_before = own_busy_seconds(), machine_busy_seconds()
    started = time.perf_counter()
    measured = loaded(side.load, told, watch)
    took = time.perf_counter() - started
    machine = machine_busy_seconds() - machine_before
    ours = own_busy_seconds() - ours_before
    server = peer.process.cpu_seconds() - server_before if peer.process else 0.0
    if measured.wrong:
        raise WrongAnswer(f"{side.name} answered wrongly: {measured.wrong}")
    sold = peer.sold() - sold_before if peer.sold else measured.acknowledged
    if sold != measured.acknowledged:
        raise WrongAnswer(f"{side.name}: {measured.acknowledged} acknowledged, {sold} sold")
    if not measured.answered:
        raise WrongAnswer(f"{side.name} has answered nothing in {measured.seconds} s")
    runs.measured.append(measured)
    runs.server_us.append(server / measured.asked * 1e6)
    runs.others_cpus.append(max(0.0, machine - ours - server) / took)
    return measured


@contextlib.contextmanager
def up(folder: Path, sides: Sequence[Side]) -> Iterator[list[Peer]]:
    """The servers of the sides, each in a folder of its own, until the block ends."""
    with contextlib.ExitStack() as stack:
        yield [
            stack.enter_context(side.start(Path(tempfile.mkdtemp(dir=folder)))) for side in sides
        ]


def in_turn(
    peers: Sequence[Peer], sides: Sequence[Side], plan: Plan, rounds: Rounds, note: Note
) -> list[Runs]:
    """Ask servers in turn, round after round; who goes first changes from round to round.

    A round in which others kept the machine busy is thrown away, whatever came of it, and measured
    anew, as often as `rounds` allows. Its answers have been checked like all others.

    Raises:
        WrongAnswer, LoadFailed: as `asked`.
    """
    runs = [Runs(side.name, side.load) for side in sides]
    while len(runs[0].measured) < rounds.number:
        turn = len(runs[0].measured) + runs[0].thrown_away
        order = range(len(sides)) if turn % 2 == 0 else reversed(range(len(sides)))
        for at in order:
            note(f"round {len(runs[0].measured) + 1} of {rounds.number}: {sides[at].name}")
            asked(peers[at], sides[at], replace(plan, name=f"{plan.name}-{turn}"), runs[at])
        was_disturbed = max(side.others_cpus[-1] for side in runs) > OTHERS_CPUS_MAX
        if was_disturbed and runs[0].thrown_away < rounds.again:
            for side in runs:
                side.throw_away()
    return runs


def contest(
    folder: Path, sides: Sequence[Side], plan: Plan, rounds: Rounds, note: Note
) -> list[Runs]:
    """Start the servers of the sides, and ask them in turn; see `in_turn`."""
    note("starting servers")
    with up(folder, sides) as peers:
        return in_turn(peers, sides, replace(plan, folder=str(folder)), rounds, note)

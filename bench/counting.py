"""Counting: what it costs to count, and to be read by Prometheus once a second.

It costs less than two servers, or two seconds of one, differ by. So one server is under one load
all the while, its counting is switched off and on each twentieth of a second, and what it did with
it is held against what it did without.
"""

import contextlib
import tempfile
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

from bench.contests import Note, Runs, Side, asked
from bench.length import Length
from bench.measured import Measured
from bench.peers.starting import flash_sale
from bench.peers.switched import SLICE_SECONDS, Look, looks
from bench.plan import Plan
from bench.processes import LoadFailed, ServerFailed
from bench.results import Row

REACH = 0.97
PAIRS_A_ROUND = 40
"""About so many: the server's switches may come late."""
CUT_SECONDS = 0.5
"""What is left out at both ends of a load, which may take a moment to begin."""

Slice = tuple[Look, Look]
"""A twentieth of a second, between two looks; the first says whether the server counts in it."""
Pair = tuple[Slice, Slice]
"""Two that are neighbours: with counting, and without."""


@dataclass(frozen=True, slots=True)
class CostOfCounting:
    """A load on a server that counts half of the time."""

    key: str
    name: str
    what: str
    load: str
    callers: int

    def seconds(self, length: Length) -> float:
        """How long it should take."""
        return 4 + _load_seconds(length)

    def measured(self, folder: Path, length: Length, note: Note) -> Row:
        """Put the load on the server, and compare the slices in which it counts with the others."""
        own = Path(tempfile.mkdtemp(dir=folder))
        side = Side("the service", partial(flash_sale, module="bench.peers.switched"), self.load)
        plan = Plan(
            address="",
            name=f"bench-{self.key}",
            callers=self.callers,
            seconds=_load_seconds(length),
            warmup_seconds=length.warmup_seconds,
        )
        whole = Runs(side.name, side.load)
        note("counting and not counting, in turn")
        with side.start(own) as peer, _scraped(peer.http_address):
            load = asked(peer, side, plan, whole)
        begin, end = load.began_at + CUT_SECONDS, load.began_at + load.seconds - CUT_SECONDS
        rounds = in_rounds(pairs_between(looks(own), begin, end), length.counting_rounds)
        counted = Runs("counted and scraped", self.load, others_cpus=whole.others_cpus)
        uncounted = Runs("uncounted", self.load, others_cpus=whole.others_cpus)
        for pairs in rounds:
            _add_round(counted, [one for one, _ in pairs])
            _add_round(uncounted, [other for _, other in pairs])
        return Row(
            self.key,
            self.name,
            f"{self.what}, counted, and scraped once a second",
            "the same server in the twentieths of a second between, its counting switched off",
            "/s",
            counted.per_second,
            uncounted.per_second,
            [] if length.is_quick else [REACH],  # one round shows nothing
            at_least=True,
            callers=self.callers,
            runs=[counted, uncounted],
        )


def _load_seconds(length: Length) -> float:
    """Long enough for the rounds, and for what is cut off at both ends."""
    return 2 * (length.counting_rounds * PAIRS_A_ROUND * SLICE_SECONDS + CUT_SECONDS)


def pairs_between(seen: Sequence[Look], begin: float, end: float) -> list[Pair]:
    """Slices with counting, each with the one beside it without, from begin to end."""
    slices = list(pairwise(seen))
    beside = zip(slices[::2], slices[1::2], strict=False)
    within = [pair for pair in beside if pair[0][0].at >= begin and pair[1][1].at <= end]
    return [(one, other) if one[0].counts else (other, one) for one, other in within]


def in_rounds(pairs: Sequence[Pair], rounds: int) -> list[Sequence[Pair]]:
    """Pairs in so many rounds of as many, each of neighbours; a few at the end may be left out.

    Raises:
        LoadFailed: there is not even one for each.
    """
    each = len(pairs) // rounds
    if not each:
        raise LoadFailed(f"{len(pairs)} times of counting and not are too few for {rounds} rounds")
    return [pairs[at * each : (at + 1) * each] for at in range(rounds)]


def _add_round(runs: Runs, slices: Sequence[Slice]) -> None:
    """Add what was done in slices."""
    entries = sum(end.entries - begin.entries for begin, end in slices)
    if not entries:
        raise LoadFailed("nothing was sold in a round")
    seconds = sum(end.at - begin.at for begin, end in slices)
    cpu_seconds = sum(end.cpu_seconds - begin.cpu_seconds for begin, end in slices)
    runs.measured.append(Measured(answered=entries, seconds=seconds, asked=entries))
    runs.server_us.append(cpu_seconds / entries * 1e6)


@contextlib.contextmanager
def _scraped(http_address: str) -> Iterator[None]:
    """Read a server's metrics once a second, as Prometheus does, until the block ends.

    Half of the time the page is empty: so for each second with counting, one is written.
    """
    is_over = threading.Event()
    failed: list[OSError] = []

    def scrape() -> None:
        while not is_over.wait(1.0):
            try:
                with urllib.request.urlopen(f"http://{http_address}/metrics", timeout=10) as page:
                    page.read()
            except OSError as error:
                failed.append(error)

    thread = threading.Thread(target=scrape)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
    if failed:
        raise ServerFailed(f"its metrics could not be read: {failed[0]}")

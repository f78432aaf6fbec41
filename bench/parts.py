"""The parts of a run, each under a name of its own, in the order in which they are measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.contests import Note, Rounds
from bench.crowds import SWEPT, rushed, sweep_sides, swept
from bench.growth import grown, long_rush, many_sales, reopening_rows
from bench.holds import expired_together
from bench.length import Length
from bench.results import Results
from bench.rows import Measurement, table

GROWTH = ((10_000, 1), (100_000, 10), (1_000_000, 10))
"""How many purchases one sale grows to, and in how many stretches."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a part is measured with.

    Attributes:
        folder: on a real disk, removed at the end.
        length: how long it may take its time.
        note: is told what is being done.
        results: where the part puts what it has measured.
    """

    folder: Path
    length: Length
    note: Note
    results: Results


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        key: names it on the command line.
        title: for people.
        seconds: about how long it takes.
        run: measures it.
    """

    key: str
    title: str
    seconds: Callable[[Length], float]
    run: Callable[[Bench], None]


def all_parts(unary_load: str) -> list[Part]:
    """Every part; see `rows.table` for the argument."""
    return [
        *(_row_part(row) for row in table(unary_load)),
        Part("10", "10: one sale as it grows, and opening it again", _growth_seconds, _growth),
        Part("sales", "many sales", lambda length: 5 if length.is_quick else 60, _many_sales),
        Part("holds", "holds that expire together", _holds_seconds, _holds),
        Part("sweep", "from 1 to 5,000 callers", _sweep_seconds, _sweep),
        Part("rush", "everybody at once, unary", _rush_seconds, _rush),
        Part(
            "soak",
            "a long rush for what is sold out",
            lambda length: 12 if length.is_quick else 303,
            _soak,
        ),
    ]


def _row_part(row: Measurement) -> Part:
    def run(bench: Bench) -> None:
        bench.results.rows.append(row.measured(bench.folder, bench.length, bench.note))

    title = f"{row.key}: {row.name}"
    return Part(row.key, title, row.seconds, run)


def _growth_seconds(length: Length) -> float:
    return 8 if length.is_quick else 60


def _growth(bench: Bench) -> None:
    sizes = ((10_000, 1), (100_000, 4)) if bench.length.is_quick else GROWTH
    for purchases, stretches in sizes:
        bench.results.growth.append(grown(bench.folder, purchases, stretches, bench.note))
    bench.results.rows += reopening_rows(bench.results.growth)


def _many_sales(bench: Bench) -> None:
    sales, seconds = (50, 1.0) if bench.length.is_quick else (1000, 5.0)
    bench.results.many_sales = many_sales(bench.folder, sales, 1000, seconds, bench.note)


def _holds_seconds(length: Length) -> float:
    return 6 if length.is_quick else 26


def _holds(bench: Bench) -> None:
    hold_seconds = 1.5 if bench.length.is_quick else 6.0
    for in_their_sale in (True,) if bench.length.is_quick else (False, True):
        bench.note("in their sale" if in_their_sale else "in another sale")
        bench.results.holds.append(
            expired_together(bench.folder, in_their_sale=in_their_sale, hold_seconds=hold_seconds)
        )


def _sweep_seconds(length: Length) -> float:
    sides, rounds = len(sweep_sides(is_quick=length.is_quick)), 1 if length.is_quick else 3
    return 3 + len(SWEPT) * sides * rounds * (1.25 * _sweep_part(length) + 0.4)


def _sweep_part(length: Length) -> float:
    return length.seconds / 2


def _sweep(bench: Bench) -> None:
    bench.results.sweep = swept(
        bench.folder,
        sweep_sides(is_quick=bench.length.is_quick),
        rounds=Rounds(1) if bench.length.is_quick else Rounds(3, again=1),
        seconds=_sweep_part(bench.length),
        note=bench.note,
    )


def _rush_seconds(length: Length) -> float:
    return 9 if length.is_quick else 70


def _rush(bench: Bench) -> None:
    rounds, repeats = (Rounds(1), 1) if bench.length.is_quick else (Rounds(3), 3)
    bench.results.rushes = rushed(bench.folder, rounds=rounds, repeats=repeats, note=bench.note)


def _soak(bench: Bench) -> None:
    bench.results.long_rush = long_rush(
        bench.folder, 10 if bench.length.is_quick else 300, bench.note
    )

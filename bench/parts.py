"""The parts of a run, each under a name of its own, in the order in which they are measured."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.contests import Note
from bench.results import Results
from bench.rows import Length, Measurement, table


@dataclass(frozen=True, slots=True)
class Bench:
    """What a part is measured with.

    Attributes:
        folder: on a real disk, removed at the end.
        length: how long it may take its time.
        is_quick: whether this is the short run.
        note: is told what is being done.
        results: where the part puts what it has measured.
    """

    folder: Path
    length: Length
    is_quick: bool
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
    seconds: Callable[[Length, bool], float]
    run: Callable[[Bench], None]


def all_parts(unary_load: str) -> list[Part]:
    """Every part; see `rows.table` for the argument."""
    return [_row_part(row) for row in table(unary_load)]


def _row_part(row: Measurement) -> Part:
    def run(bench: Bench) -> None:
        bench.results.rows.append(row.measured(bench.folder, bench.length, bench.note))

    title = f"{row.key}: {row.what}"
    return Part(row.key, title, lambda length, _: row.seconds(length), run)

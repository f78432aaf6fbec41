"""Small pictures of numbers, made of characters: sparklines, bars, histograms.

Each takes the room that it is given, in cells, and no more.
"""

import bisect
import math
from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

LEVELS: Final = "▁▂▃▄▅▆▇█"

_STEPS: Final = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,))
"""The bounds of a histogram in each power of ten, the finest first."""
_ROWS_MAX: Final = 9

Share = tuple[int, str, str]
"""A part of a bar: its size, the character it is drawn with, and its style."""


def sparkline(values: Sequence[float | None], width: int, style: str) -> Text:
    """Values side by side, each cell as high as the highest of those that it stands for.

    Args:
        values: from left to right; None where nothing is known.
        width: cells. Where there are fewer than values, each stands for as many as it takes;
            where there is none, nothing is drawn.
        style: of what is above 0.
    """
    if width < 1:
        return Text()
    each = max(1, math.ceil(len(values) / width))
    groups = [values[start : start + each] for start in range(0, len(values), each)]
    tops = [max((value for value in group if value is not None), default=None) for group in groups]
    most = max((top for top in tops if top is not None), default=0.0)
    line = Text(no_wrap=True)
    for top in tops:
        if top is None:
            line.append(" ")
        elif top <= 0:
            line.append(LEVELS[0], "bright_black")
        else:
            line.append(LEVELS[math.ceil(top / most * (len(LEVELS) - 1))], style)
    return line


def parted_bar(shares: Sequence[Share], width: int) -> Text:
    """A bar in parts; a part that is there at all has a cell, and all fill the width exactly."""
    total = sum(size for size, _, _ in shares)
    cells = _cells([size for size, _, _ in shares], width)
    line = Text(no_wrap=True)
    for (_, character, style), count in zip(shares, cells, strict=True):
        line.append(character * count, style)
    if not total:
        line.append("░" * width, "bright_black")
    return line


def bar(value: float, most: float, width: int, style: str) -> Text:
    """A thin bar from the left, exact to half a cell; `most` fills the width."""
    halves = 0 if most <= 0 else math.ceil(min(value / most, 1.0) * width * 2)
    full, rest = divmod(halves, 2)
    return Text("━" * full + "╸" * rest, style, no_wrap=True)


def latency_rows(seconds: Sequence[float]) -> Iterator[tuple[str, int]]:
    """How many took how long: an upper bound in words, and those between it and the one before.

    Rows begin and end with those that anybody is in, and are as fine as few rows can be.
    """
    fine, *coarser = (_counted(seconds, steps) for steps in _STEPS)
    return iter(next((rows for rows in (fine, *coarser) if len(rows) <= _ROWS_MAX), coarser[-1]))


def _counted(seconds: Sequence[float], steps: Sequence[float]) -> list[tuple[str, int]]:
    bounds = [step * 10.0**power for power in range(-2, 6) for step in steps]
    counts = [0] * (len(bounds) + 1)
    for taken in seconds:
        counts[bisect.bisect_left(bounds, taken * 1000)] += 1
    used = [at for at, count in enumerate(counts) if count]
    names = [*(f"to {in_ms(bound)}" for bound in bounds), "longer"]
    return [(names[at], counts[at]) for at in range(used[0], used[-1] + 1)] if used else []


def in_ms(ms: float) -> str:
    """A time that was taken, in the unit that reads best: 0.12 ms, 14.1 ms, 1.2 s."""
    if ms >= 1000:
        return f"{ms / 1000:,.3g} s" if ms < 1_000_000 else f"{ms / 1000:,.0f} s"
    return f"{ms:.0f} ms" if ms >= 100 else f"{ms:.3g} ms"


def _cells(sizes: Sequence[int], width: int) -> list[int]:
    """Cells for each size; the greatest gives to those that would have none."""
    total = sum(sizes)
    if not total:
        return [0] * len(sizes)
    cells = [max(1, round(size / total * width)) if size else 0 for size in sizes]
    cells[cells.index(max(cells))] += width - sum(cells)
    return cells

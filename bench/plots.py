"""The plots: results as pictures, for people. What a run has not measured is not drawn."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from bench.contests import Runs
from bench.results import Growth, LongRush, Results

COLORS: Final = ("#1f6feb", "#8b949e", "#d1242f", "#bf8700")
"""Ours first; the no-op is grey."""
WIDTH: Final = 9.0
_FIGURES: "dict[str, Callable[[Results], Figure | None]]" = {}


def drawn(results: Results, folder: Path, name: str) -> list[Path]:
    """Draw what was measured into `folder`, files whose names begin with `name`."""
    paths = []
    with mpl.rc_context(
        {
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#e6e8eb",
            "axes.axisbelow": True,
            "axes.titlesize": 10,
            "legend.frameon": False,
            "svg.fonttype": "none",
            "svg.hashsalt": "bench",
        }
    ):
        for about, draw in _FIGURES.items():
            figure = draw(results)
            if figure is None:
                continue
            path = folder / f"{name}-{about}.svg"
            figure.savefig(path, metadata={"Date": None}, facecolor="white")
            plt.close(figure)
            paths.append(path)
    return paths


def _named(about: str) -> "Callable[[Callable[[Results], Figure | None]], None]":
    def note(draw: "Callable[[Results], Figure | None]") -> None:
        _FIGURES[about] = draw

    return note


@_named("callers")
def _against_callers(results: Results) -> Figure | None:
    if not results.sweep:
        return None
    figure, (speed, wait) = plt.subplots(1, 2, figsize=(WIDTH, 3.6), layout="constrained")
    callers = [crowd.callers for crowd in results.sweep]
    for at, side in enumerate(results.sweep[0].runs):
        runs = [crowd.runs[at] for crowd in results.sweep]
        middle = [statistics.median(item.per_second) for item in runs]
        speed.plot(callers, middle, marker="o", color=COLORS[at], label=side.name)
        for percentile, line in (("p50", "-"), ("p99", "--")):
            waits = [item.median_ms(percentile) for item in runs]
            wait.plot(callers, waits, line, marker="o", markersize=4, color=COLORS[at])
    for axes in (speed, wait):
        axes.set(xscale="log", yscale="log", xlabel="concurrent callers")
        _plain(axes, "x")
        _plain(axes, "y")
        axes.set_xticks(callers)
    speed.set_title("answers a second")
    wait.set_title("ms to an answer: p50 (solid), p99 (dashed)")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@_named("latencies")
def _latency_distributions(results: Results) -> Figure | None:
    panels = [
        (f"{row.key}: {row.name}", row.runs)
        for row in results.rows
        if row.reach and row.runs and all(_quantiles(runs) for runs in row.runs)
    ]
    return _distributions(panels)


@_named("rush")
def _rush_distributions(results: Results) -> Figure | None:
    return _distributions(
        [(f"{crowd.callers:,} unary calls at once", crowd.runs) for crowd in results.rushes]
    )


def _distributions(panels: Sequence[tuple[str, Sequence[Runs]]]) -> Figure | None:
    if not panels:
        return None
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure, grid = plt.subplots(
        lines, columns, figsize=(WIDTH, 2.7 * lines), layout="constrained", squeeze=False
    )
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for axes, (title, sides) in zip(grid.flat, panels, strict=False):
        for at, runs in enumerate(sides):
            quantiles = _quantiles(runs)
            percents = [100 * step / (len(quantiles) - 1) for step in range(len(quantiles))]
            axes.plot(quantiles, percents, color=COLORS[at], label=f"{runs.name}, {runs.load}")
        axes.set(xscale="log", xlabel="ms to an answer", ylabel="% of answers", title=title)
        _plain(axes, "x")
        axes.legend(fontsize=7, frameon=True, framealpha=0.8, edgecolor="white")
    return figure


@_named("growth")
def _growth(results: Results) -> Figure | None:
    if not results.growth:
        return None
    figure, grid = plt.subplots(2, 2, figsize=(WIDTH, 5.6), layout="constrained")
    speed, memory, disk, reopen = grid.flat
    largest = results.growth[-1]
    _stretches(largest, speed, memory, disk)
    sizes = [growth.purchases for growth in results.growth]
    seconds = [growth.reopen_seconds for growth in results.growth]
    megabytes = [growth.reopened_memory_bytes / 1e6 for growth in results.growth]
    reopen.plot(sizes, seconds, marker="o", color=COLORS[0])
    for size, second, megabyte in zip(sizes, seconds, megabytes, strict=True):
        reopen.annotate(
            f"{megabyte:,.0f} MB", (size, second), textcoords="offset points", xytext=(4, 6)
        )
    reopen.set(xscale="log", title="seconds to open again, and memory then", xlabel="purchases")
    reopen.set_ylim(0, max(seconds) * 1.25)
    reopen.margins(x=0.2)
    _plain(reopen, "x")
    reopen.set_xticks(sizes)
    return figure


def _stretches(growth: Growth, speed: Axes, memory: Axes, disk: Axes) -> None:
    sold = [stretch.purchases for stretch in growth.stretches]
    first = growth.stretches[0].per_second
    relative = [stretch.per_second / first for stretch in growth.stretches]
    speed.plot(sold, relative, marker="o", color=COLORS[0])
    speed.set(title="speed of each stretch, through that of the first")
    megabytes = [growth.empty_memory_bytes, *(item.memory_bytes for item in growth.stretches)]
    memory.plot([0, *sold], [size / 1e6 for size in megabytes], marker="o", color=COLORS[0])
    memory.set(title="MB in memory")
    disk.plot(sold, [item.disk_bytes / 1e6 for item in growth.stretches], "o-", color=COLORS[0])
    disk.set(title="MB on disk")
    for axes in (speed, memory, disk):
        axes.set_ylim(bottom=0)
        axes.set_xlabel("purchases in one sale")
        axes.set_xlim(left=0)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        _plain(axes, "x")


@_named("sold-out")
def _sold_out(results: Results) -> Figure | None:
    rush = results.long_rush
    if rush is None:
        return None
    figure, (speed, memory) = plt.subplots(1, 2, figsize=(WIDTH, 3.0), layout="constrained")
    per_second = _each_second(rush)
    speed.plot(range(1, len(per_second) + 1), per_second, color=COLORS[0])
    speed.set(title="refusals in each second of a sold-out rush", xlabel="s")
    megabytes = [size / 1e6 for size in rush.memory_bytes]
    memory.plot(range(len(megabytes)), megabytes, color=COLORS[0])
    memory.set(title="MB in the server's memory meanwhile", xlabel="s")
    for axes in (speed, memory):
        axes.set_ylim(bottom=0)
        _plain(axes, "y")
    return figure


def _each_second(rush: LongRush) -> list[int]:
    """Answers in each whole second; what was answered after the end is left out."""
    tenths = rush.runs.measured[0].timeline
    return [sum(tenths[second * 10 : second * 10 + 10]) for second in range(int(rush.seconds))]


def _quantiles(runs: Runs) -> list[float]:
    """The quantiles, each the median of the rounds."""
    rounds = [item.quantiles_ms for item in runs.measured if item.quantiles_ms]
    return [statistics.median(values) for values in zip(*rounds, strict=True)]


def _plain(axes: Axes, which: str) -> None:
    """Numbers as people write them; on a logarithmic axis at 1, 2 and 5 of each ten."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    if axis.get_scale() == "log":
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: _written(value)))


def _written(value: float) -> str:
    return f"{value / 1e6:g}M" if value >= 1e6 else f"{value:,.6g}"

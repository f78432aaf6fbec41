"""The report: results as Markdown, for people. It says nothing that is not in the results."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.contests import OTHERS_CPUS_MAX, Runs
from bench.machine import Machine
from bench.results import Crowd, Growth, HoldsTogether, LongRush, ManySales, Results, Row

MEGABYTE = 1e6
UNARY_ROW = "5"
HOW_ASKED = {
    "ghz": "ghz",
    "unary": "a Python generator (grpc.aio), because ghz is not installed",
}


def markdown(results: Results, plots: Sequence[Path]) -> str:
    """The whole report; `plots` lie beside it."""
    sections = [
        _heading(results),
        _rows(results.rows),
        _latencies(results.rows),
        _crowds("Against the number of callers", results.sweep),
        _crowds("Everybody at the same moment, one unary call each", results.rushes),
        _growth(results.growth),
        _many_sales(results.many_sales),
        _holds(results.holds),
        _long_rush(results.long_rush),
        "\n\n".join(f"![{plot.stem}]({plot.name})" for plot in plots),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def summary(results: Results) -> str:
    """The table in short, for a terminal."""
    lines = []
    for row in results.rows:
        reach = f"  [{_reach(row)}: {_verdict(row).strip('*')}]" if row.reach else ""
        lines.append(f"{row.key:>10}  {_result(row).replace('*', '')}{reach}\n{'':12}{row.what}")
        if row.against:
            lines.append(f"{'':12}against {row.against}")
    return "\n".join(lines)


def _heading(results: Results) -> str:
    quick = (
        "A quick run: its rounds are few and short, so its figures are rough.\n\n"
        if results.is_quick
        else ""
    )
    loads = {runs.load for row in results.rows if row.key == UNARY_ROW for runs in row.runs}
    unary = "".join(
        f" Row {UNARY_ROW} is asked by {words}."
        for load, words in HOW_ASKED.items()
        if load in loads
    )
    thrown_away = sum(row.runs[0].thrown_away for row in results.rows if row.runs)
    anew = (
        f" {thrown_away} rounds of the table were measured anew, because others kept more than "
        f"{OTHERS_CPUS_MAX} processors busy."
        if thrown_away
        else ""
    )
    return (
        f"# Measured on {results.begun_at[:10]}\n\n{quick}{_machine(results.machine)}\n\n"
        f"Begun at {results.begun_at}, commit {results.commit}. {results.rounds} rounds of "
        f"{results.seconds:g} s a side, both sides in turn, unless a row says otherwise."
        f"{anew}{unary} "
        "Every answer of every run was checked."
    )


def _machine(machine: Machine) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"{machine.cpus} x {machine.cpu}, {machine.memory_bytes / 1e9:.0f} GB, {machine.kernel}; "
        f"{versions}; ledgers on {machine.file_system}, 4 KiB and fdatasync "
        f"{machine.fsync_ms_p50:.2f} ms (p50); load average {machine.load_average:.2f} before."
    )


def _rows(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    lines = [
        _line(
            row.key,
            row.what,
            row.against or "a limit",
            _result(row),
            _amount(_middle_or_worst(row), row.unit),
            _amount(statistics.median(row.theirs), row.unit) if row.theirs else "",
            _reach(row),
            _verdict(row),
            _others(row.runs),
        )
        for row in rows
    ]
    words = (
        "A ratio is ours through theirs: the median of the rounds, and in brackets the least and "
        "the greatest of them. Absolute values are medians of the rounds; where a limit is "
        "absolute, the worst value is held against it. Others' CPUs: how many processors anything "
        "but the load and its server kept busy meanwhile; where that is much, measure again."
    )
    head = (
        "",
        "what",
        "against",
        "result",
        "ours",
        "theirs",
        "to reach",
        "reached",
        "others' CPUs",
    )
    return "\n".join(["## The table", "", words, "", *_table(head, lines)])


def _result(row: Row) -> str:
    if row.theirs:
        return f"**{row.judged:.2f}** ({min(row.ratios):.2f} to {max(row.ratios):.2f})"
    if len(row.ours) == 1:
        return f"**{_amount(row.judged, row.unit)}**"
    middle = statistics.median(row.ours)
    return f"**{_amount(row.judged, row.unit)}** (median {_amount(middle, row.unit)})"


def _middle_or_worst(row: Row) -> float:
    return statistics.median(row.ours) if row.theirs else row.judged


def _reach(row: Row) -> str:
    sign = "at least " if row.at_least else "at most "
    unit = "" if row.theirs else f" {row.unit}"
    return sign + ", then ".join(f"{step:g}{unit}" for step in row.reach) if row.reach else ""


def _verdict(row: Row) -> str:
    match row.reached():
        case []:
            return ""
        case [True, False]:
            return "the first"
        case reached if all(reached):
            return "yes"
        case _:
            return "**no**"


def _others(sides: Sequence[Runs]) -> str:
    shares = [share for runs in sides for share in runs.others_cpus]
    return f"{statistics.median(shares):.2f}" if shares else ""


def _latencies(rows: Sequence[Row]) -> str:
    lines = [_line(row.key, *_side(runs)) for row in rows for runs in row.runs]
    head = ("row", *_SIDE_HEAD)
    words = "Of each side of each row, medians of the rounds; the slowest is that of all rounds."
    return "\n".join(["## Both sides", "", words, "", *_table(head, lines)]) if lines else ""


def _crowds(title: str, crowds: Sequence[Crowd]) -> str:
    lines = [_line(f"{crowd.callers:,}", *_side(runs)) for crowd in crowds for runs in crowd.runs]
    return "\n".join([f"## {title}", "", *_table(("callers", *_SIDE_HEAD), lines)]) if lines else ""


_SIDE_HEAD = (
    "side",
    "asked by",
    "answers/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "slowest ms",
    "server CPU an answer, us",
    "load CPU an answer, us",
    "others' CPUs",
)


def _side(runs: Runs) -> tuple[str, ...]:
    server_us = statistics.median(runs.server_us)
    load_us = statistics.median(item.cpu_seconds / item.answered * 1e6 for item in runs.measured)
    return (
        runs.name,
        runs.load,
        f"{statistics.median(runs.per_second):,.0f}",
        *_waited(runs),
        f"{server_us:,.1f}" if server_us else "",
        f"{load_us:,.1f}" if load_us else "",
        _others([runs]),
    )


def _waited(runs: Runs) -> tuple[str, ...]:
    if not all(item.latency_ms for item in runs.measured):
        return ("", "", "", "")
    medians = (f"{runs.median_ms(name):,.2f}" for name in ("p50", "p95", "p99"))
    return *medians, f"{max(runs.latencies_ms('max')):,.1f}"


def _growth(growths: Sequence[Growth]) -> str:
    if not growths:
        return ""
    lines = []
    for growth in growths:
        last = growth.stretches[-1]
        grown = last.memory_bytes - growth.empty_memory_bytes
        relative = [
            stretch.per_second / growth.stretches[0].per_second for stretch in growth.stretches
        ]
        lines.append(
            _line(
                f"{growth.purchases:,}",
                f"{growth.stretches[0].per_second:,.0f}",
                f"{relative[-1]:.2f} ({min(relative):.2f} to {max(relative):.2f})"
                if len(relative) > 1
                else "",
                f"{grown / growth.purchases:,.0f}",
                f"{growth.closed_disk_bytes / growth.purchases:,.0f}",
                f"{growth.reopen_seconds:.2f}",
                f"{growth.reopened_memory_bytes / MEGABYTE:,.0f}",
                f"{growth.empty_start_seconds:.2f}",
            )
        )
    head = (
        "purchases in one sale",
        "first stretch, purchases/s",
        "last stretch through first (least to greatest)",
        "bytes in memory each",
        "bytes on disk each",
        "reopened in s",
        "then MB",
        "started on an empty ledger in s",
    )
    return "\n".join(["## As a sale grows", "", *_table(head, lines)])


def _many_sales(many: ManySales | None) -> str:
    if many is None:
        return ""
    per_second = statistics.median(many.runs.per_second)
    return (
        f"## Many sales\n\n{many.sales:,} sales of {many.purchases_each:,} purchases each, "
        f"{many.disk_bytes / MEGABYTE:,.0f} MB on disk: opened in {many.open_seconds:.2f} s, "
        f"then {many.memory_bytes / MEGABYTE:,.0f} MB in memory; then {per_second:,.0f} "
        "purchases/s through the SDK, over all sales in turn."
    )


def _holds(measured: Sequence[HoldsTogether]) -> str:
    if not measured:
        return ""
    lines = []
    for item in measured:
        for when, waiting in (("before", item.before), ("while they expire", item.during)):
            lines.append(
                _line(
                    "in their sale" if item.in_their_sale else "in another sale",
                    when,
                    f"{waiting.per_second:,.0f}",
                    *(f"{waiting.latency_ms[name]:,.2f}" for name in ("p50", "p99", "max")),
                    f"{item.spread_seconds:.2f}",
                    f"{item.late_seconds:.2f}",
                )
            )
    head = (
        "bought",
        "when",
        "answers/s",
        "p50 ms",
        "p99 ms",
        "slowest ms",
        "they expire within s",
        "the latest ends late by s",
    )
    words = (
        f"{measured[0].holds:,} holds expire together, while {measured[0].buyers} callers of the "
        "SDK buy, each again as soon as it is answered."
    )
    return "\n".join(["## Holds that expire together", "", words, "", *_table(head, lines)])


def _long_rush(rush: LongRush | None) -> str:
    if rush is None:
        return ""
    measured = rush.runs.measured[0]
    settled = settled_memory(rush)
    flatness = (
        f" From minute 1 on it was between {min(settled) / MEGABYTE:,.1f} and "
        f"{max(settled) / MEGABYTE:,.1f} MB, at the end {settled[-1] / MEGABYTE:,.1f} MB."
        if len(settled) > 1
        else " It was too short to say whether that levels off: users of the last minute are "
        "remembered."
    )
    return (
        f"## A long rush for a sale that is sold out\n\n{rush.seconds:,.0f} s, "
        f"{measured.per_second:,.0f} refusals/s. The server's memory grew from "
        f"{rush.memory_bytes[0] / MEGABYTE:,.1f} to {max(rush.memory_bytes) / MEGABYTE:,.1f} MB "
        f"at most.{flatness}"
    )


def settled_memory(rush: LongRush) -> list[int]:
    """The memory from minute 1 on; before that the users of the last minute are still gathering."""
    return rush.memory_bytes[60:]


def _amount(value: float, unit: str) -> str:
    digits = 0 if value >= 1000 else 1 if value >= 100 else 2
    return f"{value:,.{digits}f}{'' if unit.startswith('/') else ' '}{unit}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _table(head: Iterable[str], lines: Sequence[str]) -> list[str]:
    names = list(head)
    return [_line(*names), _line(*["---"] * len(names)), *lines]

"""The live view of a sale: one picture of all that is known, drawn anew whenever something changes.

`picture` is pure: what is known, the time and the room go in, lines come out, each as wide as the
room and none wider. It fits 80 columns and 24 lines. Where there is less room, the least important
is left out, and nothing wraps.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flashsale import CircuitState, MetricsSample, Outcome, SaleState, SaleStatus, SystemHealth
from rich.console import Group
from rich.text import Text

from flashsale_server.cli.bars import bar, in_ms, parted_bar, sparkline
from flashsale_server.cli.crowd import CrowdSeen
from flashsale_server.cli.following import Link, Seen
from flashsale_server.cli.views import in_utc, in_words, remaining

WIDTH_MAX: Final = 100
WIDTH_MIN: Final = 24
OUTCOME_ROWS: Final = 5
_BOUGHT: Final = (Outcome.PURCHASED, Outcome.HELD)
_STATE_STYLES: Final = {
    SaleState.UPCOMING: "bold cyan",
    SaleState.LIVE: "bold green",
    SaleState.PAUSED: "bold yellow",
    SaleState.SOLD_OUT: "bold magenta",
}
_HEALTH_STYLES: Final = {SystemHealth.HEALTHY: "green", SystemHealth.DEGRADED: "yellow"}
_LABEL: Final = 11
_FIGURE: Final = 8


@dataclass(frozen=True, slots=True)
class _Room:
    """A part of the picture: its heading, what the heading says on the right, and its lines."""

    left: Text
    right: Text
    lines: Sequence[Text]


def picture(
    seen: Seen,
    *,
    now: float,
    width: int,
    height: int,
    crowd: CrowdSeen | None = None,
    is_last: bool = False,
) -> Group:
    """All that is known of a sale.

    Args:
        seen: what is known.
        now: the monotonic clock.
        width: columns that there are.
        height: lines that there are.
        crowd: the crowd that buys meanwhile.
        is_last: whether it is left behind, and says when it was drawn.
    """
    width = max(min(width, WIDTH_MAX), WIDTH_MIN)
    is_lost = seen.link.heard_at is not None and not seen.link.is_up(now)
    link = _link(seen.link, now)
    note = Text(in_utc(seen.server_time()) if is_last else "Ctrl-C to leave", "dim")
    if link.cell_len + note.cell_len > width - 11:
        note = Text()
    rooms = _rooms(seen, crowd, width - 4, height)
    return Group(*_framed(rooms, (link, note), width, is_dim=is_lost))


def _rooms(seen: Seen, crowd: CrowdSeen | None, inner: int, height: int) -> list[_Room]:
    """What there is room for, the most important first."""
    rooms = [_sale(seen, inner)]
    if seen.status is None:
        return rooms
    if crowd is not None:
        rooms.append(_crowd(crowd, inner))
    server = _server(seen, inner)
    left = height - 1 - sum(len(room.lines) + 1 for room in (*rooms, server))
    for figures in (_rates(seen, inner), _times(seen, inner)):
        if len(figures.lines) < left:
            rooms.append(figures)
            left -= len(figures.lines) + 1
    outcomes = _outcomes(seen, inner, rows=min(OUTCOME_ROWS, left - 1))
    if outcomes.lines:
        rooms.append(outcomes)
    return [*rooms, server]


def _sale(seen: Seen, inner: int) -> _Room:
    status = seen.status
    if status is None:
        return _Room(Text(seen.sale_id, "bold"), Text(), [Text("waiting for the server", "dim")])
    figure = Text(f"{status.available_stock:,}", "bold green" if status.available_stock else "bold")
    figure.append(f" of {status.total_stock:,} left", "default")
    shares = (
        (status.available_stock, "█", "green"),
        (status.held_stock, "▒", "yellow"),
        (status.sold_stock, "░", "blue"),
    )
    names = ("available", "held", "sold")
    legend = Text("   ").join(
        Text.assemble((character * 2, style), f" {size:,} ", (name, "dim"))
        for (size, character, style), name in zip(shares, names, strict=True)
    )
    state = Text(in_words(status.state.value), _STATE_STYLES.get(status.state, "bold"))
    title = "".join(item if item.isprintable() else " " for item in status.title)
    lines = [_spread(figure, _clock(status, seen.server_time()), inner)]
    lines += [parted_bar(shares, inner), legend]
    return _Room(Text(title or status.sale_id, "bold"), state, lines)


def _clock(status: SaleStatus, now: datetime) -> Text:
    """How long it is until the sale opens, or ends."""
    if status.state is SaleState.ENDED:
        return Text("ended", "dim")
    if status.state is SaleState.UPCOMING and status.start_time is not None:
        return Text.assemble(("starts in ", "dim"), (remaining(status.start_time - now), "bold"))
    if status.end_time is None:
        return Text("no end is set", "dim")
    return Text.assemble(("ends in ", "dim"), (remaining(status.end_time - now), "bold"))


def _crowd(crowd: CrowdSeen, inner: int) -> _Room:
    right = Text(f"{crowd.bought:,} bought", "bold")
    told = Text(f" {crowd.answered:,} of {crowd.people:,} answered")
    if crowd.seconds > 0:
        told.append(f" in {crowd.seconds:.1f} s", "dim")
    room = max(inner - told.cell_len, 8)
    line = bar(crowd.answered, crowd.people, room, "cyan")
    line.append(" " * (room - line.cell_len))
    return _Room(Text("crowd"), right, [line.append_text(told)])


def _rates(seen: Seen, inner: int) -> _Room:
    left, right = Text("a second, all sales"), Text("the last minute", "dim")
    if not seen.samples:
        return _Room(left, right, [Text(seen.no_samples or "waiting for the first second", "dim")])

    rows = (
        ("attempts", _attempts, "cyan"),
        ("purchases", _purchases, "green"),
        ("refusals", _refusals, "yellow"),
        ("errors", _errors, "red"),
    )
    lines = []
    for name, count, style in rows:
        rates = seen.by_second(functools.partial(_a_second, count))
        lines.append(_minute(name, Text(f"{rates[-1] or 0:,.0f}", "bold"), rates, inner, style))
    return _Room(left, right, lines)


def _attempts(sample: MetricsSample) -> int:
    return sample.attempts


def _purchases(sample: MetricsSample) -> int:
    return sum(sample.outcomes.get(outcome, 0) for outcome in _BOUGHT)


def _refusals(sample: MetricsSample) -> int:
    return sum(sample.outcomes.values()) - _purchases(sample)


def _errors(sample: MetricsSample) -> int:
    return sum(sample.errors.values())


def _a_second(count: Callable[[MetricsSample], int], sample: MetricsSample) -> float:
    return count(sample) / (sample.duration.total_seconds() or 1.0)


def _minute(
    name: str, figure: Text, values: Sequence[float | None], inner: int, style: str
) -> Text:
    """A figure's line: what it is, how much now, the last minute, and the most in it."""
    figure.align("right", _FIGURE)
    line = Text.assemble((f"{name:<{_LABEL}}", "dim"), figure, "  ")
    most = Text.assemble(("most ", "dim"), f"{max(item or 0 for item in values):,.0f}")
    cells = _cells_within(inner - line.cell_len - most.cell_len - 2)
    line.append_text(sparkline(values, cells, style))
    return _spread(line, most, inner)


def _times(seen: Seen, inner: int) -> _Room:
    left, right = Text("times and queue, all sales"), Text("p99 and queue, the last minute", "dim")
    totals, health = seen.totals, seen.health
    answers, appends = (0.0, 0.0), (0.0, 0.0)
    if seen.samples:
        for sample in seen.samples:
            answers = (sample.latency_ms_p50, sample.latency_ms_p99) if sample.attempts else answers
            appends = (sample.append_ms_p50, sample.append_ms_p99) if sample.appends else appends
    elif totals is not None:
        right = Text("since the server started", "dim")
        answers = (totals.latency_ms_p50, totals.latency_ms_p99)
        appends = (totals.append_ms_p50, totals.append_ms_p99)
    queue = Text.assemble(
        (f"{'queue':<{_LABEL}}", "dim"),
        ("now  ", "dim"),
        (f"{health.queue_length if health else 0:<10,}", "bold"),
        ("peak ", "dim"),
        (f"{totals.queue_length_peak if totals else 0:<9,}", "bold"),
    )
    rows = (
        (_percentiles("an answer", answers), lambda sample: sample.latency_ms_p99),
        (_percentiles("an append", appends), lambda sample: sample.append_ms_p99),
        (queue, lambda sample: sample.queue_length_peak),
    )
    return _Room(left, right, [_with_minute(seen, line, of, inner) for line, of in rows])


def _with_minute(
    seen: Seen, line: Text, figure: Callable[[MetricsSample], float], inner: int
) -> Text:
    """A line, and at its end a figure's last minute."""
    if not seen.samples:
        return line
    cells = _cells_within(inner - line.cell_len - 2)
    return _spread(line, sparkline(seen.by_second(figure), cells, "cyan"), inner)


def _cells_within(room: int) -> int:
    """The most cells that a minute divides into evenly and that there is room for."""
    return next((cells for cells in (60, 30, 20, 15, 10) if cells <= room), 0)


def _percentiles(name: str, taken: tuple[float, float]) -> Text:
    line = Text.assemble((f"{name:<{_LABEL}}", "dim"))
    if not any(taken):
        return line.append("none lately", "dim")
    for percent, ms in zip(("p50  ", "p99  "), taken, strict=True):
        line.append(percent, "dim").append(f"{in_ms(ms):<10}", "bold")
    return line


def _outcomes(seen: Seen, inner: int, *, rows: int) -> _Room:
    left, right = Text("outcomes, all sales"), Text("since the server started", "dim")
    if seen.totals is None:
        return _Room(left, right, [])
    styles = dict.fromkeys(_BOUGHT, "green")
    counts = [
        (in_words(key), n, styles.get(key, "yellow")) for key, n in seen.totals.outcomes.items()
    ]
    counts += [(in_words(key), n, "red") for key, n in seen.totals.errors.items()]
    if seen.totals.replays:
        counts.append(("replays", seen.totals.replays, "cyan"))
    counts = sorted((item for item in counts if item[1]), key=lambda item: -item[1])
    if len(counts) > rows > 0:
        rest = sum(count for _, count, _ in counts[rows - 1 :])
        counts = [*counts[: rows - 1], ("others", rest, "bright_black")]
    most = max((count for _, count, _ in counts), default=0)
    lines = []
    for name, count, style in counts[: max(rows, 0)]:
        line = Text.assemble((f"{name:<20}", "dim"), (f"{count:>12,}  ", "bold"))
        lines.append(line.append_text(bar(count, most, max(inner - line.cell_len, 0), style)))
    return _Room(left, right, lines or ([Text("none yet", "dim")] if rows > 0 else []))


def _server(seen: Seen, inner: int) -> _Room:
    health = seen.health
    if health is None:
        return _Room(Text("server"), Text(), [Text("not heard yet", "dim")])
    style = _HEALTH_STYLES.get(health.health, "bold red")
    line = Text.assemble(("● ", style), (in_words(health.health.value), style))
    circuit = "dim" if health.circuit_state is CircuitState.CLOSED else "bold red"
    line.append(f"   circuit {in_words(health.circuit_state.value)}", circuit)
    up = Text(f"up {remaining(health.uptime)}", "dim")
    lines = [_spread(line, up, inner)]
    lines += [Text(f"  {reason}", style) for reason in health.reasons[:2]]
    return _Room(Text("server"), Text(health.node, "dim"), lines)


def _link(link: Link, now: float) -> Text:
    """Whether the server is heard, and if not, why and for how long."""
    if link.is_up(now):
        return Text.assemble(("connected to ", "dim"), link.address)
    silence = link.silence_seconds(now)
    told = "connecting" if link.heard_at is None else "reconnecting"
    why = link.trouble or ("no answer" if silence else "")
    line = Text(f"{told} to {link.address} ...", "bold yellow")
    if why:
        line.append(f" {why}", "yellow")
    if silence >= 1:
        line.append(f", {silence:.0f} s", "yellow")
    return line


def _framed(
    rooms: Sequence[_Room], foot: tuple[Text, Text], width: int, *, is_dim: bool
) -> list[Text]:
    lines = []
    for number, room in enumerate(rooms):
        ends = "├┤" if number else "╭╮"
        lines.append(_rule(room.left, room.right, ends, width))
        for line in room.lines:
            line.truncate(width - 4, overflow="ellipsis", pad=True)
            if is_dim:
                line.stylize("dim")
            lines.append(Text.assemble(("│ ", "bright_black"), line, (" │", "bright_black")))
    lines.append(_rule(*foot, "╰╯", width))
    for line in lines:
        line.no_wrap = True
    return lines


def _rule(left: Text, right: Text, ends: str, width: int) -> Text:
    """A line of the frame with words in it; those on the left go before those on the right."""
    room = width - 8 - (right.cell_len + 3 if right else 0)
    if room < min(left.cell_len, 12):
        right, room = Text(), width - 8
    left.truncate(room, overflow="ellipsis")
    begin = Text.assemble((f"{ends[0]}─ ", "bright_black"), left, " ")
    end = Text.assemble(" " if right else "", right, (f" ─{ends[1]}", "bright_black"))
    if not right:
        end = Text(f"─{ends[1]}", "bright_black")
    begin.append("─" * (width - begin.cell_len - end.cell_len), "bright_black")
    return begin.append_text(end)


def _spread(left: Text, right: Text, width: int) -> Text:
    """Words at both ends of a line; the right ones only where there is room."""
    gap = width - left.cell_len - right.cell_len
    if gap < 2:
        return left
    return Text.assemble(left, " " * gap, right)

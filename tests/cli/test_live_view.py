"""The live view as a picture: it is as wide as its room, and tells what matters first."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from flashsale import (
    CircuitState,
    Health,
    Metrics,
    MetricsSample,
    Outcome,
    SaleState,
    SaleStatus,
    SystemHealth,
)
from flashsale_server.cli.bars import bar, latency_rows, parted_bar, sparkline
from flashsale_server.cli.crowd import CrowdSeen
from flashsale_server.cli.following import Link, Seen
from flashsale_server.cli.live_view import picture
from flashsale_server.cli.views import remaining
from rich.text import Text

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)

STATUS = SaleStatus(
    sale_id="default",
    title="Good shoes",
    state=SaleState.LIVE,
    total_stock=2_000_000_000,
    available_stock=1_000_000_000,
    held_stock=1,
    sold_stock=999_999_999,
    sold_out=False,
    start_time=NOON,
    end_time=NOON + timedelta(days=400),
    per_user_limit=1,
    hold_duration=timedelta(minutes=10),
    queue_length=0,
    system_health=SystemHealth.UNHEALTHY,
    position=1,
    server_time=NOON,
)
SAMPLE = MetricsSample(
    end_time=NOON,
    duration=timedelta(seconds=1),
    attempts=123_456,
    outcomes={Outcome.PURCHASED: 100_000, Outcome.SOLD_OUT: 20_000},
    errors={"QUEUE_FULL": 3_456},
    replays=0,
    queue_length_peak=10_000,
    latency_ms_p50=1234.5,
    latency_ms_p99=60_000.0,
    appends=7,
    appends_failed=1,
    append_ms_p50=0.0123,
    append_ms_p99=999.0,
    circuit_state=CircuitState.OPEN,
)
HEALTH = Health(
    health=SystemHealth.UNHEALTHY,
    reasons=("the circuit is open for 12.3 s more", "the last 5 commits failed " * 8),
    node="a-very-long-name-of-a-node-" * 4,
    version="0.1.0",
    uptime=timedelta(days=400),
    circuit_state=CircuitState.OPEN,
    queue_length=10_000,
    queue_capacity=10_000,
    memory_bytes=1,
    ledger="memory:",
    draining=False,
)
TOTALS = Metrics(
    node="n",
    uptime=timedelta(days=400),
    attempts=10**12,
    outcomes=dict.fromkeys(Outcome, 10**9),
    errors={"QUEUE_FULL": 7, "CIRCUIT_OPEN": 5},
    replays=3,
    success_rate=0.5,
    queue_length=10_000,
    queue_length_peak=10_000,
    queue_capacity=10_000,
    batches=1,
    batch_size_mean=1.0,
    batch_size_max=1,
    latency_ms_p50=1.0,
    latency_ms_p95=2.0,
    latency_ms_p99=3.0,
    appends=1,
    appends_failed=0,
    appends_conflicted=0,
    append_ms_p50=1.0,
    append_ms_p99=2.0,
    circuit_state=CircuitState.OPEN,
    active_users=1,
    watchers=1,
)
CROWD = CrowdSeen(people=100_000, answered=54_321, bought=1_000, seconds=2.5)


def everything(title: str = "Good shoes") -> Seen:
    seen = Seen("default", Link("shop.example:50051"))
    seen.status = replace(STATUS, title=title)
    seen.health, seen.totals = HEALTH, TOTALS
    seen.samples.extend(replace(SAMPLE, end_time=NOON + timedelta(seconds=n)) for n in range(90))
    seen.link.hear()
    return seen


def drawn(
    seen: Seen, width: int = 80, height: int = 24, crowd: CrowdSeen | None = None
) -> list[Text]:
    shown = picture(seen, now=time.monotonic(), width=width, height=height, crowd=crowd)
    return [line for line in shown.renderables if isinstance(line, Text)]


@pytest.mark.parametrize("title", ["Good shoes", "靴" * 200, "\x1b[2J\n[bold]", ""])
@pytest.mark.parametrize("crowd", [None, CROWD])
def test_every_line_is_as_wide_as_the_room(title: str, crowd: CrowdSeen | None) -> None:
    for width in range(24, 120):
        lines = drawn(everything(title), width=width, crowd=crowd)
        assert {line.cell_len for line in lines} == {min(width, 100)}
        assert all(line.plain.isprintable() for line in lines)


@pytest.mark.parametrize("crowd", [None, CROWD])
def test_it_is_no_higher_than_the_room_and_leaves_the_least_important_out(
    crowd: CrowdSeen | None,
) -> None:
    for height in range(12, 50):
        assert len(drawn(everything(), height=height, crowd=crowd)) <= height
    low = "\n".join(line.plain for line in drawn(everything(), height=12))
    assert "1,000,000,000 of 2,000,000,000 left" in low
    assert "circuit open" in low
    assert "attempts" not in low


def test_it_fits_80_columns_and_24_lines_with_everything_in_it() -> None:
    text = "\n".join(line.plain for line in drawn(everything(), crowd=CROWD))
    for part in ("Good shoes", "ends in", "54,321 of 100,000 answered", "attempts", "an append"):
        assert part in text
    for part in ("queue", "circuit open", "unhealthy", "the circuit is open for 12.3 s more"):
        assert part in text


def test_what_there_is_no_room_for_is_counted_together() -> None:
    text = "\n".join(line.plain for line in drawn(everything(), height=60))
    assert "others" in text


def test_a_bar_is_filled_exactly_and_what_is_there_is_seen() -> None:
    for width in range(3, 80):
        for sizes in ((1, 1, 10**9), (0, 0, 5), (1, 0, 1), (10**9, 10**9, 1), (0, 0, 0)):
            line = parted_bar(
                [(size, mark, "") for size, mark in zip(sizes, "ahs", strict=True)], width
            )
            assert line.cell_len == width
            assert all(mark in line.plain for size, mark in zip(sizes, "ahs", strict=True) if size)


def test_a_thin_bar_is_seen_and_never_too_long() -> None:
    assert [bar(value, 100, 10, "").plain for value in (0, 1, 50, 100, 500)] == [
        *("", "╸", "━" * 5, "━" * 10, "━" * 10)
    ]
    assert bar(1, 0, 10, "").plain == ""


def test_a_sparkline_shows_the_highest_of_what_a_cell_stands_for() -> None:
    assert sparkline([None, None, 0, 0, 1, 8, 4, 0], 4, "").plain == " ▁█▅"
    assert sparkline([1.0] * 60, 0, "").plain == ""
    assert sparkline([None] * 60, 30, "").plain == " " * 30


def test_a_histogram_has_few_rows_and_counts_everybody() -> None:
    assert list(latency_rows([])) == []
    assert list(latency_rows([0.001, 0.0011, 0.0025])) == [
        *(("to 1 ms", 1), ("to 1.5 ms", 1), ("to 2 ms", 0), ("to 3 ms", 1))
    ]
    wide = list(latency_rows([0.00001 * 3**power for power in range(15)] + [1e6]))
    assert len(wide) <= 9
    assert sum(count for _, count in wide) == 16


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "00:00:00"), (0.2, "00:00:01"), (3661, "01:01:01"), (86_400 * 2 + 5, "2 d 00:00:05")],
)
def test_a_countdown_rounds_up_and_never_goes_below_nothing(seconds: float, words: str) -> None:
    assert remaining(timedelta(seconds=seconds)) == words

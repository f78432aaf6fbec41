"""The report says what was measured, whether it was enough, and nothing else."""

from pathlib import Path

import pytest

from bench.plots import drawn
from bench.report import markdown, summary
from bench.results import HoldsTogether, LongRush, Row, Waiting, read, stored
from tests.bench.stored_results import results, row, runs

SECTIONS = ("## The table", "## Both sides", "## Against", "## As a sale", "## Many", "## A long")


def test_results_are_read_as_they_were_stored(tmp_path: Path) -> None:
    whole = results(row("1", [8.0, 9.0, 10.0], [1.0, 1.0, 1.0], [8.0]))
    stored(whole, tmp_path / "results.json")
    assert read(tmp_path / "results.json") == whole


def test_a_run_that_measured_nothing_reports_nothing(tmp_path: Path) -> None:
    stored(results(), tmp_path / "results.json")
    kept = read(tmp_path / "results.json")
    text = markdown(kept, drawn(kept, tmp_path, "x"))
    assert [section for section in SECTIONS if section in text] == []
    assert "A Processor" in text
    assert not list(tmp_path.glob("*.svg"))
    assert summary(kept) == ""


def test_a_row_shows_median_spread_and_both_sides(tmp_path: Path) -> None:
    text = markdown(results(row("1", [800.0, 900.0, 1000.0], [100.0, 100.0, 100.0], [8, 12])), [])
    assert "**9.00** (8.00 to 10.00) | 900.0/s | 100.0/s | at least 8, then 12" in text
    assert [section for section in SECTIONS if section in text] == list(SECTIONS[:2])


def test_holds_that_expire_together_show_before_and_while() -> None:
    waiting = [
        Waiting(speed, {"p50": slow, "p95": slow * 2, "p99": slow * 3, "max": slow * 4})
        for speed, slow in ((17_000.0, 2.0), (11_000.0, 3.0))
    ]
    whole = results()
    whole.holds.append(
        HoldsTogether(
            holds=10_000,
            buyers=50,
            in_their_sale=True,
            spread_seconds=0.3,
            before=waiting[0],
            during=waiting[1],
            late_seconds=0.1,
        )
    )
    text = markdown(whole, [])
    assert "10,000 holds expire together, while 50 callers" in text
    assert "| in their sale | before | 17,000 | 2.00 | 6.00 | 8.00 | 0.30 | 0.10 |" in text
    assert "| in their sale | while they expire | 11,000 | 3.00 | 9.00 | 12.00 |" in text


@pytest.mark.parametrize(
    ("ratio", "reached"), [(7.9, "| **no** |"), (8.0, "| the first |"), (12.0, "| yes |")]
)
def test_a_row_says_what_it_reached(ratio: float, reached: str) -> None:
    assert reached in markdown(results(row("1", [ratio], [1.0], [8, 12])), [])


def test_the_worst_value_is_held_against_a_limit() -> None:
    crowd = Row("8", "", "slowest", "", "ms", [20.0, 30.0, 101.0], [], [100.0], at_least=False)
    text = markdown(results(crowd), [])
    assert "**101.0 ms** (median 30.00 ms)" in text
    assert "| **no** |" in text


def test_what_asked_the_unary_row_is_told() -> None:
    unary = row("5", [1.0], [1.0], [0.85])
    for side in unary.runs:
        side.load = "ghz"
    assert "Row 5 is asked by ghz." in markdown(results(unary), [])


def test_a_short_rush_claims_nothing_about_memory_that_settles(tmp_path: Path) -> None:
    asked = runs("the service", "sdk", 100)
    short = LongRush(10, [100_000_000] * 10, asked)
    assert "too short to say" in markdown(results(long_rush=short), [])
    long = LongRush(100, [100_000_000] * 60 + [200_000_000] * 40, asked)
    assert "between 200.0 and 200.0 MB" in markdown(results(long_rush=long), [])


def test_every_plot_is_of_something_that_was_measured(tmp_path: Path) -> None:
    plots = drawn(results(row("1", [9.0], [1.0], [8.0])), tmp_path, "x")
    assert [plot.name for plot in plots] == ["x-latencies.svg"]

"""`flash-sale rush`: its crowd, its view, its verdict."""

import json
from pathlib import Path

from tests.cli.running import flash_sale
from tests.cli.screens import terminal
from tests.servers import server_process


def test_a_rush_sells_what_there_is_and_checks_it(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "100") as server:
        done = flash_sale("rush", "--users", "2000", "--address", server.address)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2,000 people want 100 units" in done.stdout
    rows = {
        line.split("│")[1].strip(): line.split("│")[2].strip()
        for line in done.stdout.splitlines()
        if line.count("│") == 3
    }
    assert (rows["sold"], rows["sold out"]) == ("100", "1,900")
    assert {"p50", "p95", "p99"} <= set(rows)
    assert "how long it took" in done.stdout
    assert "Every one of the 100 acknowledged purchases is held" in done.stdout
    assert "acknowledged equals held" in done.stdout
    assert "\x1b" not in done.stdout


def test_a_rush_shows_the_sale_and_the_crowd_on_a_terminal(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "100", "--title", "Good shoes") as server:
        at = ("rush", "--users", "3000", "--address", server.address)
        with terminal(*at, columns=80, lines=60) as screen:
            assert screen.exit_code() == 0
            assert screen.is_framed(80)
            view = "\n".join(screen.frame)
            for text in ("Good shoes", "sold out", "0 of 100 left", "3,000 of 3,000 answered"):
                assert text in view
            assert "100 bought" in view
            below = screen.text[screen.text.index(screen.frame[-1]) :]
            for text in (
                "3,000 attempts in",
                "p99",
                "how long it took",
                "acknowledged equals held",
            ):
                assert text in below


def test_a_rush_of_holds_counts_them(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "10", "--hold-seconds", "600") as server:
        done = flash_sale("rush", "--users", "30", "--json", "--address", server.address)
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert (told["acknowledged"], told["sold"], told["missing"]) == (10, 10, 0)
    assert told["verdict"] == "ACKNOWLEDGED_EQUALS_HELD"


def test_json_is_one_object_at_the_end(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "100") as server:
        done = flash_sale("rush", "--users", "500", "--json", "--address", server.address)
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert (done.returncode, done.stderr) == (0, "")
    assert (told["saleId"], told["attempts"], told["good"]) == ("default", 500, True)
    assert told["outcomes"] == [
        {"outcome": "OUTCOME_SOLD_OUT", "count": 400},
        {"outcome": "OUTCOME_PURCHASED", "count": 100},
    ]
    assert told["errors"] == []
    percentiles = [told[f"latencyMs{name}"] for name in ("P50", "P95", "P99", "Max")]
    assert percentiles == sorted(percentiles)
    assert 0 < percentiles[0] < told["seconds"] * 1000


def test_a_rush_in_which_everybody_fails_fails(tmp_path: Path) -> None:
    with server_process(tmp_path, "--rate-limit-per-minute", "1") as server:
        at = ("rush", "--users", "20", "--name", "monday", "--address", server.address)
        assert flash_sale(*at).returncode == 0
        again = flash_sale(*at)
        assert again.returncode == 1
        assert "error: RateLimited" in again.stdout
        assert again.stdout.endswith("WRONG: none of 20 people was answered.\n")
        told = json.loads(flash_sale(*at, "--json").stdout)
        assert told["errors"] == [{"error": "RateLimited", "count": 20}]
        assert (told["verdict"], told["good"]) == ("NOBODY_WAS_ANSWERED", False)

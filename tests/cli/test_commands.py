"""The commands that talk to a running server, run as people run them."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import flash_sale
from tests.servers import ServerProcess, server_process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_process(tmp_path_factory.mktemp("shop"), "--stock", "100") as running:
        yield running


def test_status_and_buying(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "1", "--title", "One bicycle") as server:
        at = ("--address", server.address)
        status = flash_sale("status", *at)
        assert status.returncode == 0
        assert "default: One bicycle" in status.stdout
        assert "available  1 of 1" in status.stdout
        bought = flash_sale("buy", "ann", "--request-id", "r-1", *at)
        assert bought.returncode == 0
        assert bought.stdout.startswith("purchased: 1 for ann, purchase ")
        again = flash_sale("buy", "ann", "--request-id", "r-1", *at)
        assert again.stdout.startswith("purchased already, before: 1 for ann")
        refused = flash_sale("buy", "bob", *at)
        assert refused.returncode == 2
        assert refused.stdout.startswith("sold out")


def test_a_rush_sells_what_there_is_and_checks_it(server: ServerProcess) -> None:
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
    assert "Every one of the 100 acknowledged purchases is held" in done.stdout
    assert "acknowledged equals held" in done.stdout


def test_watching_where_there_is_no_terminal_prints_lines(server: ServerProcess) -> None:
    command = [sys.executable, "-m", "flashsale_server", "watch", "--address", server.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        line = watching.stdout.readline()
        watching.terminate()
    assert "available" in line


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("buy", "ann"),
        ("rush", "--users", "5"),
        ("confirm", "ann", "p-1"),
        ("release", "ann", "p-1"),
        ("sale", "list"),
        ("sale", "create", "shoes", "--stock", "1"),
        ("purchases", "list"),
    ],
)
def test_a_server_that_is_not_there_is_one_clear_sentence(command: tuple[str, ...]) -> None:
    done = flash_sale(*command, "--address", "127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("flash-sale: ")
    assert "Traceback" not in done.stderr


def test_a_bad_address_is_one_clear_sentence() -> None:
    done = flash_sale("status", "--address", "nowhere")
    assert done.returncode == 1
    assert "host:port" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_teaches_by_example() -> None:
    changes = ("create", "list", "show", "update", "pause", "resume", "end", "restock")
    commands = ["serve", "status", "watch", "buy", "rush", "confirm", "release"]
    commands += [f"sale {change}" for change in changes]
    commands += ["purchases list", "purchases cancel"]
    for command in commands:
        done = flash_sale(*command.split(), "--help")
        assert done.returncode == 0
        assert f"flash-sale {command}" in done.stdout

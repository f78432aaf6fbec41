"""docs/operations.md: its commands, run in its order in one shell, and what they came to."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
PROGRAMS = ("curl", "jq", "openssl", "sqlite3")
pytestmark = pytest.mark.timeout(300)
BLOCK = re.compile(r"^( *)```console\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"^@@ (\d+) (\d+)$", re.MULTILINE)


def commands() -> list[str]:
    """The page's commands, lines that go on joined."""
    text = "".join(block[2].replace("\\\n", " ") for block in BLOCK.finditer(PAGE))
    lines = [line.strip() for line in text.splitlines()]
    assert all(line.startswith("$ ") for line in lines), lines
    return [line[2:] for line in lines]


@dataclass(frozen=True, slots=True)
class Session:
    """The commands that were run, and of each its exit code and what it printed."""

    folder: Path
    ran: list[tuple[str, int, str]]

    def of(self, beginning: str) -> list[tuple[int, str]]:
        return [(code, out) for command, code, out in self.ran if command.startswith(beginning)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def script_of(lines: list[str]) -> str:
    marked = [f"{line}\ncode=$?; echo; echo @@ {number} $code" for number, line in enumerate(lines)]
    return "\n".join(["exec 2>&1", *marked, "kill $(jq .pid flash-sale.db.lock); wait"])


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("operations")
    programs = tmp_path_factory.mktemp("programs")
    (programs / "flash-sale").write_text(
        f'#!/bin/sh\nexec {sys.executable} -m flashsale_server "$@"\n'
    )
    (programs / "flash-sale").chmod(0o755)
    plain = {key: value for key, value in os.environ.items() if "FLASH_SALE" not in key}
    grpc_port, http_port = free_port(), free_port()
    own = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "FLASH_SALE_GRPC_ADDRESS": f"127.0.0.1:{grpc_port}",
        "FLASH_SALE_HTTP_ADDRESS": f"127.0.0.1:{http_port}",
    }
    lines = with_buyers(
        [line.replace("127.0.0.1:8080", f"127.0.0.1:{http_port}") for line in commands()]
    )
    shell = subprocess.Popen(
        ["bash", "-c", script_of(lines)],
        cwd=folder,
        env=plain | own,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, _ = shell.communicate(timeout=280)
        yield Session(folder, list(ran(lines, out)))
    finally:
        if shell.poll() is None:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.communicate()


def with_buyers(lines: list[str]) -> list[str]:
    """The commands, and between them somebody who buys: after the first backup, and at the end."""
    restoring = next(i for i, line in enumerate(lines) if line.startswith("mkdir set-aside")) - 1
    ending = lines.index("flash-sale sale end default")
    late = "flash-sale buy the-late-one"
    crowd = "flash-sale rush --users 300"
    return [*lines[:restoring], late, *lines[restoring:ending], crowd, *lines[ending:]]


def ran(lines: list[str], out: str) -> Iterator[tuple[str, int, str]]:
    begin = 0
    for mark in MARK.finditer(out):
        yield lines[int(mark[1])], int(mark[2]), out[begin : mark.start()]
        begin = mark.end()


def test_each_command_does_what_the_page_says(session: Session) -> None:
    assert len(session.ran) == len(commands()) + 2
    for command, code, out in session.ran:
        expected = 1 if command.startswith("diff ") else 0
        assert code == expected, f"{command}: {out}"


def test_backups_are_audited(session: Session) -> None:
    for command, _, out in session.ran:
        if command.startswith("flash-sale backup") and "--no-verify" not in command:
            assert "default: nothing found" in out, command


def test_metrics_are_read_with_the_token_for_them(session: Session) -> None:
    ((_, page),) = session.of("curl ")
    assert "flash_sale_queue_capacity" in page


def test_who_bought_after_the_backup_is_found_in_what_was_set_aside(session: Session) -> None:
    ((_, difference),) = session.of("diff ")
    (row,) = (line for line in difference.splitlines() if line.startswith(">"))
    assert "the-late-one" in row


def test_the_numbers_of_the_morning_after_agree(session: Session) -> None:
    last_audit = session.of("flash-sale backup backups/final.db")[0][1]
    audit = last_audit[last_audit.index("default: nothing found") :]
    stock = re.search(r"stock +([\d,]+) available, 0 held, ([\d,]+) sold of ([\d,]+)", audit)
    assert stock
    available, sold, total = (int(group.replace(",", "")) for group in stock.groups())
    assert available + sold == total == 500
    assert sold == 300
    rows = (session.folder / "sold.csv").read_text().splitlines()[1:]
    assert sum(",CONFIRMED," in row for row in rows) == sold
    (by_stock_change,), (buyers,) = (
        out.split() for _, out in session.of("sqlite3 backups/final.db")
    )
    assert (int(by_stock_change), int(buyers)) == (available, sold)
    status = session.of("flash-sale status")[-1][1]
    assert f"sold       {sold}" in status

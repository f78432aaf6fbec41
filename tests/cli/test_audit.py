"""`flash-sale audit`, on ledgers in use, on copies, and on some that were changed."""

import asyncio
import hashlib
import re
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from flashsale import Client, Outcome
from flashsale_server.ledger import Append, open_ledger

from tests.cli.running import flash_sale
from tests.ledger.audited_days import RandomDay, Row, chained, whole_day
from tests.servers import server_process


def stored(path: Path, rows: Sequence[Row]) -> list[Append]:
    """A ledger file with these rows."""
    appends = chained(rows)

    async def store() -> None:
        ledger = await open_ledger(f"sqlite:///{path}", node="test")
        for append in appends:
            await ledger.append(append)
        await ledger.close()

    asyncio.run(store())
    return appends


def audit(path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return flash_sale("audit", f"sqlite:///{path}", *arguments)


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
    }


def tamper(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_clean_ledger_is_summed_up_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    head = stored(path, whole_day())[-1].digest.hex()
    before = fingerprint(tmp_path)
    done = audit(path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert fingerprint(tmp_path) == before
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "hats: nothing found"
    assert "entries    17, the last of 1970-01-01 00:00:20 UTC" in done.stdout
    assert "purchases  5: " in done.stdout
    assert "stock      21 available, 0 held, 4 sold of 25" in done.stdout
    assert f"head       {head}" in done.stdout


def test_a_ledger_that_may_not_be_written_can_be_audited(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    stored(path, whole_day())
    path.chmod(stat.S_IRUSR)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert audit(path).returncode == 0
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_a_ledger_in_use_and_a_copy_of_it_are_audited(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    with server_process(folder, "--stock", "20", "--rate-limit-per-minute", "0") as server:
        with Client(server.address) as client:
            bought = [client.purchase(f"u-{number}").outcome for number in range(25)]
            assert bought.count(Outcome.PURCHASED) == 20
            done = audit(folder / "flash-sale.db")
            assert done.returncode == 0, done.stdout + done.stderr
            assert "stock      0 available, 0 held, 20 sold of 20" in done.stdout
            copy = tmp_path / "copy.db"
            with sqlite3.connect(folder / "flash-sale.db") as source:
                with sqlite3.connect(copy) as target:
                    source.backup(target)
            source.close()
            target.close()
            assert audit(copy).stdout == done.stdout
            assert client.status().sold_stock == 20
        assert server.terminate() == 0
    assert audit(folder / "flash-sale.db").stdout == done.stdout


def test_each_changed_dropped_and_swapped_row_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    stored(path, whole_day())
    for statement, position in (
        ("UPDATE appends SET node = 'x' WHERE first_position = 4", 4),
        ("UPDATE appends SET entries = replace(entries, 'bob', 'rob') WHERE first_position = 2", 2),
        ("UPDATE appends SET schema_version = 99 WHERE first_position = 2", 2),
        ("UPDATE appends SET entries = CAST(x'5bff5d' AS TEXT) WHERE first_position = 2", 2),
        ("UPDATE appends SET node = CAST(x'ff' AS TEXT) WHERE first_position = 2", 2),
        ("UPDATE appends SET recorded_at = 9000000000000000000 WHERE first_position = 2", 2),
        ("DELETE FROM appends WHERE first_position = 9", 10),
        ("UPDATE appends SET first_position = -1 WHERE first_position = 9", 10),
    ):
        forged = tmp_path / "forged.db"
        shutil.copy(path, forged)
        tamper(forged, statement)
        done = audit(forged)
        assert done.returncode == 1, statement
        assert f"sale 'hats', position {position}: " in done.stdout
        assert "findings\n" in done.stdout


def test_a_noted_head_shows_what_has_grown_and_what_was_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    appends = stored(path, whole_day())
    noted = appends[-2].digest.hex()
    grown = audit(path, "--head", noted[:16].upper())
    assert grown.returncode == 0
    assert "sale 'hats' at position 16; the ledger has grown by 1 entries since" in grown.stdout
    assert "by 0 entries" in audit(path, "--head", appends[-1].digest.hex()).stdout
    tamper(path, "DELETE FROM appends WHERE first_position >= 16")
    assert audit(path).returncode == 0, "the rest is a good chain"
    cut = audit(path, "--head", noted)
    assert cut.returncode == 1
    assert "no row has this digest" in cut.stdout


def test_a_ledger_written_anew_is_found_by_the_noted_head(tmp_path: Path) -> None:
    noted = chained(whole_day())[-1].digest.hex()
    anew = [
        Row(row.first_position, row.at_us, row.node.upper(), row.entries) for row in whole_day()
    ]
    stored(tmp_path / "ledger.db", anew)
    assert audit(tmp_path / "ledger.db").returncode == 0
    assert audit(tmp_path / "ledger.db", "--head", noted).returncode == 1


def test_one_sale_alone_can_be_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    stored(path, RandomDay(1).live(20))
    assert audit(path, "--sale", "hats").returncode == 0
    missing = audit(path, "--sale", "caps")
    assert (missing.returncode, missing.stderr) == (
        2,
        "flash-sale: the ledger has no sale 'caps'\n",
    )


@pytest.mark.parametrize("head", ["abc", "z" * 16, "0" * 65, ""])
def test_what_is_no_digest_is_refused(tmp_path: Path, head: str) -> None:
    stored(tmp_path / "ledger.db", whole_day())
    done = audit(tmp_path / "ledger.db", "--head", head)
    assert done.returncode == 2
    assert "hexadecimal digits" in done.stderr


def test_what_cannot_be_read_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no ledger " * 99)
    tamper(tmp_path / "other.db", "CREATE TABLE other (id)")
    (tmp_path / "empty.db").touch()
    for url in (
        "memory:",
        "sqlite:///",
        "nonsense",
        f"sqlite:///{tmp_path}/nothing.db",
        f"sqlite:///{tmp_path}",
        *(f"sqlite:///{tmp_path}/{name}.db" for name in ("text", "other", "empty")),
    ):
        before = fingerprint(tmp_path)
        done = flash_sale("audit", url)
        assert done.returncode == 2, url
        assert re.fullmatch(r"flash-sale: .+\n", done.stderr), done.stderr
        assert fingerprint(tmp_path) == before


def test_many_findings_are_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    stored(path, RandomDay(3).live(200))
    tamper(path, "UPDATE appends SET node = node || '!'")
    done = audit(path)
    assert done.returncode == 1
    assert done.stdout.count("does not match its digest") == 50
    assert "more findings are not shown" in done.stdout


def test_a_name_that_is_no_text_is_found(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    stored(path, whole_day())
    tamper(path, "UPDATE appends SET sale_id = CAST(x'ff' AS TEXT)")
    done = audit(path)
    assert (done.returncode, done.stderr) == (1, "")
    assert "is no text" in done.stdout


def test_a_name_that_was_changed_writes_no_lines_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    stored(path, whole_day())
    tamper(path, "UPDATE appends SET sale_id = 'a' || char(27) || char(10) || 'b: nothing found'")
    done = audit(path)
    assert done.returncode == 1
    assert "\nb: nothing found" not in done.stdout
    assert "\x1b" not in done.stdout

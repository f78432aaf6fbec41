"""`flash-sale backup`, of ledgers in use and at rest, and servers that start from its copies."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from flashsale import AsyncClient, Client
from flashsale_server.ledger import LedgerUnavailable, LedgerUnusable, copy_ledger

from tests.cli.running import flash_sale
from tests.cli.test_audit import audit, fingerprint, stored, tamper
from tests.ledger.audited_days import whole_day
from tests.servers import server_process


def backup(ledger: Path, copy: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return flash_sale("backup", str(copy), "--ledger", f"sqlite:///{ledger}", *options)


def head_of(summary: str) -> str:
    return summary.rpartition("head       ")[2].strip()


def test_a_ledger_at_rest_is_copied_and_left_as_it_is(tmp_path: Path) -> None:
    shop, safe = tmp_path / "shop", tmp_path / "safe"
    shop.mkdir()
    safe.mkdir()
    head = stored(shop / "ledger.db", whole_day())[-1].digest.hex()
    before = fingerprint(shop)
    done = backup(shop / "ledger.db", safe / "copy.db")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith(f"copied to {safe}/copy.db, ")
    assert "hats: nothing found" in done.stdout
    assert head_of(done.stdout) == head
    assert fingerprint(shop) == before
    assert [path.name for path in safe.iterdir()] == ["copy.db"]
    assert (safe / "copy.db").stat().st_mode & 0o777 == 0o600
    assert audit(safe / "copy.db", "--head", head).returncode == 0


async def test_a_ledger_that_a_crowd_buys_from_is_copied_whole_and_sold_on_from(
    tmp_path: Path,
) -> None:
    shop, restored = tmp_path / "shop", tmp_path / "restored"
    shop.mkdir()
    restored.mkdir()
    flags = ("--stock", "10000000", "--rate-limit-per-minute", "0")
    acknowledged: set[str] = set()
    command = [sys.executable, "-m", "flashsale_server", "backup"]

    async def copied(copy: Path) -> str:
        arguments = [*command, str(copy), "--ledger", f"sqlite:///{shop}/flash-sale.db"]
        process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, out.decode()
        return out.decode()

    with server_process(shop, *flags) as server:
        async with AsyncClient(server.address) as client:

            async def buy_on(buyer: int) -> None:
                for number in range(1_000_000):
                    result = await client.purchase(f"u-{buyer}-{number}")
                    assert result.purchase is not None
                    acknowledged.add(result.purchase.purchase_id)

            crowd = [asyncio.create_task(buy_on(buyer)) for buyer in range(20)]
            await copied(tmp_path / "early.db")
            told = frozenset(acknowledged)
            head = head_of(await copied(restored / "flash-sale.db"))
            for task in crowd:
                task.cancel()
            await asyncio.gather(*crowd, return_exceptions=True)
    assert told
    with server_process(restored, *flags) as server, Client(server.address) as blocking:
        kept = {purchase.purchase_id for purchase in blocking.admin.list_purchases("default")}
        assert told <= kept, "all that was acknowledged before the copy began is in it"
        assert blocking.status().sold_stock == len(kept)
        assert blocking.purchase("somebody-new").is_bought
        assert server.terminate() == 0
    grown = audit(restored / "flash-sale.db", "--head", head)
    assert grown.returncode == 0, grown.stdout
    assert "grown by 1 entries since" in grown.stdout


def test_a_ledger_whose_server_was_killed_is_copied_with_its_log(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "5") as server:
        with Client(server.address) as client:
            assert client.purchase("ann").is_bought
        server.kill()
    assert (tmp_path / "flash-sale.db-wal").stat().st_size > 0
    done = backup(tmp_path / "flash-sale.db", tmp_path / "copy.db")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 sold of 5" in done.stdout


def test_without_verification_it_is_copied_alone(tmp_path: Path) -> None:
    stored(tmp_path / "ledger.db", whole_day())
    done = backup(tmp_path / "ledger.db", tmp_path / "copy.db", "--no-verify")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
    assert audit(tmp_path / "copy.db").returncode == 0


def nobody_asks(left: int, pages: int) -> None:
    """Progress that nobody looks at."""


def test_a_copy_takes_the_place_of_nothing(tmp_path: Path) -> None:
    stored(tmp_path / "ledger.db", whole_day())
    copy = tmp_path / "safe" / "copy.db"
    copy.parent.mkdir()
    for name in ("copy.db-wal", "copy.db-shm", "copy.db-journal", "copy.db.lock", "copy.db"):
        there = copy.with_name(name)
        there.write_text("somebody's")
        with pytest.raises(LedgerUnusable, match=f"{name} exists"):
            copy_ledger(f"sqlite:///{tmp_path}/ledger.db", copy, nobody_asks)
        assert [path.name for path in copy.parent.iterdir()] == [name]
        assert there.read_text() == "somebody's"
        there.unlink()


def test_what_cannot_be_copied_leaves_nothing_behind(tmp_path: Path) -> None:
    safe = tmp_path / "safe"
    safe.mkdir()
    (tmp_path / "text.db").write_text("this is no ledger " * 99)
    tamper(tmp_path / "other.db", "CREATE TABLE other (id)")
    stored(tmp_path / "ledger.db", whole_day())
    places = [safe / "copy.db"] * 4 + [tmp_path / "nowhere" / "copy.db"]
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("nothing", "text", "other")]
    for url, place in zip(
        [*urls, "memory:", f"sqlite:///{tmp_path}/ledger.db"], places, strict=True
    ):
        with pytest.raises(LedgerUnusable):
            copy_ledger(url, place, nobody_asks)
        assert list(safe.iterdir()) == []


def test_what_cannot_be_copied_is_one_clear_sentence(tmp_path: Path) -> None:
    done = backup(tmp_path / "nothing.db", tmp_path / "copy.db")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"flash-sale: there is no ledger file {tmp_path}/nothing.db\n"
    assert list(tmp_path.iterdir()) == []


def test_a_copy_of_a_ledger_with_findings_is_kept_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    stored(path, whole_day())
    tamper(path, "UPDATE appends SET node = 'x' WHERE first_position = 4")
    done = backup(path, tmp_path / "copy.db")
    assert done.returncode == 1
    assert "sale 'hats', position 4: " in done.stdout
    assert audit(tmp_path / "copy.db").stdout in done.stdout


def test_a_copy_that_cannot_be_read_is_no_success(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    stored(path, whole_day())
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 64)
    done = backup(path, tmp_path / "copy.db")
    assert done.returncode == 1, done.stdout
    assert done.stderr == "flash-sale: copy.db is damaged: database disk image is malformed\n"


def test_a_server_that_starts_meanwhile_is_noticed(tmp_path: Path) -> None:
    """A file at rest is read without locks, so what is written then might not fit together."""
    path = tmp_path / "ledger.db"
    stored(path, whole_day())

    def begin_to_write(left: int, pages: int) -> None:
        path.with_name("ledger.db-wal").touch()

    with pytest.raises(LedgerUnavailable, match="begun to write"):
        copy_ledger(f"sqlite:///{path}", tmp_path / "copy.db", begin_to_write)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.db", "ledger.db-wal"]


def test_whoever_interrupts_it_finds_nothing_left_behind(tmp_path: Path) -> None:
    stored(tmp_path / "ledger.db", whole_day())

    def interrupt(left: int, pages: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_ledger(f"sqlite:///{tmp_path}/ledger.db", tmp_path / "copy.db", interrupt)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.db"]


def test_sqlite_reads_the_copy_as_any_database(tmp_path: Path) -> None:
    stored(tmp_path / "ledger.db", whole_day())
    assert backup(tmp_path / "ledger.db", tmp_path / "copy.db").returncode == 0
    shutil.copy(tmp_path / "copy.db", tmp_path / "elsewhere.db")
    with sqlite3.connect(tmp_path / "elsewhere.db") as connection:
        (available,) = connection.execute("SELECT sum(stock_change) FROM entries").fetchone()
    connection.close()
    assert available == 21

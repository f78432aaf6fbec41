"""Group commit, and what callers are told when a commit fails."""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from flashsale_server.ledger import AppendRejected, LedgerError, PositionConflict
from flashsale_server.ledger.sqlite import SqliteLedger

from tests.ledger.chains import Chain, purchases, stored
from tests.ledger.conftest import Child, names


async def fates(ledger: SqliteLedger, *sales: Chain) -> list[BaseException | None]:
    """What became of the next append of each of `sales`, begun together."""
    return await asyncio.gather(
        *[ledger.append(sale.grow(*purchases(20))) for sale in sales], return_exceptions=True
    )


async def test_what_waits_while_the_disk_is_busy_shares_one_commit(
    sqlite_ledger: SqliteLedger, path: Path
) -> None:
    statements: list[str] = []
    sqlite_ledger._writer._connection.set_trace_callback(statements.append)
    taken = Chain("sale-3")
    await sqlite_ledger.append(taken.grow())
    sales = [Chain(f"sale-{number}", node="node-b") for number in range(10)]

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        # Nobody can write while this transaction is open, so all ten come to wait.
        other.execute("BEGIN IMMEDIATE")
        begun = [asyncio.create_task(sqlite_ledger.append(sale.grow())) for sale in sales]
        await asyncio.sleep(0)
        other.execute("COMMIT")
        results = await asyncio.gather(*begun, return_exceptions=True)

    assert [number for number, result in enumerate(results) if result is not None] == [3]
    assert isinstance(results[3], PositionConflict)
    # One for the append before, one for whoever the writer had taken up already, one for the rest.
    assert 2 <= sum("INSERT" in statement for statement in statements) <= 3


async def test_a_caller_who_leaves_a_busy_writer_leaves_his_append_there(
    sqlite_ledger: SqliteLedger, path: Path
) -> None:
    sale = Chain("sale")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        leaving = asyncio.create_task(sqlite_ledger.append(sale.grow()))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        other.execute("COMMIT")

    await sqlite_ledger.append(sale.grow())

    assert await stored(sqlite_ledger, "sale") == sale.made


async def test_an_append_that_finds_the_file_busy_for_too_long_is_rejected(
    sqlite_ledger: SqliteLedger, path: Path
) -> None:
    sale = Chain("sale")
    sqlite_ledger._writer._connection.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AppendRejected, match="locked"):
            await sqlite_ledger.append(sale.following())
        other.execute("COMMIT")

    await sqlite_ledger.append(sale.grow())

    assert await stored(sqlite_ledger, "sale") == sale.made


async def test_a_file_that_may_not_grow_rejects_a_group_and_takes_it_when_it_may(
    sqlite_ledger: SqliteLedger,
) -> None:
    sales = [Chain("sale-1"), Chain("sale-2"), Chain("sale-3")]
    assert await fates(sqlite_ledger, *sales) == [None, None, None]
    writing = sqlite_ledger._writer._connection
    (pages,) = writing.execute("PRAGMA page_count").fetchone()
    writing.execute(f"PRAGMA max_page_count = {pages}")

    large = [Chain(sale.sale_id, made=list(sale.made)) for sale in sales]
    refused = await asyncio.gather(
        *[sqlite_ledger.append(sale.grow(*purchases(900))) for sale in large],
        return_exceptions=True,
    )
    writing.execute("PRAGMA max_page_count = 1000000")

    assert all(isinstance(fate, AppendRejected) for fate in refused)
    assert [await sqlite_ledger.tail(sale.sale_id) for sale in sales] == [20, 20, 20]
    assert await fates(sqlite_ledger, *sales) == [None, None, None]
    assert [await stored(sqlite_ledger, sale.sale_id) for sale in sales] == [
        sale.made for sale in sales
    ]


async def test_a_failed_append_leaves_no_transaction_behind(sqlite_ledger: SqliteLedger) -> None:
    sales = [Chain("sale-1"), Chain("sale-2")]
    writing = sqlite_ledger._writer._connection
    writing.execute(
        "CREATE TEMP TRIGGER refuse BEFORE INSERT ON appends BEGIN SELECT RAISE(ABORT, 'no'); END"
    )

    refused = await fates(sqlite_ledger, *[Chain(sale.sale_id) for sale in sales])
    writing.execute("DROP TRIGGER refuse")

    assert all(isinstance(fate, AppendRejected) for fate in refused)
    assert not writing.in_transaction
    assert await fates(sqlite_ledger, *sales) == [None, None]


async def test_an_append_that_cannot_be_stored_is_rejected_and_the_writer_lives(
    sqlite_ledger: SqliteLedger,
) -> None:
    unstorable = replace(Chain("sale").following(), node="half a surrogate: \ud800")

    with pytest.raises(AppendRejected):
        await sqlite_ledger.append(unstorable)

    await sqlite_ledger.append(Chain("sale").grow())
    assert await sqlite_ledger.tail("sale") == 1


@pytest.mark.parametrize("query", ["", "?shared=1"])
async def test_a_commit_that_the_disk_breaks_is_unknown_until_the_ledger_is_fenced(
    child: Child, path: Path, query: str
) -> None:
    limited = child("limited", f"sqlite:///{path}{query}")

    said, _ = limited.communicate()

    assert limited.returncode == 0
    assert said.splitlines() == ["AppendUnknown", "tail 1", "tail 2"]
    ledger = await SqliteLedger.open(path, node="node-a", shared=bool(query))
    kinds = [append.decoded()[0].kind for append in await stored(ledger, "sale")]
    assert kinds == ["purchased", "fenced"]
    await ledger.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(ballast: Path, *, leaving_bytes: int) -> None:
    """Make `ballast` so large that its disk has about `leaving_bytes` left."""
    ballast.unlink(missing_ok=True)
    free = os.statvfs(ballast.parent)
    ballast.write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - leaving_bytes)))


@pytest.mark.parametrize("shared", [False, True])
async def test_a_full_disk_rejects_appends_until_there_is_room_again(
    small_disk: Path, shared: bool
) -> None:
    sale = Chain("sale")
    ballast = small_disk / "ballast"
    fill(ballast, leaving_bytes=400_000)
    ledger = await SqliteLedger.open(small_disk / "flash-sale.db", node="node-a", shared=shared)
    await ledger.append(sale.grow())

    with pytest.raises(AppendRejected, match="full"):
        await ledger.append(sale.following(*purchases(20_000)))
    assert await ledger.tail("sale") == 1
    fill(ballast, leaving_bytes=1_000_000)
    await ledger.append(sale.grow(*purchases(1_000)))

    assert await stored(ledger, "sale") == sale.made
    await ledger.close()


async def test_a_ledger_is_not_begun_on_a_full_disk(small_disk: Path) -> None:
    fill(small_disk / "ballast", leaving_bytes=4_096)

    with pytest.raises(LedgerError, match=r"flash-sale\.db"):
        await SqliteLedger.open(small_disk / "flash-sale.db", node="node-a")

    assert names(small_disk) == {"ballast"}

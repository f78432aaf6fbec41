"""Ledger files: which are opened, which are refused, and that what is refused is left as it was."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flashsale_server.ledger import (
    LedgerDamaged,
    LedgerTooNew,
    LedgerUnusable,
    open_ledger,
)
from flashsale_server.ledger.sqlite import SqliteLedger

from tests.ledger.chains import Chain, purchases, stored
from tests.ledger.conftest import Child, names

MODES = pytest.mark.parametrize("shared", [False, True], ids=["owned", "shared"])


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def overwrite(path: Path, written: bytes) -> None:
    path.write_bytes(written)


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


async def filled(path: Path) -> Chain:
    """A closed ledger at `path`, with some pages of one sale."""
    sale = Chain("sale")
    ledger = await SqliteLedger.open(path, node="node-a")
    for _ in range(5):
        await ledger.append(sale.grow(*purchases(300)))
    await ledger.close()
    return sale


async def refusal(path: Path, *, shared: bool = False) -> str:
    """Why `path` is not opened; it must be one sentence, and leave every file as it was."""
    before = contents(path.parent)
    with pytest.raises((LedgerUnusable, LedgerDamaged, LedgerTooNew)) as refused:
        await SqliteLedger.open(path, node="node-a", shared=shared)
    after = contents(path.parent)
    if shared:
        # Whoever shares a ledger leaves its lock file to the others.
        after.pop(f"{path.name}.lock", None)
    assert after == before
    assert "\n" not in str(refused.value)
    return str(refused.value)


@MODES
async def test_a_ledger_survives_being_closed_and_opened(path: Path, shared: bool) -> None:
    sale = await filled(path)

    ledger = await SqliteLedger.open(path, node="node-b", shared=shared)
    assert await ledger.tail("sale") == 1_500
    await ledger.append(sale.grow())
    assert await stored(ledger, "sale") == sale.made
    await ledger.close()


async def test_an_owned_ledger_leaves_one_file_when_it_is_closed(path: Path) -> None:
    await filled(path)

    assert list(contents(path.parent)) == [path.name]


async def test_what_sqlite_was_asked_for_is_in_force(sqlite_ledger: SqliteLedger) -> None:
    def pragma(connection: sqlite3.Connection, name: str) -> object:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    writing, reading = sqlite_ledger._writer._connection, sqlite_ledger._reader._connection

    assert pragma(writing, "journal_mode") == "wal"
    assert pragma(writing, "synchronous") == 2
    assert pragma(writing, "busy_timeout") == pragma(reading, "busy_timeout") == 5_000
    assert pragma(writing, "application_id") == int.from_bytes(b"FLSA", "big")
    assert pragma(writing, "user_version") == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reading.execute("DELETE FROM appends")


async def test_an_empty_file_is_made_a_ledger(path: Path) -> None:
    # This is what is left of a ledger whose maker was killed before its first commit.
    overwrite(path, b"")

    await filled(path)

    assert contents(path.parent)[path.name].startswith(b"SQLite format 3")


async def test_a_symbolic_link_and_its_target_are_one_ledger(path: Path) -> None:
    await filled(path)
    link = path.with_name("link.db")
    link.symlink_to(path)

    ledger = await SqliteLedger.open(link, node="node-a")
    with pytest.raises(LedgerUnusable, match="owned by"):
        await SqliteLedger.open(path, node="node-b")
    await ledger.close()


@MODES
@pytest.mark.parametrize("written", [b"x", b"x" * 512, b"notes\n" * 1_000, b"\0" * 8_192])
async def test_a_file_of_another_kind_is_refused(path: Path, written: bytes, shared: bool) -> None:
    overwrite(path, written)

    assert "is not a SQLite database" in await refusal(path, shared=shared)
    assert not path.with_name("flash-sale.db.lock").exists()


@MODES
@pytest.mark.parametrize("journal_mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("application_id", [0, 1234])
async def test_a_database_of_another_application_is_refused(
    path: Path, journal_mode: str, application_id: int, shared: bool
) -> None:
    execute(
        path,
        f"PRAGMA journal_mode = {journal_mode}",
        f"PRAGMA application_id = {application_id}",
        "CREATE TABLE customers (name TEXT)",
    )

    assert "of another application" in await refusal(path, shared=shared)
    assert not path.with_name("flash-sale.db.lock").exists()


@MODES
async def test_a_ledger_of_a_later_version_is_refused(path: Path, shared: bool) -> None:
    await filled(path)
    execute(path, "PRAGMA user_version = 2")

    assert "has file format 2, and this version reads up to 1" in await refusal(path, shared=shared)
    with pytest.raises(LedgerTooNew):
        await SqliteLedger.open(path, node="node-a")


@MODES
async def test_a_ledger_that_was_cut_short_is_damaged(path: Path, shared: bool) -> None:
    await filled(path)
    overwrite(path, contents(path.parent)[path.name][: 4_096 * 3])

    assert "is damaged: database disk image is malformed" in await refusal(path, shared=shared)


@MODES
async def test_a_ledger_whose_table_was_taken_away_is_damaged(path: Path, shared: bool) -> None:
    await filled(path)
    execute(path, "DROP VIEW entries", "DROP TABLE appends", "PRAGMA wal_checkpoint(TRUNCATE)")

    assert "is damaged: no such table: appends" in await refusal(path, shared=shared)


async def test_a_ledger_with_garbage_in_the_middle_is_damaged_where_it_is_read(path: Path) -> None:
    await filled(path)
    whole = contents(path.parent)[path.name]
    # The first page and the index are whole, and the rows are not.
    overwrite(path, whole[: 4_096 * 4] + b"\xa5" * (len(whole) - 4_096 * 4))
    ledger = await SqliteLedger.open(path, node="node-a", shared=True)

    with pytest.raises(LedgerDamaged, match="is damaged"):
        await stored(ledger, "sale")
    await ledger.close()


async def test_a_ledger_killed_while_its_log_was_copied_into_it_is_whole(path: Path) -> None:
    await filled(path)
    short = contents(path.parent)[path.name]
    ledger = await SqliteLedger.open(path, node="node-a")
    sale = Chain("other")
    for _ in range(5):
        await ledger.append(sale.grow(*purchases(300)))
    log = contents(path.parent)[f"{path.name}-wal"]
    await ledger.close()
    # Copying goes page by page: the first, which counts them all, comes long before the last.
    whole = contents(path.parent)[path.name]
    overwrite(path, whole[:4_096] + short[4_096:])
    overwrite(path.with_name(f"{path.name}-wal"), log)

    ledger = await SqliteLedger.open(path, node="node-a")

    assert await stored(ledger, "other") == sale.made
    await ledger.close()


async def test_a_folder_is_refused(path: Path) -> None:
    assert "is a folder" in await refusal(path.parent)


async def test_a_file_in_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnusable, match="there is no folder"):
        await SqliteLedger.open(tmp_path / "missing" / "flash-sale.db", node="node-a")

    assert names(tmp_path) == set()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that other users can reach."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def allow(path: Path, mode: int) -> None:
    path.chmod(mode)


@pytest.mark.parametrize("exists", [False, True], ids=["new", "old"])
async def test_a_folder_that_cannot_be_written_is_refused(
    child: Child, public_folder: Path, exists: bool
) -> None:
    path = public_folder / "flash-sale.db"
    if exists:
        await filled(path)
        allow(path, 0o666)
    allow(public_folder, 0o555)
    before = contents(public_folder)

    said, _ = child("unprivileged", f"sqlite:///{path}").communicate()

    assert said.startswith(f"LedgerUnusable: the folder {public_folder} cannot be written")
    assert contents(public_folder) == before


async def test_a_file_that_cannot_be_written_is_refused(child: Child, public_folder: Path) -> None:
    path = public_folder / "flash-sale.db"
    await filled(path)
    allow(path, 0o444)
    allow(public_folder, 0o777)
    before = contents(public_folder)

    said, _ = child("unprivileged", f"sqlite:///{path}").communicate()

    assert said.startswith(f"LedgerUnusable: {path} cannot be read and written by this user")
    assert contents(public_folder) == before


@MODES
async def test_every_acknowledged_append_survives_kill_9(
    child: Child, path: Path, shared: bool
) -> None:
    url = f"sqlite:///{path}" + ("?shared=1" if shared else "")
    writer = child("append", url)
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline() for _ in range(7)]
    writer.kill()
    writer.wait()

    ledger = await open_ledger(url, node="node-a")

    assert acknowledged == ["durable\n"] * 7
    assert path.with_name("flash-sale.db-wal").stat().st_size > 0
    assert 7 <= await ledger.tail("sale") <= 10
    assert len(await stored(ledger, "sale")) == await ledger.tail("sale")
    await ledger.close()

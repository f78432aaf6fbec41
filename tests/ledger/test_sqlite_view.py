"""What people and auditors find in a ledger file with nothing but SQLite."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flashsale_server.domain import Entry, EntryDetail, SaleTerms
from flashsale_server.ledger import GENESIS_DIGEST, LedgerDamaged, LedgerTooNew
from flashsale_server.ledger.sqlite import SqliteLedger

from tests.ledger.chains import Chain, purchases


@pytest.fixture
def query(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the ledger file, such as any SQLite tool makes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


async def write(path: Path, *chains: Chain) -> None:
    ledger = await SqliteLedger.open(path, node="node-a")
    for chain in chains:
        for append in chain.made:
            await ledger.append(append)
    await ledger.close()


async def test_the_view_has_one_line_an_entry_in_typed_columns(
    path: Path, query: sqlite3.Connection
) -> None:
    sale = Chain("sale")
    terms = SaleTerms(title="Größe 42", per_user_limit=2)
    sale.grow(Entry("opened", 100, detail=EntryDetail(terms=terms)))
    sale.grow(*purchases(1), Entry("purchased", -2, "zoë", "p-1", "r-1", 2, 7))
    await write(path, sale)

    first, _, last = [
        dict(line) for line in query.execute("SELECT * FROM entries ORDER BY position")
    ]

    assert first == {
        "sale_id": "sale",
        "position": 1,
        "kind": "opened",
        "stock_change": 100,
        "user_id": None,
        "purchase_id": None,
        "request_id": None,
        "quantity": 0,
        "recorded_at": "2027-01-15T08:00:00.000000Z",
        "node": "node-a",
        "arrival": 0,
        "detail": '{"terms":{"title":"Größe 42","per_user_limit":2}}',
    }
    assert last == {
        "sale_id": "sale",
        "position": 3,
        "kind": "purchased",
        "stock_change": -2,
        "user_id": "zoë",
        "purchase_id": "p-1",
        "request_id": "r-1",
        "quantity": 2,
        "recorded_at": "2027-01-15T08:00:00.000001Z",
        "node": "node-a",
        "arrival": 7,
        "detail": None,
    }


async def test_the_sum_of_the_stock_changes_is_the_available_stock(
    path: Path, query: sqlite3.Connection
) -> None:
    sale, other = Chain("sale"), Chain("other")
    sale.grow(Entry("opened", 100))
    sale.grow(*purchases(30))
    sale.grow(Entry("released", 2), Entry("refused"))
    other.grow(Entry("opened", 7))
    await write(path, sale, other)

    (available,) = query.execute(
        "SELECT sum(stock_change) FROM entries WHERE sale_id = 'sale'"
    ).fetchone()

    assert available == 72


async def test_a_sale_is_found_in_the_view_by_its_key(
    path: Path, query: sqlite3.Connection
) -> None:
    await write(path, Chain("sale"))

    plan = query.execute("EXPLAIN QUERY PLAN SELECT * FROM entries WHERE sale_id = 'sale'")

    assert any(re.search(r"SEARCH appends USING INDEX", line["detail"]) for line in plan)


async def verify(path: Path) -> None:
    """Read the sale to its end, as a replay does."""
    ledger = await SqliteLedger.open(path, node="node-a")
    last_position, digest = 0, GENESIS_DIGEST
    try:
        async for append in ledger.read("sale", 0):
            append.verify(last_position=last_position, digest=digest)
            append.decoded()
            last_position, digest = append.last_position, append.digest
    finally:
        await ledger.close()


TAMPERINGS = {
    "a changed entry": ["UPDATE appends SET entries = replace(entries, 'user-1', 'user-9')"],
    "a changed node": ["UPDATE appends SET node = 'node-b' WHERE first_position = 4"],
    "a changed time": ["UPDATE appends SET recorded_at = 0 WHERE first_position = 4"],
    "a changed digest": ["UPDATE appends SET digest = zeroblob(32) WHERE first_position = 4"],
    "a dropped row": ["DELETE FROM appends WHERE first_position = 4"],
    "a dropped first row": ["DELETE FROM appends WHERE first_position = 1"],
    "a row of another sale": ["UPDATE appends SET sale_id = 'x' WHERE sale_id = 'sale'",
        "UPDATE appends SET sale_id = 'sale' WHERE sale_id = 'other'"],
    "two rows in each other's place": [
        "UPDATE appends SET first_position = -4 WHERE first_position = 4",
        "UPDATE appends SET first_position = 4, last_position = 6 WHERE first_position = 7",
        "UPDATE appends SET first_position = 7, last_position = 9 WHERE first_position = -4",
    ],
}  # fmt: skip


@pytest.mark.parametrize("tampering", TAMPERINGS)
async def test_a_replay_finds(path: Path, query: sqlite3.Connection, tampering: str) -> None:
    sale, other = Chain("sale"), Chain("other")
    for _ in range(4):
        sale.grow(*purchases(3))
    other.grow()
    await write(path, sale, other)
    await verify(path)

    for statement in TAMPERINGS[tampering]:
        query.execute(statement)

    with pytest.raises(LedgerDamaged):
        await verify(path)


async def test_entries_of_a_later_schema_are_not_guessed_at(
    path: Path, query: sqlite3.Connection
) -> None:
    sale = Chain("sale")
    sale.grow()
    await write(path, sale)
    query.execute("UPDATE appends SET schema_version = 2")
    ledger = await SqliteLedger.open(path, node="node-a")

    (append,) = [append async for append in ledger.read("sale", 0)]

    with pytest.raises(LedgerTooNew, match="schema version 2 from position 1"):
        append.decoded()
    await ledger.close()


async def test_the_table_takes_no_row_of_another_shape(
    path: Path, query: sqlite3.Connection
) -> None:
    await write(path, Chain("sale"))

    with pytest.raises(sqlite3.IntegrityError, match="cannot store TEXT"):
        query.execute("INSERT INTO appends VALUES ('sale', 'one', 1, 0, 'n', 1, '[]', x'00')")
    with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
        query.execute("INSERT INTO appends VALUES ('sale', 1, 1, 0, 'n', 1, NULL, x'00')")

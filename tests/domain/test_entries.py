"""Entries as the ledger stores them. What is pinned here must be read for ever."""

from dataclasses import replace

import msgspec
import pytest
from flashsale_server.domain import (
    SCHEMA_VERSION,
    Entry,
    EntryDetail,
    EntryKind,
    Inventory,
    Outcome,
    SaleTerms,
    UnknownEntry,
)
from flashsale_server.ledger import GENESIS_DIGEST, Append, LedgerDamaged, LedgerTooNew, encoded

TERMS = SaleTerms("A bicycle", 5, 9, 2)
STORED = {
    '[["opened",100,"","","",0,0,{"terms":{"title":"A bicycle","starts_at_us":5,"ends_at_us":9,'
    '"per_user_limit":2}}]]': Entry("opened", 100, detail=EntryDetail(TERMS)),
    '[["purchased",-2,"ann","p-1","r-1",2,7,null]]': Entry(
        "purchased", -2, "ann", "p-1", "r-1", 2, 7
    ),
    '[["refused",0,"ann","","r-1",1,8,{"outcome":"SOLD_OUT"}]]': Entry(
        "refused", 0, "ann", "", "r-1", 1, 8, EntryDetail(outcome=Outcome.SOLD_OUT.value)
    ),
    '[["paused",0,"","","",0,0,null]]': Entry("paused"),
    '[["resumed",0,"","","",0,0,null]]': Entry("resumed"),
    '[["ended",0,"","","",0,0,null]]': Entry("ended"),
    '[["restocked",-5,"","","",0,0,null]]': Entry("restocked", -5),
    '[["updated",0,"","","",0,0,{"terms":{}}]]': Entry("updated", detail=EntryDetail(SaleTerms())),
    '[["fenced",0,"","","",0,0,null]]': Entry("fenced"),
}


def stored(entry: Entry) -> Append:
    return encoded("s", [entry], last_position=0, digest=GENESIS_DIGEST, recorded_at_us=1, node="n")


@pytest.mark.parametrize("text", STORED)
def test_a_stored_entry_reads_as_it_was_written(text: str) -> None:
    append = stored(STORED[text])
    assert append.entries == text
    assert append.decoded() == (STORED[text],)


def test_a_digest_stays_what_it_was() -> None:
    append = encoded(
        "sale",
        [Entry(EntryKind.OPENED.value, 3)],
        last_position=0,
        digest=GENESIS_DIGEST,
        recorded_at_us=1_700_000_000_000_000,
        node="node-1",
    )
    # sha256 of 32 zero bytes, the columns each with a newline, and the entries.
    assert append.digest.hex() == (
        "6d6f3712790fe304907cf57f552c11c929d18973752f8cad6010f051ce835636"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[[]]",
        "[]",
        '[["paused","many"]]',
        '[["paused",0,"","","",0,0,{"colour":"red"}]]',
        '[["updated",0,"","","",0,0,{"terms":{"colour":"red"}}]]',
        '[["paused",0,"","","",0,0,null,"and a ninth column"]]',
        '[["paused"],["resumed"]]',
    ],
    ids=[
        "nothing",
        "no list",
        "no kind",
        "too few entries",
        "no number",
        "a detail that nobody knows",
        "a term that nobody knows",
        "a column that nobody knows",
        "too many entries",
    ],
)
def test_a_text_that_no_version_writes_is_damage(text: str) -> None:
    with pytest.raises(LedgerDamaged, match="sale 's' at positions 1 to 1"):
        replace(stored(Entry("paused")), entries=text).decoded()


def test_a_later_version_is_not_guessed_at() -> None:
    later = SCHEMA_VERSION + 1
    with pytest.raises(LedgerTooNew, match=f"schema version {later} from position 1"):
        replace(stored(Entry("paused")), schema_version=later).decoded()


def test_a_kind_that_nobody_knows_is_read_and_then_stops_the_replay() -> None:
    append = replace(stored(Entry("paused")), entries='[["teleported",0,"","","",0,0,null]]')
    (entry,) = append.decoded()
    with pytest.raises(UnknownEntry, match="position 1: unknown kind of entry 'teleported'"):
        Inventory().apply([entry], append.recorded_at_us)


def test_a_row_of_each_kind_that_is_written_today_is_pinned() -> None:
    pinned = {entry.kind for entry in STORED.values()}
    assert {kind.value for kind in EntryKind} - pinned == {
        "held",
        "confirmed",
        "released",
        "expired",
        "cancelled",
    }


def test_what_is_pinned_can_be_replayed() -> None:
    inventory = Inventory()
    for position, text in enumerate(STORED, 1):
        append = replace(stored(STORED[text]), first_position=position, last_position=position)
        inventory.apply(append.decoded(), append.recorded_at_us)
    assert (inventory.total_stock, inventory.available_stock, inventory.sold_stock) == (95, 93, 2)
    assert inventory.has_ended


def test_text_that_people_write_comes_back_as_it_was() -> None:
    entry = Entry("purchased", -1, 'ann "\\" \u00fc\U0001f6b2', "p", "r/\u2028", 1)
    assert stored(entry).decoded() == (entry,)


def test_the_version_of_the_entries_shape_is_pinned() -> None:
    assert SCHEMA_VERSION == 1


def test_a_shorter_entry_of_the_same_version_is_read_with_defaults() -> None:
    assert msgspec.json.decode('["paused"]', type=Entry) == Entry("paused")

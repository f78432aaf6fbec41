"""Entries as the ledger stores them. What is pinned here must be read for ever."""

from dataclasses import replace

import msgspec
import pytest
from flashsale_server.domain import Entry, EntryDetail, EntryKind, Outcome, SaleTerms
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
    ["", "{}", "[[]]", '[["paused",0,"","","",0,0,{"colour":"red"}]]', '[["paused","many"]]', "[]"],
)
def test_a_text_that_no_version_writes_is_damage(text: str) -> None:
    with pytest.raises(LedgerDamaged):
        replace(stored(Entry("paused")), entries=text).decoded()


def test_a_later_version_is_not_guessed_at() -> None:
    with pytest.raises(LedgerTooNew):
        replace(stored(Entry("paused")), schema_version=99).decoded()


def test_a_shorter_entry_of_the_same_version_is_read_with_defaults() -> None:
    assert msgspec.json.decode('["paused"]', type=Entry) == Entry("paused")

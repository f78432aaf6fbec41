"""The audit: silent about what the rules make, and never about what they do not."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from flashsale_server.domain import Entry, EntryDetail, Rule, SaleTerms
from flashsale_server.ledger import Append, ChainAudit, LedgerTooNew
from flashsale_server.ledger.chain_audit import DIGESTS, ROWS
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed_terms

from tests.ledger.audited_days import (
    FINAL,
    HOLDS,
    KINDS,
    SALE,
    SECOND_US,
    RandomDay,
    Row,
    audited,
    chained,
    changed,
    end,
    held,
    opened,
    order,
    renumbered,
    whole_day,
)

Forgery = Callable[[list[Row]], list[Row]]


def entry_at(position: int, **fields: object) -> Forgery:
    """Change what the entry at a position says."""

    def forge(rows: list[Row]) -> list[Row]:
        return [
            replace(
                row,
                entries=tuple(
                    changed(entry, **fields) if number == position else entry
                    for number, entry in enumerate(row.entries, row.first_position)
                ),
            )
            for row in rows
        ]

    return forge


def put(position: int, *entries: Entry, at: float | None = None) -> Forgery:
    """Put entries before a position, as a row of their own where a time is given."""

    def forge(rows: list[Row]) -> list[Row]:
        forged: list[Row] = []
        for row in rows:
            index = position - row.first_position
            if 0 <= index < len(row.entries):
                if at is None:
                    both = (*row.entries[:index], *entries, *row.entries[index:])
                    forged.append(replace(row, entries=both))
                    continue
                assert index == 0
                forged.append(Row(0, int(at * SECOND_US), "a", entries))
            forged.append(row)
        return renumbered(forged)

    return forge


def at(position: int, seconds: float) -> Forgery:
    """Change when the row that begins at a position was recorded."""
    return lambda rows: [
        replace(row, at_us=int(seconds * SECOND_US)) if row.first_position == position else row
        for row in rows
    ]


def without(position: int, *, closes_up: bool = True) -> Forgery:
    """Drop the row that begins at a position."""

    def forge(rows: list[Row]) -> list[Row]:
        kept = [row for row in rows if row.first_position != position]
        return renumbered(kept) if closes_up else kept

    return forge


def terms(position: int, base: SaleTerms, **fields: object) -> Forgery:
    return entry_at(position, detail=EntryDetail(changed_terms(base, **fields)))


def swapped(rows: list[Row]) -> list[Row]:
    """The two holds of one row, in the other order."""
    return [
        replace(row, entries=row.entries[::-1]) if row.first_position == 2 else row for row in rows
    ]


def added(*entries: Entry) -> Forgery:
    return lambda rows: renumbered([*rows, Row(0, 21 * SECOND_US, "a", entries)])


FORGERIES: list[tuple[str, Forgery, Rule, int]] = [
    ("a row is missing", without(9, closes_up=False), Rule.POSITIONS, 10),
    ("time runs backwards", at(11, 14.5), Rule.TIME, 11),
    ("an unknown kind", entry_at(15, kind="gifted"), Rule.KNOWN, 15),
    ("an update without terms", entry_at(12, detail=None), Rule.KNOWN, 12),
    ("an end before the start", terms(12, FINAL, ends_at_us=0), Rule.KNOWN, 12),
    ("a refusal that sells", entry_at(8, detail=EntryDetail(outcome="HELD")), Rule.KNOWN, 8),
    ("opened twice", put(9, opened(0, HOLDS)), Rule.OPENED, 9),
    ("never opened", without(1), Rule.OPENED, 1),
    ("more sold than there is", entry_at(1, stock_change=2), Rule.STOCK, 3),
    ("more taken away than there is", entry_at(11, stock_change=-19), Rule.STOCK, 11),
    ("more than can be counted", entry_at(11, stock_change=2**31 - 20), Rule.STOCK, 11),
    ("units that come from nowhere", entry_at(15, stock_change=1), Rule.SUM, 15),
    ("a sale that takes too little", entry_at(16, stock_change=-1), Rule.SUM, 16),
    ("a release that gives nothing back", entry_at(5, stock_change=0), Rule.SUM, 5),
    ("an expiry that gives too much back", entry_at(7, stock_change=2), Rule.SUM, 7),
    ("a cancelling that gives nothing back", entry_at(14, stock_change=0), Rule.SUM, 14),
    ("a confirmation that gives units back", entry_at(4, stock_change=2), Rule.SUM, 4),
    ("an order for nothing", entry_at(16, stock_change=0, quantity=0), Rule.UNITS, 16),
    ("an end of other units", entry_at(5, quantity=2), Rule.UNITS, 5),
    ("over the user's limit", terms(1, HOLDS, per_user_limit=1), Rule.USER_LIMIT, 2),
    (
        "over the user's limit, held and sold together",
        put(4, held("ann", 7, 2, 3, 12 * SECOND_US), at=2),
        Rule.USER_LIMIT,
        4,
    ),
    ("over the order's limit", terms(1, HOLDS, per_order_limit=1), Rule.ORDER_LIMIT, 2),
    ("before the start", terms(1, HOLDS, starts_at_us=SECOND_US * 5 // 2), Rule.START, 2),
    ("at the end", terms(12, FINAL, ends_at_us=18 * SECOND_US), Rule.END, 16),
    ("during a pause", without(10), Rule.PAUSE, 12),
    ("bought after the end", added(order("purchased", "fay", 6, 1, 6)), Rule.OVER, 18),
    ("changed after the end", added(Entry("restocked", 1)), Rule.OVER, 18),
    ("ended twice", added(Entry("ended")), Rule.OVER, 18),
    ("paused twice", put(10, Entry("paused")), Rule.CHANGE, 10),
    ("resumed twice", put(11, Entry("resumed")), Rule.CHANGE, 11),
    ("sold where holds are sold", entry_at(3, kind="purchased", detail=None), Rule.HOLDS, 3),
    ("held where nothing is held", terms(1, HOLDS, hold_us=0), Rule.HOLDS, 2),
    (
        "held for longer",
        entry_at(6, detail=EntryDetail(expires_at_us=13 * SECOND_US - 1)),
        Rule.HOLDS,
        6,
    ),
    ("a purchase id used twice", entry_at(16, purchase_id="p-4"), Rule.PURCHASE_ID, 16),
    ("no purchase id", entry_at(16, purchase_id=""), Rule.PURCHASE_ID, 16),
    ("a request that buys twice", entry_at(6, request_id="r-2"), Rule.REQUEST_ID, 6),
    ("bought after a refusal", entry_at(16, user_id="cid", request_id="r-9"), Rule.REFUSED, 16),
    (
        "refused after buying",
        entry_at(8, user_id="ann", request_id="r-1"),
        Rule.REFUSED,
        8,
    ),
    ("released twice", put(6, end("released", "bob", 2, 1)), Rule.ENDS_ONCE, 6),
    ("expired after release", put(9, end("expired", "bob", 2, 1)), Rule.ENDS_ONCE, 9),
    ("confirmed after release", put(6, end("confirmed", "bob", 2, 1)), Rule.ENDS_ONCE, 6),
    ("confirmed twice", put(5, end("confirmed", "ann", 1, 2)), Rule.ENDS_ONCE, 5),
    ("cancelled twice", put(15, end("cancelled", "dan", 4, 1)), Rule.ENDS_ONCE, 15),
    ("released what was sold", put(17, end("released", "eve", 5, 2)), Rule.ENDS_ONCE, 17),
    ("an end of nothing", entry_at(5, purchase_id="p-99"), Rule.ENDS_ONCE, 5),
    ("an end for another user", entry_at(5, user_id="ann"), Rule.ENDS_ONCE, 5),
    ("confirmed at its expiry", entry_at(7, kind="confirmed", stock_change=0), Rule.EXPIRY, 7),
    ("released after its expiry", entry_at(7, kind="released"), Rule.EXPIRY, 7),
    ("expired too early", at(7, 12.999999), Rule.EXPIRY, 7),
    ("served before their turn", swapped, Rule.ARRIVAL, 3),
    ("a call decided twice", entry_at(16, arrival=4), Rule.ARRIVAL, 16),
    ("a call that never came", entry_at(13, arrival=0), Rule.ARRIVAL, 13),
]


def test_a_whole_day_has_everything_in_it_and_nothing_is_found() -> None:
    rows = whole_day()
    assert {entry.kind for row in rows for entry in row.entries} == KINDS
    assert audited(chained(rows)) == []


def test_what_it_counts_is_what_there_is() -> None:
    audit = ChainAudit(SALE)
    for append in chained(whole_day()):
        assert list(audit.findings(append)) == []
    sale = audit.sale
    assert (sale.available, sale.held, sale.sold, sale.total) == (21, 0, 4, 25)
    assert {kind: n for kind, n in sale.purchases.items() if n} == {
        "confirmed": 1,
        "released": 1,
        "expired": 1,
        "cancelled": 1,
        "purchased": 1,
    }


@pytest.mark.parametrize("seed", range(60))
def test_random_days_are_clean(seed: int) -> None:
    rows = RandomDay(seed).live(120)
    assert audited(chained(rows)) == []


@pytest.mark.parametrize(
    ("forge", "rule", "position"),
    [forgery[1:] for forgery in FORGERIES],
    ids=[forgery[0] for forgery in FORGERIES],
)
def test_a_forgery_with_fitting_digests_is_found_by_the_rules(
    forge: Forgery, rule: Rule, position: int
) -> None:
    findings = audited(chained(forge(whole_day())))
    first = findings[0]
    assert (first.rule, first.position) == (rule, position), [str(item) for item in findings]
    sentence = str(first)
    assert f"sale {SALE!r}, position {position}: " in sentence
    assert sentence.endswith(f"the rule is that {rule}")


def test_after_a_fence_calls_of_the_row_before_it_may_come_again_and_no_earlier_ones() -> None:
    def after_a_fence(node: str, arrival: int) -> list[tuple[str, int]]:
        refused = changed(whole_day()[3].entries[1], request_id="r-8", arrival=arrival)
        rows = whole_day()[:-1]
        # Call 5 of node a is in the row that it did not know to have landed.
        rows += [Row(0, 18 * SECOND_US, node, (Entry("fenced"),))]
        rows += [Row(0, 18 * SECOND_US, "a", (refused,))]
        found = audited(chained(renumbered(rows)))
        return [(finding.rule, finding.position) for finding in found]

    assert after_a_fence("a", 5) == []
    assert after_a_fence("a", 4) == [(Rule.ARRIVAL, 18)]
    assert after_a_fence("b", 5) == [(Rule.ARRIVAL, 18)], "the fence of another node"


def test_there_is_a_forgery_of_every_rule() -> None:
    assert {rule for _, _, rule, _ in FORGERIES} == set(Rule)


def test_it_goes_on_after_the_first_finding() -> None:
    forged = entry_at(16, purchase_id="p-4")(
        entry_at(8, user_id="ann", request_id="r-1")(whole_day())
    )
    found = [(finding.rule, finding.position) for finding in audited(chained(forged))]
    assert found == [(Rule.REFUSED, 8), (Rule.PURCHASE_ID, 16)]


OTHER_VALUES: dict[str, Callable[[Append], object]] = {
    "recorded_at_us": lambda append: append.recorded_at_us + 1,
    "node": lambda append: append.node + "'",
    "entries": lambda append: append.entries.replace('"p-', '"q-').replace("Hats", "Caps") + " ",
    "digest": lambda append: append.digest[::-1],
    "sale_id": lambda _: "other",
    "schema_version": lambda _: 0,
}


@given(index=st.integers(0, 11), column=st.sampled_from(sorted(OTHER_VALUES)))
def test_a_changed_column_breaks_the_chain_there_and_is_found(index: int, column: str) -> None:
    appends = chained(whole_day())
    value = OTHER_VALUES[column](appends[index])
    appends[index] = replace(appends[index], **{column: value})  # type: ignore[arg-type]  # of its column's type
    findings = audited(appends)
    first = findings[0]
    assert (first.rule, first.position) == (DIGESTS, appends[index].first_position)
    assert "does not match its digest" in first.text
    if column in {"node", "schema_version", "sale_id"}:
        assert len(findings) == 1, "the rows after it are as they were"


@given(seed=st.integers(0, 5), chance=st.randoms(use_true_random=False))
def test_a_dropped_swapped_or_repeated_row_is_found(seed: int, chance: random.Random) -> None:
    appends = chained(RandomDay(seed).live(30))
    one, two = sorted(chance.sample(range(len(appends) - 1), 2))
    dropped = [*appends[:one], *appends[one + 1 :]]
    repeated = [*appends[: two + 1], appends[one], *appends[two + 1 :]]
    swapped_rows = list(appends)
    swapped_rows[one], swapped_rows[two] = swapped_rows[two], swapped_rows[one]
    for forged in (dropped, repeated, swapped_rows):
        assert audited(forged)[0].rule in {DIGESTS, Rule.POSITIONS, Rule.OPENED}


@pytest.mark.parametrize("entries", ["", "nonsense", "[]", '[["purchased",-1]]', '[{"kind":1}]'])
def test_a_row_that_cannot_be_read_is_named_and_the_rest_is_looked_at(entries: str) -> None:
    appends = chained(whole_day())
    appends[1] = replace(appends[1], entries=entries)
    findings = audited(appends)
    assert [(item.rule, item.position) for item in findings[:2]] == [(DIGESTS, 2), (ROWS, 2)]
    assert (Rule.ENDS_ONCE, 4) in [(item.rule, item.position) for item in findings]


def test_a_later_version_is_not_guessed_at() -> None:
    appends = chained(whole_day())
    audit = ChainAudit(SALE)
    with pytest.raises(LedgerTooNew):
        list(audit.findings(replace(appends[0], schema_version=99)))

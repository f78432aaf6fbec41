"""Drafts: deciding ahead of the ledger, and at which instant."""

import copy
import itertools

import msgspec
import pytest
from flashsale_server.domain import (
    Answer,
    CancelCommand,
    ChangeOutcome,
    Command,
    ConfirmCommand,
    Decided,
    Draft,
    EndCommand,
    Entry,
    EntryKind,
    Outcome,
    PauseCommand,
    PurchaseCommand,
    ReleaseCommand,
    RestockCommand,
    ResumeCommand,
    SaleTerms,
    Transition,
    UpdateCommand,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.sales import NOW_US, answer, change, decide, kinds, land, opened, order, outcomes


def test_a_decision_changes_nothing_in_the_inventory() -> None:
    inventory = opened(1)
    decide(Draft(inventory, NOW_US), order("ann"), PauseCommand())
    assert inventory == opened(1)


def test_what_has_landed_shows_in_the_inventory() -> None:
    inventory = opened(1)
    draft = Draft(inventory, NOW_US)
    decide(draft, order("ann"))
    land(draft, inventory)
    assert (inventory.available_stock, inventory.sold_stock) == (0, 1)
    assert inventory.purchases_of("ann") == draft.purchases_of("ann")


def test_a_draft_over_a_draft_sees_what_is_still_being_written() -> None:
    written = Draft(opened(1), NOW_US)
    decide(written, order("ann"), order("cid", is_retry=True))
    ahead = Draft(written, NOW_US)
    results = decide(ahead, order("bob"), order("ann", "r-2"), order("ann"), order("cid"))
    assert outcomes(results) == [
        Outcome.SOLD_OUT,
        Outcome.ALREADY_PURCHASED,
        Outcome.PURCHASED,
        Outcome.SOLD_OUT,
    ]
    assert ahead.entries == []


def test_a_draft_that_is_thrown_away_leaves_nothing_behind() -> None:
    written = Draft(opened(1), NOW_US)
    before = copy.deepcopy(written)
    decide(Draft(written, NOW_US), order("ann"))
    assert written == before
    assert answer(written, order("bob")).outcome is Outcome.PURCHASED


def test_a_draft_goes_on_after_what_it_lay_on_has_landed() -> None:
    inventory = opened(2)
    written = Draft(inventory, NOW_US)
    decide(written, order("ann"))
    ahead = Draft(written, NOW_US)
    land(written, inventory)
    ahead.settle_on(inventory)
    del written
    results = decide(ahead, order("ann", "r-2"), order("bob"), order("cid"))
    assert outcomes(results) == [Outcome.ALREADY_PURCHASED, Outcome.PURCHASED, Outcome.SOLD_OUT]
    assert ahead.base_position == inventory.last_position == 2


def test_a_draft_reads_from_the_inventory_that_it_has_settled_on() -> None:
    first, second = opened(9), opened(9)
    elsewhere = Draft(second, NOW_US)
    decide(elsewhere, order("ann"), order("bob", is_retry=True, quantity=2))
    land(elsewhere, second)
    ahead = Draft(first, NOW_US)
    ahead.settle_on(second)
    assert ahead.purchases_of("ann") == second.purchases_of("ann")
    assert ahead.refusal_for("bob", "r-bob") == second.refusal_for("bob", "r-bob")


_PEOPLE = st.sampled_from(["ann", "bob", "cid"])
_MOVES = st.builds(
    lambda kind, user_id, number: kind(user_id, f"p-{number}"),
    st.sampled_from([ConfirmCommand, ReleaseCommand, CancelCommand]),
    _PEOPLE,
    st.integers(2, 6),
)
_COMMANDS = st.one_of(
    _MOVES,
    st.builds(order, _PEOPLE, st.just("r-1"), st.integers(1, 3), is_retry=st.booleans()),
    st.builds(order, _PEOPLE, is_retry=st.booleans()),
    st.sampled_from([PauseCommand(), ResumeCommand(), EndCommand(), RestockCommand(2)]),
    st.just(UpdateCommand(SaleTerms(title="hats", per_user_limit=3))),
    st.just(UpdateCommand(SaleTerms(per_user_limit=3, hold_us=5))),
)


@given(st.lists(st.lists(_COMMANDS, max_size=6), min_size=1, max_size=4))
def test_what_a_draft_came_to_is_what_its_entries_come_to(days: list[list[Command]]) -> None:
    terms = SaleTerms(per_user_limit=2, hold_us=10)
    applied, settled = opened(4, terms), opened(4, terms)
    for number, commands in enumerate(days):
        draft = Draft(settled, NOW_US + 7 * number)
        decide(draft, *commands)
        draft.fence()
        land(draft, applied)
        draft.settle_into(settled)
        assert settled == applied


_CROWDS = st.lists(
    st.builds(
        order,
        st.sampled_from([f"u-{number}" for number in range(20)]),
        st.just("") | st.just("r-1"),
        st.just(1) | st.integers(1, 2),
        is_retry=st.sampled_from([False, False, False, True]),
    ),
    max_size=8,
)
_SALES = st.sampled_from(
    [
        SaleTerms(),
        SaleTerms(per_user_limit=2),
        SaleTerms(per_user_limit=0),
        SaleTerms(starts_at_us=NOW_US + 1),
        SaleTerms(ends_at_us=NOW_US),
        SaleTerms(hold_us=1),
        SaleTerms(per_user_limit=2, per_order_limit=1, hold_us=5),
    ]
)


@given(st.integers(0, 12), _SALES, st.booleans(), st.lists(_CROWDS, max_size=4))
def test_a_crowd_decided_together_is_decided_as_one_by_one(
    stock: int, terms: SaleTerms, is_paused: bool, crowds: list[list[PurchaseCommand]]
) -> None:
    inventory = opened(stock, terms)
    if is_paused:
        inventory.apply([Entry(EntryKind.PAUSED.value)], 0)
    together, one_by_one = Draft(inventory, NOW_US), Draft(inventory, NOW_US)
    now_us = NOW_US
    mint = (f"p-{number}" for number in itertools.count()).__next__
    mint_again = (f"p-{number}" for number in itertools.count()).__next__
    for crowd in crowds:
        decided = together.decide(crowd, mint)
        singly = [one_by_one.decide([command], mint_again) for command in crowd]
        assert decided == [result for results in singly for result in results]
        assert together.entries == one_by_one.entries
        assert together == one_by_one
        now_us += 1
        together, one_by_one = Draft(together, now_us), Draft(one_by_one, now_us)


# Time.


def test_time_never_runs_backwards() -> None:
    inventory = opened(terms=SaleTerms(starts_at_us=NOW_US))
    inventory.apply([Entry(EntryKind.FENCED.value)], NOW_US)
    draft = Draft(inventory, NOW_US - 500)
    assert draft.decided_at_us == NOW_US
    assert answer(draft, order("ann")).outcome is Outcome.PURCHASED


def test_an_end_that_was_noticed_stays_although_the_clock_is_set_back() -> None:
    inventory = opened(terms=SaleTerms(ends_at_us=NOW_US))
    land(Draft(inventory, NOW_US), inventory)
    assert answer(Draft(inventory, 0), order("ann")).outcome is Outcome.ENDED


def test_whoever_notices_the_end_first_writes_it_down() -> None:
    draft = Draft(opened(terms=SaleTerms(ends_at_us=NOW_US)), NOW_US)
    assert kinds(draft) == [EntryKind.ENDED]
    assert answer(draft, order("ann")).outcome is Outcome.ENDED


def test_nobody_notices_the_end_a_microsecond_early() -> None:
    draft = Draft(opened(terms=SaleTerms(ends_at_us=NOW_US)), NOW_US - 1)
    assert draft.entries == []
    assert answer(draft, order("ann")).outcome is Outcome.PURCHASED


def test_the_end_is_written_once() -> None:
    inventory = opened(terms=SaleTerms(ends_at_us=NOW_US))
    first = Draft(inventory, NOW_US)
    assert Draft(first, NOW_US).entries == []
    land(first, inventory)
    assert Draft(inventory, NOW_US + 5).entries == []


@pytest.mark.parametrize(
    "terms", [SaleTerms(starts_at_us=NOW_US), SaleTerms(ends_at_us=NOW_US)], ids=["start", "end"]
)
def test_a_batch_joins_only_while_no_boundary_lies_between(terms: SaleTerms) -> None:
    draft = Draft(opened(terms=terms), NOW_US - 10)
    assert draft.admits(NOW_US - 10)
    assert draft.admits(NOW_US - 1)
    assert not draft.admits(NOW_US)


def test_a_batch_joins_whenever_there_is_no_boundary_left() -> None:
    assert Draft(opened(), NOW_US).admits(NOW_US * 1000)
    assert Draft(opened(terms=SaleTerms(ends_at_us=5)), NOW_US).admits(NOW_US * 1000)


def test_a_clock_that_is_set_back_keeps_no_batch_out() -> None:
    draft = Draft(opened(terms=SaleTerms(starts_at_us=5, ends_at_us=2 * NOW_US)), NOW_US)
    assert draft.admits(0)


def test_new_terms_move_the_boundary() -> None:
    draft = Draft(opened(), NOW_US)
    decide(draft, UpdateCommand(SaleTerms(ends_at_us=NOW_US + 5)))
    assert draft.admits(NOW_US + 4)
    assert not draft.admits(NOW_US + 5)
    decide(draft, UpdateCommand(SaleTerms()))
    assert draft.admits(NOW_US + 5)


def test_new_terms_that_end_in_the_past_end_the_sale_at_once() -> None:
    draft = Draft(opened(), NOW_US)
    assert change(draft, UpdateCommand(SaleTerms(ends_at_us=NOW_US))) is ChangeOutcome.CHANGED
    assert kinds(draft) == [EntryKind.UPDATED, EntryKind.ENDED]
    assert answer(draft, order("ann")).outcome is Outcome.ENDED


INSTANTS_US = st.integers(0, 40)
TERMS = st.builds(
    SaleTerms,
    starts_at_us=INSTANTS_US,
    ends_at_us=st.none() | INSTANTS_US,
    per_user_limit=st.integers(1, 4),
    hold_us=st.sampled_from([0, 1, 5, 20]),
)
# New terms hold from the draft's instant on, for the rest of their batch too; so they end one here.
TIMELESS = st.one_of(
    st.builds(
        order,
        st.sampled_from("ab"),
        st.sampled_from("xyz"),
        st.integers(1, 3),
        is_retry=st.booleans(),
    ),
    st.builds(
        lambda kind, user_id, number: kind(user_id, f"p-{number}"),
        st.sampled_from([ConfirmCommand, ReleaseCommand, CancelCommand]),
        st.sampled_from("ab"),
        st.integers(2, 6),
    ),
    st.sampled_from([PauseCommand(), ResumeCommand(), EndCommand(), RestockCommand(-2)]),
)
BATCHES = st.lists(TIMELESS, min_size=1, max_size=6)


@settings(deadline=None, max_examples=300)
@given(
    terms=TERMS,
    holds=st.lists(TIMELESS, max_size=4),
    earlier=st.lists(TIMELESS, max_size=4).flatmap(
        lambda batch: st.just(batch) | TERMS.map(lambda terms: [*batch, UpdateCommand(terms)])
    ),
    batch=BATCHES,
    first_us=INSTANTS_US,
    later_us=INSTANTS_US,
)
def test_a_batch_that_a_draft_admits_is_decided_as_at_its_own_time(
    *,
    terms: SaleTerms,
    holds: list[Command],
    earlier: list[Command],
    batch: list[Command],
    first_us: int,
    later_us: int,
) -> None:
    sale = opened(5, terms)
    before = Draft(sale, 0)
    decide(before, *holds)
    land(before, sale)
    draft = Draft(sale, first_us)
    decide(draft, *earlier)
    later_us = max(first_us, later_us)
    if not draft.admits(later_us):
        return
    at_its_own_time = Draft(copy.deepcopy(draft), later_us)
    assert at_its_own_time.entries == []
    already = len(draft.entries)
    results = decide(draft, *batch)
    assert _undated(results) == _undated(decide(at_its_own_time, *batch))
    now = map(_undated_entry, draft.entries[already:])
    assert list(now) == list(map(_undated_entry, at_its_own_time.entries))


def _undated(results: list[Decided]) -> list[Decided]:
    """The results without the times of their purchases, which are those of the draft."""
    return [
        msgspec.structs.replace(
            result,
            purchase=msgspec.structs.replace(
                result.purchase, recorded_at_us=0, expires_at_us=result.purchase.expires_at_us and 1
            ),
        )
        if isinstance(result, Answer | Transition) and result.purchase
        else result
        for result in results
    ]


def _undated_entry(entry: Entry) -> Entry:
    is_hold = entry.kind == EntryKind.HELD
    return msgspec.structs.replace(entry, detail=None) if is_hold else entry

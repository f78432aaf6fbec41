"""The decisions, one rule a test."""

import pytest
from flashsale_server.domain import (
    Answer,
    ChangeOutcome,
    Decided,
    Draft,
    EndCommand,
    Entry,
    EntryDetail,
    EntryKind,
    Inventory,
    Outcome,
    PauseCommand,
    PurchaseCommand,
    RestockCommand,
    ReusedRequestId,
    SaleState,
    SaleTerms,
    UnknownEntry,
    UpdateCommand,
)
from hypothesis import given
from hypothesis import strategies as st

NOW_US = 1_000_000


def sale(stock: int = 10, **terms: int | None) -> Inventory:
    """A sale that has just opened."""
    inventory = Inventory()
    detail = EntryDetail(SaleTerms(**terms))  # type: ignore[arg-type]  # the terms that a test names
    inventory.apply([Entry(EntryKind.OPENED.value, stock, detail=detail)], 0)
    return inventory


def order(user_id: str, request_id: str = "", quantity: int = 1, **more: bool) -> PurchaseCommand:
    return PurchaseCommand(user_id, request_id or f"r-{user_id}", quantity, **more)


def decide(draft: Draft, *commands: PurchaseCommand) -> list[Decided]:
    return draft.decide(commands, lambda: "p")


def outcomes(results: list[Decided]) -> list[Outcome]:
    assert all(isinstance(result, Answer) for result in results)
    return [result.outcome for result in results if isinstance(result, Answer)]


def test_the_last_unit_goes_to_the_first_of_two_in_one_batch() -> None:
    draft = Draft(sale(1), NOW_US)
    results = decide(draft, order("ann"), order("bob"))
    assert outcomes(results) == [Outcome.PURCHASED, Outcome.SOLD_OUT]


def test_a_decision_changes_nothing_in_the_inventory() -> None:
    inventory = sale(1)
    decide(Draft(inventory, NOW_US), order("ann"))
    assert inventory == sale(1)


# Each refusal, made to hold together with all that come after it in the order of the checks.
STEPS = [
    (Outcome.ENDED, {"ended": True, "starts": True, "paused": True, "limit": True, "stock": True}),
    (Outcome.NOT_STARTED, {"starts": True, "paused": True, "limit": True, "stock": True}),
    (Outcome.PAUSED, {"paused": True, "limit": True, "stock": True}),
    (Outcome.ALREADY_PURCHASED, {"limit": True, "stock": True}),
    (Outcome.SOLD_OUT, {"stock": True}),
]


@pytest.mark.parametrize(("expected", "holds"), STEPS)
def test_a_buyer_is_told_the_first_of_all_the_reasons(
    expected: Outcome, holds: dict[str, bool]
) -> None:
    inventory = sale(1 if "limit" in holds or "stock" not in holds else 0)
    draft = Draft(inventory, NOW_US)
    if "limit" in holds:
        decide(draft, order("ann", "r-0"))
    if "starts" in holds:
        draft.decide([UpdateCommand(SaleTerms(starts_at_us=NOW_US + 1))], lambda: "p")
    if "paused" in holds:
        draft.decide([PauseCommand()], lambda: "p")
    if "ended" in holds:
        draft.decide([EndCommand()], lambda: "p")
    assert outcomes(decide(draft, order("ann", "r-1"))) == [expected]


def test_who_has_it_already_is_shown_their_purchase() -> None:
    draft = Draft(sale(), NOW_US)
    first, second = decide(draft, order("ann", "r-1"), order("ann", "r-2"))
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert second.outcome is Outcome.ALREADY_PURCHASED
    assert second.purchase == first.purchase


def test_more_than_one_may_have_is_a_limit_although_the_user_has_none() -> None:
    assert outcomes(decide(Draft(sale(), NOW_US), order("ann", quantity=2))) == [
        Outcome.USER_LIMIT_REACHED
    ]


def test_a_limit_counts_units_over_all_purchases() -> None:
    draft = Draft(sale(per_user_limit=3), NOW_US)
    results = decide(
        draft, order("ann", "a", 2), order("ann", "b", 2), order("ann", "c"), order("ann", "d")
    )
    bought, limit = Outcome.PURCHASED, Outcome.USER_LIMIT_REACHED
    assert outcomes(results) == [bought, limit, bought, limit]


def test_less_than_asked_for_is_said_with_what_there_is() -> None:
    draft = Draft(sale(2, per_user_limit=9), NOW_US)
    (answer,) = decide(draft, order("ann", quantity=3))
    assert answer == Answer(Outcome.INSUFFICIENT_STOCK, available_stock=2)


def test_a_sale_that_opens_later_says_when() -> None:
    (answer,) = decide(Draft(sale(starts_at_us=NOW_US + 5), NOW_US), order("ann"))
    assert answer == Answer(Outcome.NOT_STARTED, starts_at_us=NOW_US + 5)


def test_a_known_request_id_is_answered_although_the_sale_is_over() -> None:
    draft = Draft(sale(), NOW_US)
    (first,) = decide(draft, order("ann"))
    draft.decide([EndCommand()], lambda: "p")
    (again,) = decide(draft, order("ann"))
    assert isinstance(first, Answer)
    assert again == Answer(Outcome.PURCHASED, True, first.purchase)


def test_a_known_request_id_with_another_quantity_is_no_replay() -> None:
    draft = Draft(sale(per_user_limit=9), NOW_US)
    decide(draft, order("ann"))
    assert decide(draft, order("ann", quantity=2)) == [ReusedRequestId(1)]


def test_the_refusal_of_a_retry_is_written_and_stays() -> None:
    draft = Draft(sale(0), NOW_US)
    decide(draft, order("ann", is_retry=True))
    draft.decide([RestockCommand(5)], lambda: "p")
    (again,) = decide(draft, order("ann"))
    assert again == Answer(Outcome.SOLD_OUT, True)
    assert draft.entries[0].kind == EntryKind.REFUSED


def test_a_refusal_writes_nothing_and_is_forgotten() -> None:
    draft = Draft(sale(0), NOW_US)
    decide(draft, order("ann"))
    assert draft.entries == []
    draft.decide([RestockCommand(1)], lambda: "p")
    assert outcomes(decide(draft, order("ann"))) == [Outcome.PURCHASED]


def test_whoever_notices_the_end_first_writes_it_down() -> None:
    draft = Draft(sale(ends_at_us=NOW_US), NOW_US)
    assert [entry.kind for entry in draft.entries] == [EntryKind.ENDED]
    assert outcomes(decide(draft, order("ann"))) == [Outcome.ENDED]


def test_time_never_runs_backwards() -> None:
    inventory = sale(ends_at_us=NOW_US)
    inventory.apply([Entry(EntryKind.FENCED.value)], NOW_US)
    draft = Draft(inventory, NOW_US - 500)
    assert draft.decided_at_us == NOW_US
    assert draft.has_ended


def test_no_more_can_be_taken_away_than_is_unsold() -> None:
    draft = Draft(sale(2), NOW_US)
    decide(draft, order("ann"))
    assert draft.decide([RestockCommand(-2), RestockCommand(-1)], lambda: "p") == [
        ChangeOutcome.NOT_ENOUGH_UNSOLD,
        ChangeOutcome.CHANGED,
    ]
    assert (draft.total_stock, draft.available_stock) == (1, 0)


def test_what_changes_nothing_writes_nothing() -> None:
    draft = Draft(sale(), NOW_US)
    draft.decide([PauseCommand(), PauseCommand(), RestockCommand(0)], lambda: "p")
    assert [entry.kind for entry in draft.entries] == [EntryKind.PAUSED]


def test_an_unknown_kind_of_entry_stops_the_replay() -> None:
    with pytest.raises(UnknownEntry, match="position 2"):
        sale().apply([Entry("teleported")], 0)


@pytest.mark.parametrize("kind", ["held", "confirmed", "released", "expired", "cancelled"])
def test_kinds_of_later_versions_are_not_guessed_at(kind: str) -> None:
    with pytest.raises(UnknownEntry):
        sale().apply([Entry(kind, 1, "ann", "p")], 0)


def test_the_states_of_a_sale_follow_its_clock_and_its_entries() -> None:
    inventory = sale(1, starts_at_us=10, ends_at_us=20)
    assert inventory.state_at(9) is SaleState.UPCOMING
    assert inventory.state_at(10) is SaleState.LIVE
    assert inventory.state_at(25) is SaleState.LIVE  # until the end is written down
    inventory.apply([Entry(EntryKind.PURCHASED.value, -1, "ann", "p", "r", 1)], 11)
    assert inventory.state_at(11) is SaleState.SOLD_OUT
    inventory.apply([Entry(EntryKind.PAUSED.value)], 12)
    assert inventory.state_at(12) is SaleState.PAUSED
    inventory.apply([Entry(EntryKind.ENDED.value)], 20)
    assert inventory.state_at(20) is SaleState.ENDED


@given(
    starts_at_us=st.integers(0, 40),
    ends_at_us=st.none() | st.integers(0, 40),
    first_us=st.integers(0, 40),
    later_us=st.integers(0, 40),
)
def test_a_batch_that_a_draft_admits_is_decided_as_at_its_own_time(
    starts_at_us: int, ends_at_us: int | None, first_us: int, later_us: int
) -> None:
    inventory = sale(starts_at_us=starts_at_us, ends_at_us=ends_at_us)
    draft = Draft(inventory, first_us)
    later_us = max(first_us, later_us)
    if draft.admits(later_us):
        at_its_own_time = decide(Draft(inventory, later_us), order("ann"))
        assert outcomes(decide(draft, order("ann"))) == outcomes(at_its_own_time)

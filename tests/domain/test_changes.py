"""What a shop changes about a sale: every change is an entry."""

import pytest
from flashsale_server.domain import (
    STOCK_MAX,
    ChangeCommand,
    ChangeOutcome,
    Draft,
    EndCommand,
    Entry,
    EntryDetail,
    EntryKind,
    Outcome,
    PauseCommand,
    RestockCommand,
    ResumeCommand,
    SaleTerms,
    UpdateCommand,
)

from tests.domain.sales import NOW_US, answer, change, decide, hold, kinds, opened, order, outcomes

NEW_TERMS = SaleTerms("A bicycle", per_user_limit=2)


@pytest.mark.parametrize(
    ("command", "entry"),
    [
        (PauseCommand(), Entry("paused")),
        (EndCommand(), Entry("ended")),
        (RestockCommand(5), Entry("restocked", 5)),
        (RestockCommand(-5), Entry("restocked", -5)),
        (UpdateCommand(NEW_TERMS), Entry("updated", detail=EntryDetail(NEW_TERMS))),
    ],
)
def test_a_change_is_one_entry(command: ChangeCommand, entry: Entry) -> None:
    draft = Draft(opened(), NOW_US)
    assert change(draft, command) is ChangeOutcome.CHANGED
    assert draft.entries == [entry]


@pytest.mark.parametrize(
    "command", [ResumeCommand(), RestockCommand(0), UpdateCommand(SaleTerms())]
)
def test_what_changes_nothing_writes_nothing(command: ChangeCommand) -> None:
    draft = Draft(opened(), NOW_US)
    assert change(draft, command) is ChangeOutcome.UNCHANGED
    assert draft.entries == []


def test_a_second_pause_changes_nothing() -> None:
    draft = Draft(opened(), NOW_US)
    decide(draft, PauseCommand())
    assert change(draft, PauseCommand()) is ChangeOutcome.UNCHANGED
    assert kinds(draft) == [EntryKind.PAUSED]


def test_a_paused_sale_sells_nothing_until_it_is_resumed() -> None:
    draft = Draft(opened(), NOW_US)
    results = decide(draft, PauseCommand(), order("ann"), ResumeCommand(), order("ann"))
    assert outcomes(results) == [Outcome.PAUSED, Outcome.PURCHASED]
    assert kinds(draft) == [EntryKind.PAUSED, EntryKind.RESUMED, EntryKind.PURCHASED]


def test_a_pause_holds_over_the_next_draft() -> None:
    written = Draft(opened(), NOW_US)
    decide(written, PauseCommand())
    assert answer(Draft(written, NOW_US), order("ann")).outcome is Outcome.PAUSED


def test_restocked_units_are_sold_to_whoever_asks_next() -> None:
    draft = Draft(opened(0), NOW_US)
    results = decide(draft, order("ann"), RestockCommand(1), order("bob"), order("ann"))
    assert outcomes(results) == [Outcome.SOLD_OUT, Outcome.PURCHASED, Outcome.SOLD_OUT]


def test_no_more_can_be_taken_away_than_is_unsold() -> None:
    draft = Draft(opened(2), NOW_US)
    decide(draft, order("ann"))
    assert change(draft, RestockCommand(-2)) is ChangeOutcome.NOT_ENOUGH_UNSOLD
    assert change(draft, RestockCommand(-1)) is ChangeOutcome.CHANGED
    assert (draft.total_stock, draft.available_stock, draft.sold_stock) == (1, 0, 1)


def test_a_second_end_changes_nothing() -> None:
    draft = Draft(opened(), NOW_US)
    decide(draft, EndCommand())
    assert change(draft, EndCommand()) is ChangeOutcome.UNCHANGED
    assert kinds(draft) == [EntryKind.ENDED]


@pytest.mark.parametrize(
    "command", [PauseCommand(), ResumeCommand(), RestockCommand(1), UpdateCommand(NEW_TERMS)]
)
def test_a_sale_that_has_ended_changes_no_more(command: ChangeCommand) -> None:
    draft = Draft(opened(), NOW_US)
    decide(draft, EndCommand())
    assert change(draft, command) is ChangeOutcome.SALE_ENDED
    assert kinds(draft) == [EntryKind.ENDED]


def test_a_start_put_off_closes_the_sale_until_then() -> None:
    draft = Draft(opened(), NOW_US)
    decide(draft, UpdateCommand(SaleTerms(starts_at_us=NOW_US + 1)))
    assert answer(draft, order("ann")).outcome is Outcome.NOT_STARTED


def test_a_change_under_another_revision_is_refused_whatever_it_is() -> None:
    draft = Draft(opened(), NOW_US)
    assert change(draft, PauseCommand(1)) is ChangeOutcome.CHANGED
    for late in (PauseCommand(1), ResumeCommand(1), EndCommand(1), RestockCommand(5, 1)):
        assert change(draft, late) is ChangeOutcome.ETAG_MISMATCH
    assert change(draft, UpdateCommand(NEW_TERMS, revision=1)) is ChangeOutcome.ETAG_MISMATCH
    assert change(draft, ResumeCommand(2)) is ChangeOutcome.CHANGED
    assert draft.revision == 3


def test_purchases_leave_the_revision_as_it_is() -> None:
    draft = Draft(opened(), NOW_US)
    decide(draft, order("ann"), order("bob", is_retry=True, quantity=9))
    assert (draft.last_position, draft.revision) == (3, 1)


def test_a_change_that_changes_nothing_leaves_the_revision_as_it_is() -> None:
    draft = Draft(opened(), NOW_US)
    decide(draft, PauseCommand(), PauseCommand(), RestockCommand(0))
    assert draft.revision == 2


def test_only_the_named_terms_are_replaced() -> None:
    draft = Draft(opened(terms=SaleTerms("Hats", per_user_limit=3)), NOW_US)
    new = SaleTerms("Caps", per_user_limit=9, hold_us=5)
    assert change(draft, UpdateCommand(new, ("title", "hold_us"))) is ChangeOutcome.CHANGED
    assert draft.terms == SaleTerms("Caps", per_user_limit=3, hold_us=5)


def test_an_update_of_nothing_changes_nothing() -> None:
    draft = Draft(opened(), NOW_US)
    assert change(draft, UpdateCommand(NEW_TERMS, ())) is ChangeOutcome.UNCHANGED


def test_a_sale_cannot_end_before_it_starts() -> None:
    draft = Draft(opened(terms=SaleTerms(starts_at_us=5 * NOW_US)), NOW_US)
    early = UpdateCommand(SaleTerms(ends_at_us=5 * NOW_US), ("ends_at_us",))
    assert change(draft, early) is ChangeOutcome.ENDS_BEFORE_START
    later = UpdateCommand(SaleTerms(ends_at_us=5 * NOW_US + 1), ("ends_at_us",))
    assert change(draft, later) is ChangeOutcome.CHANGED


def test_a_sale_has_no_more_units_than_can_be_counted() -> None:
    draft = Draft(opened(10), NOW_US)
    assert change(draft, RestockCommand(STOCK_MAX - 9)) is ChangeOutcome.TOO_MUCH_STOCK
    assert change(draft, RestockCommand(STOCK_MAX - 10)) is ChangeOutcome.CHANGED
    assert draft.total_stock == STOCK_MAX


def test_held_units_cannot_be_taken_away() -> None:
    draft = Draft(opened(2, SaleTerms(hold_us=NOW_US)), NOW_US)
    hold(draft, "ann")
    assert change(draft, RestockCommand(-2)) is ChangeOutcome.NOT_ENOUGH_UNSOLD
    assert change(draft, RestockCommand(-1)) is ChangeOutcome.CHANGED
    assert (draft.total_stock, draft.available_stock, draft.held_stock) == (1, 0, 1)

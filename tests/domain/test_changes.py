"""What a shop changes about a sale: every change is an entry."""

import pytest
from flashsale_server.domain import (
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

from tests.domain.sales import NOW_US, answer, change, decide, kinds, opened, order, outcomes

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

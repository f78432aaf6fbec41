"""What a buyer is told, one rule a test."""

import pytest
from flashsale_server.domain import (
    Answer,
    Draft,
    EndCommand,
    EntryKind,
    Outcome,
    PauseCommand,
    Purchase,
    RestockCommand,
    ReusedRequestId,
    SaleTerms,
    UpdateCommand,
    replayed_answer,
)

from tests.domain.sales import NOW_US, answer, decide, kinds, land, opened, order, outcomes

REASONS = ["ended", "not started", "paused", "user limit", "stock"]


def test_the_last_unit_goes_to_the_first_of_two_in_one_batch() -> None:
    results = decide(Draft(opened(1), NOW_US), order("ann"), order("bob"))
    assert outcomes(results) == [Outcome.PURCHASED, Outcome.SOLD_OUT]


def test_a_purchase_says_what_was_bought_and_where_the_ledger_has_it() -> None:
    bought = answer(Draft(opened(), NOW_US), order("ann"))
    purchase = Purchase(2, NOW_US, "ann", "p-2", "r-ann", 1)
    assert bought == Answer(Outcome.PURCHASED, purchase=purchase)


# The order of the checks: of two reasons that hold, the earlier one is told.


def refused_for(*reasons: str) -> Outcome:
    """What ann is told when just these reasons hold against her next unit."""
    terms = SaleTerms(starts_at_us=NOW_US + 1 if "not started" in reasons else 0)
    draft = Draft(opened(2), NOW_US)
    decide(draft, order("ann" if "user limit" in reasons else "bob"))
    if "stock" in reasons:
        decide(draft, RestockCommand(-1))
    decide(draft, UpdateCommand(terms))
    if "paused" in reasons:
        decide(draft, PauseCommand())
    if "ended" in reasons:
        decide(draft, EndCommand())
    return answer(draft, order("ann", "r-next")).outcome


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        (("ended", "not started"), Outcome.ENDED),
        (("not started", "paused"), Outcome.NOT_STARTED),
        (("paused", "user limit"), Outcome.PAUSED),
        (("user limit", "stock"), Outcome.ALREADY_PURCHASED),
        (("stock",), Outcome.SOLD_OUT),
        ((), Outcome.PURCHASED),
    ],
)
def test_of_two_reasons_the_earlier_one_is_told(reasons: tuple[str, ...], outcome: Outcome) -> None:
    assert refused_for(*reasons) is outcome


def test_a_sale_that_is_over_says_only_that() -> None:
    assert refused_for(*REASONS) is Outcome.ENDED


def test_more_than_one_may_have_is_a_limit_even_where_the_stock_would_not_do() -> None:
    result = answer(Draft(opened(1), NOW_US), order("ann", quantity=2))
    assert result == Answer(Outcome.USER_LIMIT_REACHED)


def test_a_sale_that_opens_later_says_when() -> None:
    sale = opened(terms=SaleTerms(starts_at_us=NOW_US + 5))
    assert answer(Draft(sale, NOW_US), order("ann")) == Answer(
        Outcome.NOT_STARTED, starts_at_us=NOW_US + 5
    )


def test_a_sale_sells_from_the_very_instant_at_which_it_starts() -> None:
    sale = opened(terms=SaleTerms(starts_at_us=NOW_US))
    assert answer(Draft(sale, NOW_US), order("ann")).outcome is Outcome.PURCHASED


# The user's limit.


def test_who_has_it_already_is_shown_their_purchase() -> None:
    draft = Draft(opened(), NOW_US)
    first = answer(draft, order("ann", "r-1"))
    second = answer(draft, order("ann", "r-2"))
    assert second == Answer(Outcome.ALREADY_PURCHASED, purchase=first.purchase)


def test_with_a_limit_above_one_who_has_enough_is_told_of_the_limit() -> None:
    draft = Draft(opened(terms=SaleTerms(per_user_limit=2)), NOW_US)
    decide(draft, order("ann", "r-1", 2))
    assert answer(draft, order("ann", "r-2")) == Answer(Outcome.USER_LIMIT_REACHED)


def test_more_than_one_may_have_is_a_limit_although_the_user_has_none() -> None:
    result = answer(Draft(opened(), NOW_US), order("ann", quantity=2))
    assert result == Answer(Outcome.USER_LIMIT_REACHED)


def test_a_limit_counts_units_over_all_purchases() -> None:
    draft = Draft(opened(terms=SaleTerms(per_user_limit=3)), NOW_US)
    results = decide(
        draft, order("ann", "a", 2), order("ann", "b", 2), order("ann", "c"), order("ann", "d")
    )
    bought, limit = Outcome.PURCHASED, Outcome.USER_LIMIT_REACHED
    assert outcomes(results) == [bought, limit, bought, limit]


def test_a_lower_limit_takes_nothing_away_and_gives_nothing_more() -> None:
    draft = Draft(opened(terms=SaleTerms(per_user_limit=3)), NOW_US)
    first = answer(draft, order("ann", "a", 3))
    decide(draft, UpdateCommand(SaleTerms(per_user_limit=1)))
    assert answer(draft, order("ann", "b")) == Answer(
        Outcome.ALREADY_PURCHASED, purchase=first.purchase
    )
    assert draft.sold_stock == 3


def test_a_higher_limit_holds_at_once() -> None:
    draft = Draft(opened(), NOW_US)
    raised = UpdateCommand(SaleTerms(per_user_limit=2))
    results = decide(draft, order("ann", "a"), order("ann", "b"), raised, order("ann", "c"))
    bought = Outcome.PURCHASED
    assert outcomes(results) == [bought, Outcome.ALREADY_PURCHASED, bought]


# The stock.


def test_less_than_asked_for_is_said_with_what_there_is() -> None:
    draft = Draft(opened(2, SaleTerms(per_user_limit=9)), NOW_US)
    assert answer(draft, order("ann", quantity=3)) == Answer(
        Outcome.INSUFFICIENT_STOCK, available_stock=2
    )


def test_nothing_at_all_is_sold_out_however_much_was_asked_for() -> None:
    draft = Draft(opened(0, SaleTerms(per_user_limit=9)), NOW_US)
    assert answer(draft, order("ann", quantity=3)) == Answer(Outcome.SOLD_OUT)


def test_who_asks_for_less_after_one_who_asked_for_too_much_gets_it() -> None:
    draft = Draft(opened(2, SaleTerms(per_user_limit=9)), NOW_US)
    results = decide(draft, order("ann", quantity=3), order("bob", quantity=2))
    assert outcomes(results) == [Outcome.INSUFFICIENT_STOCK, Outcome.PURCHASED]


# Request ids.


def test_a_known_request_id_is_answered_although_the_sale_is_over() -> None:
    draft = Draft(opened(), NOW_US)
    first = answer(draft, order("ann"))
    decide(draft, EndCommand())
    assert answer(draft, order("ann")) == Answer(Outcome.PURCHASED, True, first.purchase)


def test_a_replay_shows_the_purchase_as_it_is_now() -> None:
    inventory = opened()
    draft = Draft(inventory, NOW_US)
    answer(draft, order("ann"))
    land(draft, inventory)
    again = replayed_answer(inventory, order("ann"))
    assert again == Answer(Outcome.PURCHASED, True, inventory.purchase_for("ann", "r-ann"))


def test_a_copy_in_the_same_batch_is_a_replay_and_buys_nothing() -> None:
    draft = Draft(opened(terms=SaleTerms(per_user_limit=9)), NOW_US)
    results = decide(draft, order("ann"), order("ann"))
    assert [isinstance(result, Answer) and result.replayed for result in results] == [False, True]
    assert kinds(draft) == [EntryKind.PURCHASED]


def test_a_request_id_is_its_users_own() -> None:
    results = decide(Draft(opened(), NOW_US), order("ann", "r-1"), order("bob", "r-1"))
    assert outcomes(results) == [Outcome.PURCHASED, Outcome.PURCHASED]


def test_a_known_request_id_with_another_quantity_is_no_replay() -> None:
    draft = Draft(opened(terms=SaleTerms(per_user_limit=9)), NOW_US)
    decide(draft, order("ann"))
    assert decide(draft, order("ann", quantity=2)) == [ReusedRequestId(1)]


def test_a_recorded_refusal_with_another_quantity_is_no_replay() -> None:
    draft = Draft(opened(0, SaleTerms(per_user_limit=9)), NOW_US)
    decide(draft, order("ann", quantity=2, is_retry=True))
    assert decide(draft, order("ann", quantity=1)) == [ReusedRequestId(2)]


def test_a_request_id_that_nobody_has_used_has_no_answer_yet() -> None:
    assert replayed_answer(opened(), order("ann")) is None


def test_the_refusal_of_a_retry_is_written_and_stays() -> None:
    draft = Draft(opened(0), NOW_US)
    decide(draft, order("ann", is_retry=True), RestockCommand(5))
    assert answer(draft, order("ann")) == Answer(Outcome.SOLD_OUT, True)
    assert kinds(draft) == [EntryKind.REFUSED, EntryKind.RESTOCKED]


def test_a_refusal_writes_nothing_and_is_forgotten() -> None:
    draft = Draft(opened(0), NOW_US)
    decide(draft, order("ann"))
    assert draft.entries == []
    decide(draft, RestockCommand(1))
    assert answer(draft, order("ann")).outcome is Outcome.PURCHASED


def test_a_retry_that_finds_a_unit_buys_it_like_any_other() -> None:
    draft = Draft(opened(1), NOW_US)
    assert answer(draft, order("ann", is_retry=True)).outcome is Outcome.PURCHASED
    assert kinds(draft) == [EntryKind.PURCHASED]


def test_a_replayed_refusal_for_having_it_already_shows_that_purchase() -> None:
    draft = Draft(opened(), NOW_US)
    first = answer(draft, order("ann", "r-1"))
    decide(draft, order("ann", "r-2", is_retry=True))
    assert answer(draft, order("ann", "r-2")) == Answer(
        Outcome.ALREADY_PURCHASED, True, first.purchase
    )


def test_an_id_is_minted_for_a_purchase_and_for_nothing_else() -> None:
    minted: list[str] = []

    def mint() -> str:
        minted.append(f"p-{len(minted)}")
        return minted[-1]

    commands = [order("ann"), order("ann"), order("ann", "r-2"), order("bob", is_retry=True)]
    Draft(opened(1), NOW_US).decide(commands, mint)
    assert minted == ["p-0"]

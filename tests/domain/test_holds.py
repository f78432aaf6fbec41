"""Holds: kept for a while, then confirmed, released, cancelled, or over by themselves."""

import pytest
from flashsale_server.domain import (
    CancelCommand,
    ConfirmCommand,
    Draft,
    EndCommand,
    Inventory,
    Outcome,
    PauseCommand,
    PurchaseState,
    ReleaseCommand,
    SaleTerms,
    TransitionCommand,
    TransitionOutcome,
    UpdateCommand,
    next_due_us,
)
from flashsale_server.domain.decisions import EXPIRIES_AT_ONCE

from tests.domain.sales import (
    NOW_US,
    answer,
    decide,
    hold,
    kinds,
    land,
    moved,
    opened,
    order,
    outcomes,
)

HOLD_US = 10_000_000
OVER_US = NOW_US + HOLD_US
TERMS = SaleTerms(hold_us=HOLD_US)
BY_KIND: dict[str, type[TransitionCommand]] = {
    "confirm": ConfirmCommand,
    "release": ReleaseCommand,
    "cancel": CancelCommand,
}


def held(stock: int = 1, terms: SaleTerms = TERMS, *user_ids: str) -> tuple[Inventory, list[str]]:
    """A sale in which users hold a unit each, since NOW_US, and the ids of their purchases."""
    sale = opened(stock, terms)
    draft = Draft(sale, NOW_US)
    purchase_ids = [hold(draft, user_id).purchase_id for user_id in user_ids or ("ann",)]
    land(draft, sale)
    return sale, purchase_ids


def stock_of(sale: Inventory) -> tuple[int, int, int]:
    return sale.available_stock, sale.held_stock, sale.sold_stock


# What holding, confirming, releasing and cancelling do.


def test_a_hold_keeps_the_units_until_it_expires() -> None:
    draft = Draft(opened(3, SaleTerms(hold_us=HOLD_US, per_user_limit=2)), NOW_US)
    purchase = hold(draft, "ann", quantity=2)
    assert (purchase.state, purchase.expires_at_us) == (PurchaseState.HELD, OVER_US)
    assert stock_of(draft) == (1, 2, 0)


def test_a_confirmed_hold_is_sold() -> None:
    sale, (purchase_id,) = held()
    draft = Draft(sale, OVER_US - 1)
    result = moved(draft, ConfirmCommand("ann", purchase_id))
    assert result.outcome is TransitionOutcome.DONE
    assert result.purchase == draft.purchase("ann", purchase_id)
    assert stock_of(draft) == (0, 0, 1)


@pytest.mark.parametrize("kind", [ReleaseCommand, CancelCommand])
def test_a_hold_that_is_given_back_is_on_sale_again_at_once(
    kind: type[ReleaseCommand | CancelCommand],
) -> None:
    sale, (purchase_id,) = held()
    draft = Draft(sale, NOW_US)
    moved(draft, kind("ann", purchase_id))
    assert stock_of(draft) == (1, 0, 0)
    assert answer(draft, order("bob")).outcome is Outcome.HELD


def test_the_shop_takes_back_what_is_confirmed() -> None:
    sale, (purchase_id,) = held()
    draft = Draft(sale, NOW_US)
    decide(draft, ConfirmCommand("ann", purchase_id), CancelCommand("ann", purchase_id))
    assert stock_of(draft) == (1, 0, 0)


@pytest.mark.parametrize("first", BY_KIND)
@pytest.mark.parametrize("then", BY_KIND)
def test_what_comes_second_is_done_already_or_has_its_clear_refusal(first: str, then: str) -> None:
    sale, (purchase_id,) = held()
    draft = Draft(sale, NOW_US)
    moved(draft, BY_KIND[first]("ann", purchase_id))
    written = len(draft.entries)
    result = moved(draft, BY_KIND[then]("ann", purchase_id))
    over = {
        "confirm": TransitionOutcome.PURCHASE_CONFIRMED,
        "release": TransitionOutcome.HOLD_RELEASED,
        "cancel": TransitionOutcome.PURCHASE_CANCELLED,
    }
    is_done = first == then or (first, then) == ("confirm", "cancel")
    assert result.outcome is (TransitionOutcome.DONE if is_done else over[first])
    assert (len(draft.entries) > written) == ((first, then) == ("confirm", "cancel"))


@pytest.mark.parametrize("kind", [ConfirmCommand, ReleaseCommand, CancelCommand])
def test_nobody_changes_what_is_not_theirs(kind: type[ConfirmCommand]) -> None:
    sale, (purchase_id,) = held()
    draft = Draft(sale, NOW_US)
    for command in (kind("bob", purchase_id), kind("ann", "p-other")):
        assert moved(draft, command).outcome is TransitionOutcome.NOT_FOUND
    assert draft.entries == []


@pytest.mark.parametrize("stop", [PauseCommand(), EndCommand()])
def test_holds_are_confirmed_and_released_although_nothing_is_sold_any_more(
    stop: PauseCommand | EndCommand,
) -> None:
    sale, (first, second) = held(2, TERMS, "ann", "bob")
    draft = Draft(sale, NOW_US)
    decide(draft, stop, ConfirmCommand("ann", first), ReleaseCommand("bob", second))
    assert stock_of(draft) == (1, 0, 1)


# Expiry.


@pytest.mark.parametrize("kind", [ConfirmCommand, ReleaseCommand, CancelCommand])
def test_nothing_becomes_of_a_hold_whose_time_is_over(kind: type[ConfirmCommand]) -> None:
    sale, (purchase_id,) = held()
    draft = Draft(sale, OVER_US)
    result = moved(draft, kind("ann", purchase_id))
    assert result.outcome is TransitionOutcome.HOLD_EXPIRED
    assert result.purchase is not None
    assert result.purchase.state is PurchaseState.EXPIRED
    assert kinds(draft) == ["expired"]


def test_whoever_was_refused_while_units_were_held_buys_them_after_the_expiry() -> None:
    sale, _ = held()
    assert answer(Draft(sale, OVER_US - 1), order("bob")).outcome is Outcome.SOLD_OUT
    draft = Draft(sale, OVER_US)
    assert answer(draft, order("bob")).outcome is Outcome.HELD
    assert kinds(draft) == ["expired", "held"]


def test_a_hold_is_over_by_itself_after_the_end_and_in_a_pause_too() -> None:
    for stop in (PauseCommand(), EndCommand()):
        sale, _ = held()
        stopping = Draft(sale, NOW_US)
        decide(stopping, stop)
        land(stopping, sale)
        assert next_due_us(sale) == OVER_US
        assert kinds(Draft(sale, OVER_US)) == ["expired"]


def test_the_end_comes_before_the_expiry_of_the_same_instant() -> None:
    sale, _ = held(1, SaleTerms(hold_us=HOLD_US, ends_at_us=OVER_US))
    assert kinds(Draft(sale, OVER_US)) == ["ended", "expired"]


def test_an_expiry_is_written_once() -> None:
    sale, _ = held()
    written = Draft(sale, OVER_US)
    assert Draft(written, OVER_US + 1).entries == []
    land(written, sale)
    assert Draft(sale, OVER_US + 1).entries == []
    assert next_due_us(sale) is None


def test_a_confirm_that_comes_after_the_expiry_does_not_join_an_earlier_draft() -> None:
    sale, (purchase_id,) = held(2)
    draft = Draft(sale, OVER_US - 5)
    assert draft.admits(OVER_US - 1)
    assert not draft.admits(OVER_US)
    assert moved(draft, ConfirmCommand("ann", purchase_id)).outcome is TransitionOutcome.DONE


def test_a_hold_of_the_draft_itself_keeps_out_who_comes_after_its_expiry() -> None:
    written = Draft(opened(1, TERMS), NOW_US)
    hold(written, "ann")
    assert written.admits(OVER_US - 1)
    assert not written.admits(OVER_US)
    ahead = Draft(written, NOW_US + 1)
    assert not ahead.admits(OVER_US)
    assert kinds(Draft(written, OVER_US)) == ["expired"]


def test_a_clock_that_is_set_back_lets_no_hold_live_again() -> None:
    sale, (purchase_id,) = held()
    land(Draft(sale, OVER_US), sale)
    draft = Draft(sale, NOW_US)
    late = moved(draft, ConfirmCommand("ann", purchase_id))
    assert late.outcome is TransitionOutcome.HOLD_EXPIRED


def test_a_hold_lasts_as_long_as_was_promised_although_the_terms_have_changed() -> None:
    sale, (purchase_id,) = held(2)
    draft = Draft(sale, NOW_US)
    decide(draft, UpdateCommand(SaleTerms(hold_us=1_000_000)))
    later = hold(draft, "bob")
    assert later.expires_at_us == NOW_US + 1_000_000
    land(draft, sale)
    end = Draft(sale, OVER_US - 1)
    assert [entry.user_id for entry in end.entries] == ["bob"]
    assert moved(end, ConfirmCommand("ann", purchase_id)).outcome is TransitionOutcome.DONE


def test_a_sale_that_sells_no_holds_any_more_still_has_to_end_those_it_has() -> None:
    sale, _ = held(2)
    draft = Draft(sale, NOW_US)
    decide(draft, UpdateCommand(SaleTerms()))
    assert answer(draft, order("bob")).outcome is Outcome.PURCHASED
    land(draft, sale)
    assert [entry.user_id for entry in Draft(sale, OVER_US).entries] == ["ann"]


def test_thousands_of_holds_end_in_parts_and_everybody_can_buy_in_between() -> None:
    count = 2 * EXPIRIES_AT_ONCE + 5
    users = [f"u-{number}" for number in range(count)]
    sale, _ = held(count, TERMS, *users)
    ended = 0
    while (left := next_due_us(sale)) is not None and left <= OVER_US:
        draft = Draft(sale, OVER_US)
        part = len(draft.entries)
        assert part <= EXPIRIES_AT_ONCE
        assert answer(draft, order(f"new-{ended}")).outcome is Outcome.HELD
        ended += part
        land(draft, sale)
    assert ended == count
    assert stock_of(sale) == (count - 3, 3, 0)


def test_who_asks_again_among_thousands_whose_holds_are_over_does_not_wait_for_a_turn() -> None:
    users = [f"u-{number}" for number in range(EXPIRIES_AT_ONCE + 2)]
    sale, _ = held(len(users), TERMS, *users)
    draft = Draft(sale, OVER_US)
    again = hold(draft, users[-1], "r-2")
    assert [purchase.state for purchase in draft.purchases_of(users[-1])] == [
        PurchaseState.EXPIRED,
        PurchaseState.HELD,
    ]
    assert draft.entries[-2].kind == "expired"
    assert again.position == draft.last_position
    land(draft, sale)
    assert [entry.user_id for entry in Draft(sale, OVER_US).entries] == [users[-2]]


def test_holds_that_are_over_are_ended_a_tenth_of_a_second_together_when_nobody_asks() -> None:
    sale, _ = held(3)
    draft = Draft(sale, NOW_US + 1)
    hold(draft, "bob")
    land(draft, sale)
    assert next_due_us(sale) == OVER_US
    early = Draft(sale, OVER_US)
    land(early, sale)
    assert next_due_us(sale) == OVER_US + 100_000


# Limits and request ids.


@pytest.mark.parametrize("kind", [ReleaseCommand, CancelCommand])
def test_who_gave_back_may_hold_again(kind: type[ReleaseCommand | CancelCommand]) -> None:
    sale, (purchase_id,) = held(5)
    draft = Draft(sale, NOW_US)
    assert answer(draft, order("ann", "r-2")).outcome is Outcome.ALREADY_PURCHASED
    moved(draft, kind("ann", purchase_id))
    assert hold(draft, "ann", "r-3").state is PurchaseState.HELD
    assert len(draft.purchases_of("ann")) == 2


def test_a_user_whose_hold_expired_may_hold_again() -> None:
    sale, _ = held()
    assert hold(Draft(sale, OVER_US), "ann", "r-2").state is PurchaseState.HELD


def test_held_and_confirmed_units_count_against_the_limit_and_others_do_not() -> None:
    draft = Draft(opened(9, SaleTerms(hold_us=HOLD_US, per_user_limit=3)), NOW_US)
    first, second = hold(draft, "ann", "r-1"), hold(draft, "ann", "r-2", 2)
    moved(draft, ConfirmCommand("ann", first.purchase_id))
    assert answer(draft, order("ann", "r-3")).outcome is Outcome.USER_LIMIT_REACHED
    moved(draft, ReleaseCommand("ann", second.purchase_id))
    assert answer(draft, order("ann", "r-4", 3)).outcome is Outcome.USER_LIMIT_REACHED
    assert hold(draft, "ann", "r-5", 2).quantity == 2


@pytest.mark.parametrize(("quantity", "is_allowed"), [(1, True), (2, True), (3, False)])
def test_one_order_asks_for_no_more_than_one_may(quantity: int, is_allowed: bool) -> None:
    draft = Draft(opened(9, SaleTerms(per_user_limit=5, per_order_limit=2)), NOW_US)
    outcome = answer(draft, order("ann", quantity=quantity)).outcome
    assert (outcome is Outcome.PURCHASED) == is_allowed
    assert is_allowed or outcome is Outcome.USER_LIMIT_REACHED


def test_already_purchased_shows_the_purchase_that_counts() -> None:
    sale, (purchase_id,) = held(5)
    draft = Draft(sale, NOW_US)
    moved(draft, ReleaseCommand("ann", purchase_id))
    second = hold(draft, "ann", "r-2")
    assert answer(draft, order("ann", "r-3")).purchase == second


def test_a_recorded_already_purchased_still_shows_a_purchase_when_that_is_over() -> None:
    sale, (purchase_id,) = held(5)
    draft = Draft(sale, NOW_US)
    refused = order("ann", "r-2", is_retry=True)
    assert answer(draft, refused).outcome is Outcome.ALREADY_PURCHASED
    moved(draft, CancelCommand("ann", purchase_id))
    again = answer(draft, refused)
    assert (again.outcome, again.replayed) == (Outcome.ALREADY_PURCHASED, True)
    assert again.purchase == draft.purchase("ann", purchase_id)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (ConfirmCommand, PurchaseState.CONFIRMED),
        (ReleaseCommand, PurchaseState.RELEASED),
        (CancelCommand, PurchaseState.CANCELLED),
        (None, PurchaseState.EXPIRED),
    ],
)
def test_a_request_id_is_answered_as_at_first_with_the_purchase_as_it_is_now(
    kind: type[ConfirmCommand] | None, state: PurchaseState
) -> None:
    sale, (purchase_id,) = held(5)
    draft = Draft(sale, NOW_US if kind else OVER_US)
    if kind:
        moved(draft, kind("ann", purchase_id))
    again = answer(draft, order("ann"))
    assert (again.outcome, again.replayed) == (Outcome.HELD, True)
    assert again.purchase is not None
    assert (again.purchase.purchase_id, again.purchase.state) == (purchase_id, state)


def test_the_race_of_a_confirm_with_its_expiry_has_one_winner() -> None:
    for now_us in (OVER_US - 1, OVER_US, OVER_US + 1):
        sale, (purchase_id,) = held()
        draft = Draft(sale, now_us)
        commands: list[TransitionCommand] = [ConfirmCommand("ann", purchase_id)] * 2
        results = decide(draft, *commands, order("bob"))
        assert len(kinds(draft)) == (1 if now_us < OVER_US else 2)
        winner = Outcome.SOLD_OUT if now_us < OVER_US else Outcome.HELD
        assert outcomes(results) == [winner]

"""The circuit opens for a ledger that fails, for nothing else, and closes by one trial."""

import asyncio

import pytest
from flashsale_server.checkout import CheckoutLimits, CircuitOpen
from flashsale_server.domain import Answer, CircuitState, Entry, EntryKind, Outcome, SaleTerms
from flashsale_server.ledger import Append

from tests.checkout.faulty_ledger import FaultyLedger, append_elsewhere
from tests.checkout.shops import Shop, open_shop, outcome, outcomes, settled, turns
from tests.checkout.troubled_ledger import Fate


async def opened_circuit(shop: Shop) -> None:
    shop.ledger.order(*[Fate.REJECTED] * 5)
    for number in range(5):
        assert not isinstance(await shop.buy(f"unlucky-{number}"), Answer)
    assert state(shop) is CircuitState.OPEN


def state(shop: Shop) -> CircuitState:
    return shop.checkout.breaker.state_at(shop.clock.monotonic())


async def test_four_failures_and_a_success_leave_it_closed() -> None:
    async with open_shop() as shop:
        for user_id in ("ann", "bob", "cid"):
            shop.ledger.order(*[Fate.REJECTED] * 4)
            for number in range(4):
                await shop.buy(f"unlucky-{number}")
            assert state(shop) is CircuitState.CLOSED
            await shop.buy(user_id)
        assert shop.checkout.breaker.failed_in_a_row == 0


async def test_an_open_circuit_says_how_long_it_stays_so() -> None:
    async with open_shop() as shop:
        await opened_circuit(shop)
        for left in (20.0, 10.0):
            shop.clock.move(10)
            call = shop.ask("ann")
            assert isinstance(call.result, CircuitOpen)
            assert call.result.retry_after_seconds == left


async def test_a_call_that_an_open_circuit_turns_away_is_not_charged() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=1)
    async with open_shop(limits=limits) as shop:
        await opened_circuit(shop)
        assert outcomes([shop.ask("ann") for _ in range(5)]) == ["CircuitOpen"] * 5
        shop.clock.move(30)
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.PURCHASED


async def test_while_it_is_tried_nobody_else_is_let_in() -> None:
    async with open_shop() as shop:
        await opened_circuit(shop)
        shop.clock.move(30)
        shop.ledger.stall()
        first = shop.ask("ann")
        await shop.ledger.asked.wait()
        assert state(shop) is CircuitState.HALF_OPEN
        assert outcomes([shop.ask("bob"), shop.ask("cid")]) == ["CircuitOpen"] * 2
        shop.ledger.go_on()
        await settled(first)
        assert outcome(first) is Outcome.PURCHASED
        assert state(shop) is CircuitState.CLOSED
        assert getattr(await shop.buy("bob"), "outcome", None) is Outcome.PURCHASED


@pytest.mark.parametrize("fate", [Fate.REJECTED, Fate.UNKNOWN_AND_LOST])
async def test_a_trial_that_fails_opens_it_for_the_whole_cooldown_again(fate: Fate) -> None:
    async with open_shop() as shop:
        await opened_circuit(shop)
        for _ in range(3):
            shop.clock.move(30)
            shop.ledger.order(fate)
            await shop.buy("ann")
            call = shop.ask("bob")
            assert isinstance(call.result, CircuitOpen)
            assert call.result.retry_after_seconds == 30.0
        shop.clock.move(30)
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.PURCHASED


async def test_a_sold_out_sale_tries_the_ledger_and_closes_it() -> None:
    async with open_shop(stock=0) as shop:
        # The refusals of retries are recorded, so they can fail.
        shop.ledger.order(*[Fate.REJECTED] * 5)
        for number in range(5):
            await settled(shop.ask(f"u-{number}", "r-1", is_retry=True))
        assert state(shop) is CircuitState.OPEN
        shop.clock.move(30)
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.SOLD_OUT
        assert state(shop) is CircuitState.CLOSED


async def test_a_sale_that_another_node_ended_tries_the_ledger_and_closes_it() -> None:
    async with open_shop() as shop:
        await opened_circuit(shop)
        shop.clock.move(30)
        entry = Entry(EntryKind.ENDED.value)
        await append_elsewhere(shop.ledger, entry, at_us=shop.clock.now_us())
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.ENDED
        assert state(shop) is CircuitState.CLOSED


async def test_lost_races_never_open_it() -> None:
    ledger = FaultyLedger()
    async with open_shop(ledger=ledger) as shop:
        races = 0

        async def another_is_quicker(_: Append) -> None:
            nonlocal races
            if races < 20:
                races += 1
                await append_elsewhere(ledger, Entry(EntryKind.RESTOCKED.value, 1))

        ledger.before_append = another_is_quicker
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.PURCHASED
        assert shop.checkout.meters.appends_conflicted == 20
        assert shop.checkout.meters.appends_failed == 0
        assert shop.checkout.breaker.failed_in_a_row == 0


async def test_races_neither_count_as_failures_nor_forgive_them() -> None:
    ledger = FaultyLedger()
    async with open_shop(ledger=ledger) as shop:
        ledger.order(*[Fate.REJECTED] * 4)
        for number in range(4):
            await shop.buy(f"unlucky-{number}")

        async def another_is_quicker(_: Append) -> None:
            ledger.before_append = None
            ledger.order(Fate.LANDS, Fate.REJECTED)
            await append_elsewhere(ledger, Entry(EntryKind.RESTOCKED.value, 1))

        ledger.before_append = another_is_quicker
        call = shop.ask("ann")
        await settled(call)
        assert outcome(call) == "LedgerRefused"
        assert state(shop) is CircuitState.OPEN


async def test_bad_input_never_opens_it() -> None:
    async with open_shop() as shop:
        await shop.buy("ann", "r-1")
        for _ in range(10):
            assert outcome(shop.ask("ann", "r-1", quantity=2)) == "RequestIdReused"
        assert shop.checkout.breaker.failed_in_a_row == 0


async def test_a_circuit_that_one_sale_opened_is_closed_by_another() -> None:
    async with open_shop() as shop:
        other = await shop.checkout.open_sale("other", SaleTerms(), 5)
        await opened_circuit(shop)
        assert outcome(shop.checkout.admit(other, "ann")) == "CircuitOpen"
        shop.clock.move(30)
        call = shop.checkout.admit(other, "ann")
        await settled(call)
        assert outcome(call) is Outcome.PURCHASED
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.PURCHASED


async def test_what_was_decided_ahead_when_it_opens_is_answered_with_the_cooldown() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=0, breaker_failures=1)
    async with open_shop(stock=2000, limits=limits) as shop:
        shop.ledger.stall()
        first = shop.ask("first")
        await shop.ledger.asked.wait()
        # More than one append can carry, so some are decided ahead and some are not.
        others = [shop.ask(f"u-{number}") for number in range(1500)]
        await turns(100)
        assert (others[0].is_decided, others[-1].is_decided) == (True, False)
        shop.ledger.order(Fate.UNKNOWN_AND_LOST)
        shop.ledger.go_on()
        await settled(first, *others)
        assert outcome(first) == "OutcomeUnknown"
        for call in others:
            assert isinstance(call.result, CircuitOpen)
            assert call.result.retry_after_seconds == 30.0


async def test_a_race_lost_in_one_sale_lets_no_second_trial_through_in_another() -> None:
    ledger = FaultyLedger()
    early_may_go_on, trial_began, trial_may_go_on = (asyncio.Event() for _ in range(3))

    async def hold_up(append: Append) -> None:
        if append.sale_id == "early" and append.first_position > 1:
            await early_may_go_on.wait()
        elif append.decoded()[0].kind == EntryKind.FENCED:
            trial_began.set()
            await trial_may_go_on.wait()

    async with open_shop(ledger=ledger) as shop:
        early = await shop.checkout.open_sale("early", SaleTerms(), 5)
        third = await shop.checkout.open_sale("third", SaleTerms(), 5)
        ledger.before_append = hold_up
        under_way = shop.checkout.admit(early, "ann")  # let through before the circuit opens
        await turns()
        await opened_circuit(shop)
        shop.clock.move(30)
        trial = shop.ask("ann")
        await trial_began.wait()
        await append_elsewhere(ledger, Entry(EntryKind.PAUSED.value), sale_id="early")
        early_may_go_on.set()
        await settled(under_way)
        assert outcome(under_way) == "CircuitOpen"
        assert outcome(shop.checkout.admit(third, "ann")) == "CircuitOpen"
        trial_may_go_on.set()
        await settled(trial)
        assert outcome(trial) is Outcome.PURCHASED
        assert state(shop) is CircuitState.CLOSED

"""Holds in a lane: expiry by the clock, by whoever comes, and when the ledger is in trouble."""

import asyncio
import time

import pytest
from flashsale_server.checkout import CheckoutLimits
from flashsale_server.domain import (
    Answer,
    CircuitState,
    ConfirmCommand,
    EndCommand,
    Outcome,
    PauseCommand,
    Purchase,
    ReleaseCommand,
    Transition,
    TransitionOutcome,
)

from tests.checkout.faulty_ledger import FaultyLedger
from tests.checkout.shops import Shop, open_shop, outcome, settled, turns
from tests.checkout.troubled_ledger import Fate

HOLD_US = 300_000
LONG_US = 60_000_000


async def hold(shop: Shop, user_id: str) -> Purchase:
    result = await shop.buy(user_id)
    assert isinstance(result, Answer)
    assert result.outcome is Outcome.HELD
    assert result.purchase is not None
    return result.purchase


async def back_on_sale(shop: Shop, units: int) -> None:
    """Wait until so many units are available, calling nobody."""
    deadline = time.monotonic() + 20
    while shop.lane.inventory.available_stock < units:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def came_to(shop: Shop, command: ConfirmCommand | ReleaseCommand) -> TransitionOutcome:
    result = await shop.checkout.came_to(shop.lane, command, None)
    assert isinstance(result, Transition)
    return result.outcome


async def test_a_hold_is_over_though_nobody_calls() -> None:
    async with open_shop(stock=1, hold_us=HOLD_US) as shop:
        await hold(shop, "ann")
        shop.clock.move(0.4)
        await back_on_sale(shop, 1)
        assert (await shop.entries())[-1] == ("expired", "ann")
        assert (await hold(shop, "bob")).user_id == "bob"


@pytest.mark.parametrize("stop", [PauseCommand(), EndCommand()])
async def test_a_hold_is_over_in_a_sale_that_does_not_sell(stop: PauseCommand | EndCommand) -> None:
    async with open_shop(stock=1, hold_us=HOLD_US) as shop:
        await hold(shop, "ann")
        await shop.checkout.came_to(shop.lane, stop, None)
        shop.clock.move(0.4)
        await back_on_sale(shop, 1)


@pytest.mark.parametrize("fate", [Fate.REJECTED, Fate.UNKNOWN_AND_LOST, Fate.UNKNOWN_AND_LANDED])
async def test_an_expiry_that_cannot_be_written_is_written_later(fate: Fate) -> None:
    async with open_shop(stock=1, hold_us=HOLD_US) as shop:
        await hold(shop, "ann")
        shop.ledger.order(*[fate] * 3)
        shop.clock.move(0.4)
        await back_on_sale(shop, 1)
        kinds = [kind for kind, _ in await shop.entries()]
        assert kinds.count("expired") == 1


async def test_holds_expire_when_the_circuit_has_closed_again() -> None:
    limits = CheckoutLimits(
        rate_limit_per_minute=0, breaker_failures=2, breaker_cooldown_seconds=0.2
    )
    async with open_shop(stock=1, hold_us=HOLD_US, limits=limits) as shop:
        await hold(shop, "ann")
        shop.ledger.order(*[Fate.REJECTED] * 2)
        shop.clock.move(0.4)
        deadline = time.monotonic() + 20
        while shop.checkout.breaker.state_at(shop.clock.seconds) is CircuitState.CLOSED:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        await turns()
        assert shop.lane.inventory.held_stock == 1
        assert outcome(shop.ask("bob")) == "CircuitOpen"
        shop.clock.move(0.2)
        await back_on_sale(shop, 1)
        assert shop.checkout.breaker.state_at(shop.clock.seconds) is CircuitState.CLOSED


async def test_a_confirm_that_comes_after_the_expiry_while_an_append_takes_long_is_too_late() -> (
    None
):
    async with open_shop(stock=3, hold_us=LONG_US) as shop:
        mine = await hold(shop, "ann")
        shop.ledger.stall()
        first = shop.ask("bob")
        await shop.ledger.asked.wait()
        shop.ask("cid")  # decided ahead, on a draft of this instant
        await turns()
        shop.clock.move(61)
        confirm = ConfirmCommand("ann", mine.purchase_id)
        late = asyncio.create_task(came_to(shop, confirm))
        await turns()
        shop.ledger.go_on()
        await settled(first)
        assert await asyncio.wait_for(late, 20) is TransitionOutcome.HOLD_EXPIRED
        assert shop.lane.inventory.sold_stock == 0


async def test_whoever_asks_finds_the_units_of_a_hold_that_is_over() -> None:
    async with open_shop(stock=1, hold_us=LONG_US) as shop:
        await hold(shop, "ann")
        shop.clock.move(59)
        assert getattr(await shop.buy("bob"), "outcome", None) is Outcome.SOLD_OUT
        shop.clock.move(1)
        await hold(shop, "bob")


@pytest.mark.parametrize("fate", [Fate.UNKNOWN_AND_LOST, Fate.UNKNOWN_AND_LANDED])
async def test_a_confirm_of_unknown_fate_is_made_sure_of_by_asking_again(fate: Fate) -> None:
    async with open_shop(stock=1, hold_us=LONG_US) as shop:
        mine = await hold(shop, "ann")
        confirm = ConfirmCommand("ann", mine.purchase_id)
        shop.ledger.order(fate)
        with pytest.raises(Exception, match="may or may not"):
            await came_to(shop, confirm)
        assert await came_to(shop, confirm) is TransitionOutcome.DONE
        assert [kind for kind, _ in await shop.entries()].count("confirmed") == 1


async def test_a_confirm_that_was_lost_cannot_land_once_the_hold_is_over() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=1, hold_us=LONG_US, ledger=ledger) as shop:
        mine = await hold(shop, "ann")
        ledger.order(Fate.UNKNOWN_AND_LATE)
        with pytest.raises(Exception, match="may or may not"):
            await came_to(shop, ConfirmCommand("ann", mine.purchase_id))
        shop.clock.move(61)
        await hold(shop, "bob")
        await ledger.land_late()
        assert ledger.landings == [False]
        late = await came_to(shop, ConfirmCommand("ann", mine.purchase_id))
        assert late is TransitionOutcome.HOLD_EXPIRED


async def test_two_nodes_end_a_hold_once_and_agree() -> None:
    one, two = FaultyLedger(), FaultyLedger()
    two.truth = one.truth
    async with (
        open_shop(stock=1, hold_us=HOLD_US, ledger=one) as here,
        open_shop(stock=1, hold_us=HOLD_US, ledger=two, node="node-2") as there,
    ):
        mine = await hold(here, "ann")
        await there.lane.catch_up()
        here.clock.move(0.4)
        there.clock.move(0.4)
        await back_on_sale(here, 1)
        await back_on_sale(there, 1)
        assert [kind for kind, _ in await here.entries()] == ["opened", "held", "expired"]
        confirm = ConfirmCommand("ann", mine.purchase_id)
        assert await came_to(there, confirm) is TransitionOutcome.HOLD_EXPIRED
        assert here.lane.inventory == there.lane.inventory


async def test_a_hold_ended_at_one_node_is_over_at_the_other_in_that_moment() -> None:
    one, two = FaultyLedger(), FaultyLedger()
    two.truth = one.truth
    async with (
        open_shop(stock=1, hold_us=LONG_US, ledger=one) as here,
        open_shop(stock=1, hold_us=LONG_US, ledger=two, node="node-2") as there,
    ):
        mine = await hold(here, "ann")
        command = ReleaseCommand("ann", mine.purchase_id)
        assert await came_to(there, command) is TransitionOutcome.DONE
        late = await came_to(here, ConfirmCommand("ann", mine.purchase_id))
        assert late is TransitionOutcome.HOLD_RELEASED


async def test_a_clock_that_is_set_back_ends_no_hold_early_and_keeps_none_for_ever() -> None:
    async with open_shop(stock=1, hold_us=LONG_US) as shop:
        mine = await hold(shop, "ann")
        shop.clock.move(-3600)
        assert getattr(await shop.buy("bob"), "outcome", None) is Outcome.SOLD_OUT
        shop.clock.move(3661)
        await hold(shop, "bob")
        late = await came_to(shop, ConfirmCommand("ann", mine.purchase_id))
        assert late is TransitionOutcome.HOLD_EXPIRED

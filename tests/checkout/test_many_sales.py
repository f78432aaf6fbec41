"""Many sales at one server: each its own lane, made while it runs, opened by the clock."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from flashsale_server.checkout import (
    Checkout,
    CheckoutLimits,
    CircuitOpen,
    LedgerRefused,
    OutcomeUnknown,
    SaleExists,
    ShuttingDown,
    Watching,
)
from flashsale_server.domain import (
    Answer,
    ChangeOutcome,
    CircuitState,
    Outcome,
    PauseCommand,
    RestockCommand,
    SaleState,
    SaleTerms,
)
from flashsale_server.ledger import Append, PositionConflict

from tests.checkout.faulty_ledger import FaultyLedger
from tests.checkout.shops import (
    START_US,
    ManualClock,
    Shop,
    open_shop,
    outcome,
    outcomes,
    settled,
    turns,
)
from tests.checkout.troubled_ledger import Fate

TERMS = SaleTerms(title="Hats")


class OneSaleStalls(FaultyLedger):
    """A ledger that keeps the appends of one sale waiting, and takes those of all others."""

    def __init__(self, sale_id: str) -> None:
        super().__init__()
        self.may_go_on = asyncio.Event()
        self.stalled = asyncio.Event()
        self.sale_id = sale_id
        self.before_append = self._stall

    async def _stall(self, append: Append) -> None:
        if append.sale_id == self.sale_id and append.first_position > 1:
            self.stalled.set()
            await self.may_go_on.wait()

    def go_on(self) -> None:
        super().go_on()
        self.may_go_on.set()


@contextlib.asynccontextmanager
async def two_nodes() -> AsyncIterator[tuple[Shop, Shop]]:
    one, two = FaultyLedger(), FaultyLedger()
    two.truth = one.truth
    async with open_shop(ledger=one) as here, open_shop(ledger=two, node="node-2") as there:
        yield here, there


# One sale and the others.


async def test_a_sale_that_waits_for_its_append_keeps_no_other_waiting() -> None:
    async with open_shop(ledger=OneSaleStalls("sale")) as shop:
        other = await shop.checkout.create_sale("other", TERMS, 5)
        waiting = shop.ask("ann")
        bought = shop.checkout.admit(other, "ann")
        await settled(bought)
        assert outcome(bought) is Outcome.PURCHASED
        assert waiting.result is None
        changed = await shop.checkout.came_to(other, PauseCommand(), None)
        assert changed is ChangeOutcome.CHANGED


async def test_a_crowded_sale_leaves_a_tenth_of_the_line_to_the_others() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=0, max_queue=100)
    async with open_shop(stock=500, ledger=OneSaleStalls("sale"), limits=limits) as shop:
        other = await shop.checkout.create_sale("other", TERMS, 50)
        crowd = [shop.ask(f"u-{number}") for number in range(150)]
        await turns()
        assert outcomes(crowd).count("QueueFull") == 60
        few = [shop.checkout.admit(other, f"u-{number}") for number in range(10)]
        await settled(*few)
        assert outcomes(few) == [Outcome.PURCHASED] * 10
        assert outcome(shop.ask("late")) == "QueueFull"


async def test_a_lane_within_its_share_may_use_the_line_to_its_end() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=0, max_queue=100)
    async with open_shop(ledger=OneSaleStalls("sale"), limits=limits) as shop:
        lanes = [await shop.checkout.create_sale(f"s-{number}", TERMS, 5) for number in range(3)]
        crowd = [shop.ask(f"u-{number}") for number in range(100)]
        assert outcomes(crowd).count("QueueFull") == 10
        few = [shop.checkout.admit(lanes[number % 3], f"u-{number}") for number in range(11)]
        assert outcomes(few) == [None] * 10 + ["QueueFull"]


@pytest.mark.parametrize("change", [PauseCommand(), RestockCommand(-10)])
async def test_a_paused_or_sold_out_sale_refuses_only_itself(
    change: PauseCommand | RestockCommand,
) -> None:
    async with open_shop(stock=10) as shop:
        other = await shop.checkout.create_sale("other", TERMS, 5)
        await shop.checkout.came_to(shop.lane, change, None)
        refused = [shop.ask(f"u-{number}") for number in range(200)]
        bought = shop.checkout.admit(other, "ann")
        await settled(bought, *refused)
        assert outcome(bought) is Outcome.PURCHASED
        expected = Outcome.PAUSED if isinstance(change, PauseCommand) else Outcome.SOLD_OUT
        assert set(outcomes(refused)) == {expected}


# Making sales.


async def test_a_sale_that_exists_is_not_made_again() -> None:
    async with open_shop(stock=7) as shop:
        with pytest.raises(SaleExists):
            await shop.checkout.create_sale("sale", TERMS, 1)
        assert shop.lane.inventory.total_stock == 7


async def test_of_two_nodes_that_make_a_sale_one_does_and_both_sell_it() -> None:
    async with two_nodes() as (here, there):
        done = await asyncio.gather(
            here.checkout.create_sale("new", TERMS, 1),
            there.checkout.create_sale("new", TERMS, 2),
            return_exceptions=True,
        )
        assert sorted(type(item).__name__ for item in done) == ["Lane", "SaleExists"]
        lanes = [await here.checkout.lane("new"), await there.checkout.lane("new")]
        assert lanes[0].inventory == lanes[1].inventory


async def test_of_fifty_who_make_a_sale_one_does() -> None:
    async with open_shop() as shop:
        calls = [shop.checkout.create_sale("new", TERMS, number) for number in range(50)]
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(item, SaleExists) for item in done) == 49


async def test_a_server_that_drains_makes_no_sale() -> None:
    async with open_shop() as shop:
        await shop.checkout.drain(0)
        with pytest.raises(ShuttingDown):
            await shop.checkout.create_sale("new", TERMS, 1)
        assert await shop.ledger.truth.sale_ids() == ["sale"]


async def test_sales_that_cannot_be_made_open_the_circuit_and_one_that_can_closes_it() -> None:
    async with open_shop() as shop:
        shop.ledger.order(*[Fate.REJECTED] * 5)
        for _ in range(5):
            with pytest.raises(LedgerRefused):
                await shop.checkout.create_sale("new", TERMS, 1)
        with pytest.raises(CircuitOpen):
            await shop.checkout.create_sale("new", TERMS, 1)
        assert outcome(shop.ask("ann")) == "CircuitOpen"
        shop.clock.move(30)
        await shop.checkout.create_sale("new", TERMS, 1)
        assert shop.checkout.breaker.state_at(shop.clock.monotonic()) is CircuitState.CLOSED


async def test_while_the_ledger_is_tried_no_sale_is_made() -> None:
    async with open_shop() as shop:
        shop.ledger.order(*[Fate.REJECTED] * 5)
        for number in range(5):
            await shop.buy(f"unlucky-{number}")
        shop.clock.move(30)
        shop.ledger.stall()
        trial = shop.ask("ann")
        await shop.ledger.asked.wait()
        with pytest.raises(CircuitOpen):
            await shop.checkout.create_sale("new", TERMS, 1)
        shop.ledger.go_on()
        await settled(trial)


@pytest.mark.parametrize("fate", [Fate.UNKNOWN_AND_LOST, Fate.UNKNOWN_AND_LANDED])
async def test_a_sale_of_unknown_fate_is_made_by_asking_again_or_exists(fate: Fate) -> None:
    async with open_shop() as shop:
        shop.ledger.order(fate)
        with pytest.raises(OutcomeUnknown):
            await shop.checkout.create_sale("new", TERMS, 3)
        if fate is Fate.UNKNOWN_AND_LANDED:
            with pytest.raises(SaleExists):
                await shop.checkout.create_sale("new", TERMS, 3)
        else:
            await shop.checkout.create_sale("new", TERMS, 3)
        assert (await shop.checkout.lane("new")).inventory.total_stock == 3


async def test_a_sale_that_is_lost_and_lands_late_is_not_made_twice() -> None:
    ledger = FaultyLedger()
    async with open_shop(ledger=ledger) as shop:
        ledger.order(Fate.UNKNOWN_AND_LATE)
        with pytest.raises(OutcomeUnknown):
            await shop.checkout.create_sale("new", TERMS, 3)
        lane = await shop.checkout.create_sale("new", TERMS, 4)
        with pytest.raises(PositionConflict):
            await ledger.truth.append(ledger.late[0])
        assert lane.inventory.total_stock == 4


async def test_a_sale_that_is_made_but_cannot_be_read_is_not_called_undone() -> None:
    async with open_shop() as shop:
        shop.ledger.reads_fail = True
        with pytest.raises(OutcomeUnknown):
            await shop.checkout.create_sale("new", TERMS, 3)
        shop.ledger.reads_fail = False
        assert (await shop.checkout.lane("new")).inventory.total_stock == 3


# The clock.


async def test_a_sale_opens_on_time_though_nobody_calls() -> None:
    async with open_shop() as shop:
        terms = SaleTerms(starts_at_us=START_US + 50_000)
        lane = await shop.checkout.create_sale("new", terms, 3)
        looks = Watching(shop.checkout).looks(lane, 0.0)
        await anext(looks)
        shop.clock.move(0.05)
        await asyncio.wait_for(anext(looks), 20)
        assert lane.inventory.state_at(shop.clock.now_us()) is SaleState.LIVE
        await looks.aclose()
        assert lane.inventory.last_position == 1, "the start needs no entry"


async def test_who_watches_is_told_of_a_start_in_good_time() -> None:
    async with open_shop() as shop:
        checkout = Checkout(shop.ledger, node="real clock")
        starts_at_us = checkout.clock.now_us() + 200_000
        lane = await checkout.create_sale("new", SaleTerms(starts_at_us=starts_at_us), 3)
        looks = Watching(checkout).looks(lane, 0.0)
        await anext(looks)
        await asyncio.wait_for(anext(looks), 20)
        late_us = time.time_ns() // 1000 - starts_at_us
        assert 0 <= late_us < 1_000_000
        await looks.aclose()
        await checkout.drain(0)


async def test_a_start_that_is_moved_is_kept() -> None:
    clock = ManualClock()
    async with open_shop(clock=clock, starts_at_us=START_US + 3_600_000_000) as shop:
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.NOT_STARTED
        clock.move(3600)
        bought = await shop.buy("ann")
        assert isinstance(bought, Answer)
        assert bought.outcome is Outcome.PURCHASED

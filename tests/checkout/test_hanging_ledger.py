"""Whatever the ledger does, hang, break, forget or be cancelled, nobody waits for ever."""

import asyncio
import os

import pytest
from flashsale_server.checkout import Call, all_settled
from flashsale_server.domain import Outcome

from tests.checkout.faulty_ledger import FaultyLedger, sell_elsewhere
from tests.checkout.shops import open_shop, outcome, outcomes, settled, turns
from tests.checkout.troubled_ledger import Fate


async def is_answered(*calls: Call) -> bool:
    """Whether calls are answered soon, where a lane may take a sweep to do it."""
    try:
        await asyncio.wait_for(all_settled(calls), 2)
    except TimeoutError:
        return False
    return True


async def test_a_deadline_that_passes_while_the_tail_is_read_is_told() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=0, ledger=ledger) as shop:
        ledger.hold_tails()
        call = shop.ask("ann", deadline=shop.clock.monotonic() + 1)
        await ledger.tail_asked.wait()
        shop.clock.move(1)
        assert await is_answered(call)


async def test_a_deadline_that_passes_while_the_ledger_is_recovered_is_told() -> None:
    ledger = FaultyLedger()
    async with open_shop(ledger=ledger) as shop:
        ledger.order(Fate.UNKNOWN_AND_LOST)
        await settled(shop.ask("ann"))
        ledger.hold_tails()
        call = shop.ask("bob", deadline=shop.clock.monotonic() + 1)
        await ledger.tail_asked.wait()
        shop.clock.move(1)
        assert await is_answered(call)
        assert outcome(call) == "DeadlineExceeded"


async def test_a_drain_that_runs_out_while_the_tail_is_read_decides_nothing() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=0, ledger=ledger) as shop:
        ledger.hold_tails()
        refused = shop.ask("ann")
        await ledger.tail_asked.wait()
        waiting = shop.ask("bob")
        await shop.checkout.drain(0)
        assert outcomes([refused, waiting]) == ["ShuttingDown"] * 2


async def test_an_append_that_somebody_cancels_leaves_nobody_waiting() -> None:
    ledger = FaultyLedger()
    async with open_shop(ledger=ledger) as shop:
        ledger.append_is_cancelled = True
        call = shop.ask("ann")
        later = shop.ask("bob")
        assert await is_answered(call, later)
        assert outcome(call) == "OutcomeUnknown"


async def test_a_machine_without_random_bits_leaves_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def exhausted(size: int) -> bytes:
        raise OSError("no random bits")

    async with open_shop() as shop:
        monkeypatch.setattr(os, "urandom", exhausted)
        calls = [shop.ask(f"u-{number}", f"r-{number}") for number in range(3)]
        await turns(200)
        monkeypatch.undo()
        assert outcomes(calls) == ["SaleUnreadable"] * 3
        assert shop.checkout.line.length == 0


@pytest.mark.parametrize("stock", [1, 5], ids=["refused", "bought"])
async def test_a_ledger_that_lost_what_it_had_stops_the_lane(stock: int) -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=stock, ledger=ledger) as shop:
        await shop.buy("ann")
        await ledger.forget_after("sale", 1)
        call = shop.ask("bob")
        await turns(1000)
        assert outcome(call) == "SaleUnreadable"


async def test_a_read_that_breaks_off_is_picked_up_where_it_broke() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=3, ledger=ledger) as shop:
        await sell_elsewhere(ledger, "eve")
        await sell_elsewhere(ledger, "fay")
        ledger.read_breaks_off = True
        first = shop.ask("ann")
        await settled(first)
        assert outcome(first) in {Outcome.PURCHASED, "LedgerRefused"}
        second = shop.ask("ann")
        await settled(second)
        assert await shop.buyers() == ["eve", "fay", "ann"]
        assert shop.lane.inventory.available_stock == 0


async def test_a_hanging_read_of_one_reader_is_over_when_he_leaves() -> None:
    ledger = FaultyLedger()
    async with open_shop(ledger=ledger) as shop:
        ledger.hold_tails()
        reader = asyncio.create_task(shop.checkout.purchases_of(shop.lane, "ann"))
        await ledger.tail_asked.wait()
        reader.cancel()
        await turns()
        call = shop.ask("ann")
        await settled(call)
        assert outcome(call) is Outcome.PURCHASED

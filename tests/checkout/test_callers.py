"""Callers: copies that join, people who leave, and those whose time is over."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine

import pytest
from flashsale_server.checkout import Call, all_settled, result_of
from flashsale_server.domain import Answer, Outcome

from tests.checkout.shops import Shop, open_shop, outcome, settled, turns

Wait = Callable[[Call], Coroutine[None, None, None]]


async def stalled(shop: Shop) -> Call:
    """A call whose append is under way and does not end."""
    shop.ledger.stall()
    call = shop.ask("first")
    await shop.ledger.asked.wait()
    return call


async def one_settled(call: Call) -> None:
    assert await result_of(call) is call.result


WAYS_TO_WAIT: list[Wait] = [one_settled, lambda call: all_settled([call])]


async def leave(call: Call, wait: Wait) -> None:
    """Wait for a call, and leave before it is answered."""
    waiting = asyncio.create_task(wait(call))
    await asyncio.sleep(0)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting


def admitted(shop: Shop, user_id: str, request_id: str = "") -> Call:
    """A call that nobody waits for yet."""
    return shop.checkout.admit(shop.lane, user_id, request_id=request_id)


async def test_fifty_copies_on_their_way_are_one_call() -> None:
    async with open_shop() as shop:
        copies = [shop.ask("ann", "r-1") for _ in range(50)]
        await settled(*copies)
        assert len(set(map(id, copies))) == 1
        assert await shop.buyers() == ["ann"]
        assert shop.checkout.meters.replays == 49


async def test_a_copy_with_another_quantity_is_no_copy() -> None:
    async with open_shop(per_user_limit=5) as shop:
        first = shop.ask("ann", "r-1")
        other = shop.ask("ann", "r-1", quantity=2)
        assert outcome(other) == "RequestIdReused"
        await settled(first)
        assert outcome(shop.ask("ann", "r-1", quantity=2)) == "RequestIdReused"


@pytest.mark.parametrize("wait", WAYS_TO_WAIT)
async def test_a_caller_who_leaves_after_the_decision_has_bought(wait: Wait) -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        call = admitted(shop, "ann")
        leaving = asyncio.create_task(leave(call, wait))
        await shop.ledger.asked.wait()
        await leaving
        shop.ledger.go_on()
        await turns()
        assert await shop.buyers() == ["ann"]


async def test_a_caller_who_leaves_before_the_turn_is_dropped_undecided() -> None:
    async with open_shop() as shop:
        call = admitted(shop, "ann")
        listener = print
        call.listen(listener)
        call.leave(listener)
        other = shop.ask("bob")
        await settled(other)
        await turns()
        assert await shop.buyers() == ["bob"]
        assert shop.checkout.line.length == 0


@pytest.mark.parametrize("wait", WAYS_TO_WAIT)
async def test_one_of_two_copies_may_leave(wait: Wait) -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        call = admitted(shop, "ann", "r-1")
        staying = asyncio.create_task(wait(call))
        await leave(admitted(shop, "ann", "r-1"), wait)
        shop.ledger.go_on()
        await staying
        assert outcome(call) is Outcome.PURCHASED


async def test_a_retry_that_joins_in_time_has_its_refusal_recorded() -> None:
    async with open_shop(stock=0) as shop:
        first = shop.ask("ann", "r-1")
        retry = shop.ask("ann", "r-1", is_retry=True)
        assert retry is first
        await settled(first)
        assert ("refused", "ann") in await shop.entries()


async def test_a_retry_that_comes_too_late_to_join_takes_its_own_turn() -> None:
    async with open_shop(stock=1) as shop:
        await stalled(shop)
        first = shop.ask("ann", "r-1")
        await turns()
        assert first.is_decided
        retry = shop.ask("ann", "r-1", is_retry=True)
        assert retry is not first
        shop.ledger.go_on()
        await settled(first, retry)
        assert (outcome(first), outcome(retry)) == (Outcome.SOLD_OUT, Outcome.SOLD_OUT)
        assert ("refused", "ann") in await shop.entries()


async def test_an_unrecorded_refusal_is_not_remembered() -> None:
    async with open_shop(stock=0) as shop:
        await shop.buy("ann", "r-1")
        again = await shop.buy("ann", "r-1")
        assert isinstance(again, Answer)
        assert not again.replayed
        assert await shop.entries() == [("opened", "")]


async def test_a_deadline_that_passes_before_the_turn_leaves_the_call_undecided() -> None:
    async with open_shop() as shop:
        late = shop.ask("ann", deadline=shop.clock.monotonic() + 1)
        shop.clock.move(1)
        other = shop.ask("bob")
        await settled(late, other)
        assert outcome(late) == "DeadlineExceeded"
        assert await shop.buyers() == ["bob"]


async def test_calls_whose_time_is_over_do_not_pile_up_while_the_ledger_hangs() -> None:
    async with open_shop(stock=5000) as shop:
        await stalled(shop)
        soon = shop.clock.monotonic() + 1
        calls = [shop.ask(f"u-{number}", deadline=soon) for number in range(3000)]
        await turns(100)
        shop.clock.move(1)
        await settled(*calls)
        assert shop.checkout.line.length == 1
        assert shop.lane.queue_length <= 1001


async def test_a_deadline_that_passes_while_the_ledger_hangs_leaves_the_outcome_unknown() -> None:
    async with open_shop() as shop:
        first = await stalled(shop)
        ahead = shop.ask("ann", "r-1", deadline=shop.clock.monotonic() + 1)
        await turns()
        assert ahead.is_decided
        shop.clock.move(1)
        await settled(ahead)
        assert outcome(ahead) == "OutcomeUnknown"
        shop.ledger.go_on()
        await settled(first)
        again = await shop.buy("ann", "r-1")
        assert isinstance(again, Answer)
        assert again.outcome is Outcome.PURCHASED
        assert await shop.buyers() == ["first", "ann"]

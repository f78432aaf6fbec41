"""Copies share one call, whoever of them leaves; the line and the meters count who is there."""

import asyncio

from flashsale_server.checkout import Call, CheckoutLimits, all_settled
from flashsale_server.domain import Answer, Outcome
from flashsale_server.ledger import Append

from tests.checkout.faulty_ledger import FaultyLedger
from tests.checkout.shops import START_US, open_shop, outcome, outcomes, settled, turns
from tests.checkout.troubled_ledger import Fate


def nobody(_: Call) -> None:
    """A listener who may leave again."""


async def test_fifty_copies_get_fifty_equal_answers() -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        told: list[object] = []
        for _ in range(50):
            call = shop.checkout.admit(shop.lane, "ann", request_id="r-1")
            call.listen(lambda call: told.append(call.result))
            await asyncio.sleep(0)
        shop.ledger.go_on()
        await settled(call)
        assert told == [call.result] * 50
        assert await shop.buyers() == ["ann"]


async def test_a_copy_that_joins_a_call_whose_callers_have_left_keeps_it() -> None:
    async with open_shop() as shop:
        call = shop.checkout.admit(shop.lane, "ann", request_id="r-1")
        call.listen(nobody)
        call.leave(nobody)
        copy = shop.checkout.admit(shop.lane, "ann", request_id="r-1")
        # The door admits the other items of a batch before it waits for any of them.
        await turns()
        await settled(copy)
        assert outcome(copy) is Outcome.PURCHASED


async def test_a_copy_with_more_time_keeps_the_call_for_itself() -> None:
    async with open_shop() as shop:
        now = shop.clock.monotonic()
        shop.ask("ann", "r-1", deadline=now + 1)
        copy = shop.ask("ann", "r-1", deadline=now + 5)
        shop.clock.move(2)
        await settled(copy)
        assert outcome(copy) is Outcome.PURCHASED


async def test_the_same_request_of_two_users_is_no_copy() -> None:
    async with open_shop() as shop:
        calls = [shop.ask("ann", "r-1"), shop.ask("bob", "r-1")]
        await settled(*calls)
        assert outcomes(calls) == [Outcome.PURCHASED] * 2


async def test_everybody_is_told_once_whatever_is_decided_again() -> None:
    async with open_shop(stock=20) as shop:
        shop.ledger.stall()
        told: list[str] = []
        for number in range(30):
            call = shop.checkout.admit(shop.lane, f"u-{number}", request_id=f"r-{number}")
            call.listen(lambda call: told.append(call.request_id))
            await asyncio.sleep(0)
        shop.ledger.go_on()
        await asyncio.wait_for(shop.checkout.line.emptied(), 20)
        assert sorted(told) == sorted(f"r-{number}" for number in range(30))
        assert await shop.buyers() == [f"u-{number}" for number in range(20)]


async def test_a_leaver_who_was_decided_ahead_has_bought() -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        shop.ask("first")
        await shop.ledger.asked.wait()
        call = shop.checkout.admit(shop.lane, "ann", request_id="r-1")
        call.listen(nobody)
        await turns()
        assert call.is_decided
        call.leave(nobody)
        shop.ledger.go_on()
        await asyncio.wait_for(shop.checkout.line.emptied(), 20)
        again = shop.ask("ann", "r-1")
        assert isinstance(again.result, Answer)
        assert (again.result.outcome, again.result.replayed) == (Outcome.PURCHASED, True)


async def test_the_queue_length_counts_nobody_who_has_been_told() -> None:
    async with open_shop(ends_at_us=START_US + 10_000_000) as shop:
        shop.ledger.stall()
        first = shop.ask("first")
        await shop.ledger.asked.wait()
        soon = shop.clock.monotonic() + 11
        ahead = [shop.ask(f"a-{number}", deadline=soon) for number in range(5)]
        await turns()
        shop.clock.move(10)
        # The end lies between these and what is being decided, so they have to wait.
        behind = [shop.ask(f"b-{number}", deadline=soon) for number in range(5)]
        await turns()
        assert shop.lane.queue_length == 11
        shop.clock.move(1)
        await settled(*ahead, *behind)
        assert outcomes(ahead) == ["OutcomeUnknown"] * 5
        assert outcomes(behind) == ["DeadlineExceeded"] * 5
        assert shop.checkout.line.length == 1
        assert shop.lane.queue_length == 1
        shop.ledger.go_on()
        await settled(first)


async def test_a_caller_may_ask_again_as_soon_as_he_is_told() -> None:
    async with open_shop(ends_at_us=START_US + 10_000_000) as shop:
        shop.ledger.stall()
        first = shop.ask("first")
        await shop.ledger.asked.wait()
        ahead = shop.ask("ahead")
        await turns()
        shop.clock.move(10)
        again: list[Call] = []
        soon = shop.clock.monotonic() + 1
        late = [shop.checkout.admit(shop.lane, f"u-{number}", deadline=soon) for number in range(3)]
        for call in late:
            call.listen(lambda _: again.append(shop.ask("again")))
        await turns()
        shop.clock.move(1)
        await settled(*late)
        assert outcomes(late) == ["DeadlineExceeded"] * 3
        shop.ledger.go_on()
        await settled(first, ahead, *again)
        assert outcomes([first, ahead]) == [Outcome.PURCHASED] * 2
        assert outcomes(again) == [Outcome.ENDED] * 3


async def test_a_batch_in_which_nobody_is_left_is_no_batch() -> None:
    async with open_shop() as shop:
        call = shop.checkout.admit(shop.lane, "ann")
        call.listen(nobody)
        call.leave(nobody)
        await turns()
        assert outcome(call) == "DeadlineExceeded"
        assert shop.checkout.meters.batches == 0


async def test_an_append_carries_a_thousand_decisions_whatever_the_batch_size() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=0, batch_size=300)
    async with open_shop(stock=5000, limits=limits) as shop:
        shop.ledger.stall()
        calls = [shop.ask(f"u-{number}") for number in range(2500)]
        await shop.ledger.asked.wait()
        shop.ledger.go_on()
        await settled(*calls)
        sizes = [item.last_position - item.first_position + 1 for item in shop.ledger.appends]
        assert max(sizes) <= 1000


async def test_leaving_while_everybody_is_answered_does_no_harm() -> None:
    async with open_shop() as shop:
        calls = [shop.checkout.admit(shop.lane, f"u-{number}") for number in range(5)]
        waiting = asyncio.create_task(all_settled([*calls, calls[0]]))
        await settled(*calls)
        waiting.cancel()
        await turns()
        assert outcomes(calls) == [Outcome.PURCHASED] * 5


async def test_a_retry_joins_a_call_whose_decision_was_thrown_away() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=1, ledger=ledger) as shop:
        ledger.stall()
        first = shop.ask("first")
        await ledger.asked.wait()
        plain = shop.ask("ann", "r-1", quantity=1)
        await turns()
        assert plain.is_decided
        ledger.hold_tails()
        ledger.order(Fate.REJECTED)
        ledger.go_on_with_appends()
        await ledger.tail_asked.wait()
        retry = shop.ask("ann", "r-1", is_retry=True)
        assert retry is plain
        ledger.release_tails()
        await settled(first, retry)
        assert outcomes([first, retry]) == ["LedgerRefused", Outcome.PURCHASED]


async def test_a_copy_joins_the_retry_although_the_plain_call_before_it_is_answered() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=1, ledger=ledger) as shop:

        async def stall(_: Append) -> None:
            ledger.stall()

        ledger.before_append = stall
        first, plain = shop.ask("first"), shop.ask("ann", "r-1")
        await ledger.asked.wait()
        await turns()
        retry = shop.ask("ann", "r-1", is_retry=True)
        await turns()
        assert retry is not plain
        ledger.go_on()
        await settled(first, plain)
        await turns()
        assert outcome(retry) is None
        assert shop.ask("ann", "r-1") is retry
        ledger.before_append = None
        ledger.go_on()
        await settled(retry)
        assert outcomes([plain, retry]) == [Outcome.SOLD_OUT] * 2


async def test_a_buyer_is_told_when_readers_can_see_it() -> None:
    ledger = FaultyLedger()
    async with open_shop(ledger=ledger) as shop:
        ledger.stall()
        call = shop.ask("ann")
        await ledger.asked.wait()
        ledger.hold_tails()
        reader = asyncio.create_task(shop.checkout.purchases_of(shop.lane, "ann"))
        await ledger.tail_asked.wait()
        ledger.go_on_with_appends()
        await turns()
        assert outcome(call) is None or shop.lane.inventory.purchases_of("ann")
        ledger.release_tails()
        await settled(call)
        assert [purchase.user_id for purchase in await reader] == ["ann"]


async def test_a_lane_that_always_decides_ahead_gets_no_slower_or_deeper() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=5000, ledger=ledger) as shop:
        calls = [shop.ask("u-0")]

        async def another_comes(_: Append) -> None:
            if len(calls) < 1500:
                calls.append(shop.ask(f"u-{len(calls)}"))
                await turns(4)

        ledger.before_append = another_comes
        await asyncio.wait_for(shop.checkout.line.emptied(), 20)
        assert outcomes(calls) == [Outcome.PURCHASED] * 1500
        assert shop.checkout.meters.appends == 1500

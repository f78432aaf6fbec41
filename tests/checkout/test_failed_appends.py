"""When the ledger fails: nobody is told what is not known, and what was lost cannot land later."""

import pytest
from flashsale_server.checkout import CheckoutLimits, CircuitOpen, UserRateLimited
from flashsale_server.domain import Answer, Outcome
from flashsale_server.ledger import PositionConflict

from tests.checkout.shops import Shop, open_shop, outcome, outcomes, settled, turns
from tests.checkout.troubled_ledger import Fate, TroubledLedger


async def test_a_rejected_append_bought_nothing_and_says_so() -> None:
    async with open_shop() as shop:
        shop.ledger.order(Fate.REJECTED)
        call = shop.ask("ann", "r-1")
        await settled(call)
        assert outcome(call) == "LedgerRefused"
        again = await shop.buy("ann", "r-1")
        assert isinstance(again, Answer)
        assert (again.outcome, again.replayed) == (Outcome.PURCHASED, False)
        assert await shop.buyers() == ["ann"]


async def test_an_append_of_unknown_fate_that_was_lost_is_fenced_off() -> None:
    async with open_shop() as shop:
        shop.ledger.order(Fate.UNKNOWN_AND_LATE)
        call = shop.ask("ann", "r-1")
        await settled(call)
        assert outcome(call) == "OutcomeUnknown"
        await shop.buy("bob")
        with pytest.raises(PositionConflict):
            await shop.ledger.truth.append(shop.ledger.late[0])
        assert [kind for kind, _ in await shop.entries()] == ["opened", "fenced", "purchased"]
        again = await shop.buy("ann", "r-1")
        assert isinstance(again, Answer)
        assert (again.outcome, again.replayed) == (Outcome.PURCHASED, False)


async def test_an_append_of_unknown_fate_that_landed_is_replayed() -> None:
    async with open_shop() as shop:
        shop.ledger.order(Fate.UNKNOWN_AND_LANDED)
        call = shop.ask("ann", "r-1")
        await settled(call)
        assert outcome(call) == "OutcomeUnknown"
        again = await shop.buy("ann", "r-1")
        assert isinstance(again, Answer)
        assert (again.outcome, again.replayed) == (Outcome.PURCHASED, True)
        assert await shop.buyers() == ["ann"]
        assert shop.lane.inventory.available_stock == 9


class LandsAtTheFence(TroubledLedger):
    """The lost append lands between the read of the tail and the fence."""

    async def append(self, append: object) -> None:
        if self.late:
            await self.truth.append(self.late.pop())
        await super().append(append)  # type: ignore[arg-type]  # passed on as it came


async def test_an_append_that_lands_just_before_the_fence_is_read_before_anybody_is_answered() -> (
    None
):
    async with open_shop(stock=1, ledger=LandsAtTheFence()) as shop:
        shop.ledger.order(Fate.UNKNOWN_AND_LATE)
        lost = shop.ask("ann", "r-1")
        await settled(lost)
        other = shop.ask("bob")
        await settled(other)
        assert outcome(lost) == "OutcomeUnknown"
        assert outcome(other) is Outcome.SOLD_OUT
        assert await shop.buyers() == ["ann"]


@pytest.mark.parametrize("fate", [Fate.REJECTED, Fate.UNKNOWN_AND_LOST, Fate.UNKNOWN_AND_LANDED])
async def test_what_was_decided_ahead_is_decided_again_in_order_of_arrival(fate: Fate) -> None:
    async with open_shop(stock=3) as shop:
        shop.ledger.stall()
        first = shop.ask("first", "r-0")
        await shop.ledger.asked.wait()
        others = [shop.ask(f"u-{number}") for number in range(5)]
        await turns()
        assert all(call.is_decided for call in others)
        shop.ledger.order(fate)
        shop.ledger.go_on()
        await settled(first, *others)
        landed = fate is Fate.UNKNOWN_AND_LANDED
        left = 2 if landed else 3
        assert outcomes(others) == [Outcome.PURCHASED] * left + [Outcome.SOLD_OUT] * (5 - left)
        expected = [f"u-{number}" for number in range(left)]
        assert await shop.buyers() == (["first", *expected] if landed else expected)


async def test_only_writers_of_a_failed_append_are_told_that_it_is_unknown() -> None:
    async with open_shop(stock=1) as shop:
        shop.ledger.stall()
        writer, refused = shop.ask("ann"), shop.ask("bob")
        await shop.ledger.asked.wait()
        shop.ledger.order(Fate.UNKNOWN_AND_LOST)
        shop.ledger.go_on()
        await settled(writer, refused)
        assert outcome(writer) == "OutcomeUnknown"
        # The unit that bob was too late for was never sold after all.
        assert outcome(refused) is Outcome.PURCHASED


async def test_a_ledger_that_cannot_be_read_answers_nobody_wrongly() -> None:
    async with open_shop(stock=0) as shop:
        shop.ledger.reads_fail = True
        call = shop.ask("ann")
        await settled(call)
        assert outcome(call) == "LedgerRefused"
        shop.ledger.reads_fail = False
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.SOLD_OUT


async def test_a_bug_in_the_engine_leaves_nobody_waiting() -> None:
    async with open_shop() as shop:
        shop.ledger.order(Fate.BREAKS)
        call = shop.ask("ann")
        await settled(call)
        assert outcome(call) == "OutcomeUnknown"
        later = shop.ask("bob")
        await settled(later)
        assert outcome(later) == "SaleUnreadable"


async def opened_circuit(shop: Shop, fate: Fate = Fate.REJECTED) -> None:
    shop.ledger.order(*[fate] * 5)
    for number in range(5):
        await shop.buy(f"unlucky-{number}")


@pytest.mark.parametrize("fate", [Fate.REJECTED, Fate.UNKNOWN_AND_LOST])
async def test_five_failures_in_a_row_open_the_circuit_for_thirty_seconds(fate: Fate) -> None:
    async with open_shop() as shop:
        await opened_circuit(shop, fate)
        call = shop.ask("ann")
        assert isinstance(call.result, CircuitOpen)
        assert call.result.retry_after_seconds == 30.0
        shop.clock.move(29)
        assert shop.ask("ann").result is not None
        shop.clock.move(1)
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.PURCHASED
        assert getattr(await shop.buy("bob"), "outcome", None) is Outcome.PURCHASED
        assert shop.checkout.breaker.failed_in_a_row == 0


async def test_one_more_failure_opens_it_again() -> None:
    async with open_shop() as shop:
        await opened_circuit(shop)
        shop.clock.move(30)
        shop.ledger.order(Fate.REJECTED)
        call = shop.ask("ann")
        await settled(call)
        assert outcome(call) == "LedgerRefused"
        assert outcome(shop.ask("bob")) == "CircuitOpen"


async def test_opening_the_circuit_answers_everybody_who_is_undecided() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=0, breaker_failures=1)
    async with open_shop(limits=limits) as shop:
        shop.ledger.stall()
        first = shop.ask("ann")
        await shop.ledger.asked.wait()
        others = [shop.ask(f"u-{number}") for number in range(100)]
        await turns()
        shop.ledger.order(Fate.REJECTED)
        shop.ledger.go_on()
        await settled(first, *others)
    assert outcomes(others) == ["CircuitOpen"] * 100


async def test_a_known_request_id_is_answered_although_the_circuit_is_open() -> None:
    async with open_shop() as shop:
        await shop.buy("ann", "r-1")
        await opened_circuit(shop)
        again = shop.ask("ann", "r-1")
    assert isinstance(again.result, Answer)
    assert again.result.replayed


async def test_a_sold_out_sale_closes_its_circuit_too() -> None:
    async with open_shop(stock=6) as shop:
        await opened_circuit(shop)
        shop.clock.move(30)
        assert getattr(await shop.buy("ann", quantity=7), "outcome", None) is not None
        assert shop.checkout.breaker.wait_seconds(shop.clock.monotonic()) == 0
        assert shop.checkout.breaker.failed_in_a_row == 0


async def test_refusals_races_and_rate_limits_never_open_the_circuit() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=10)
    async with open_shop(stock=0, limits=limits) as shop:
        calls = [shop.ask(f"u-{number % 5}") for number in range(100)]
        await settled(*calls)
        assert sum(isinstance(call.result, UserRateLimited) for call in calls) == 50
        assert shop.checkout.breaker.failed_in_a_row == 0
        assert getattr(await shop.buy("other"), "outcome", None) is Outcome.SOLD_OUT

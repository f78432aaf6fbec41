"""The line is bounded, only those in it are charged, and who is in it is answered at a stop."""

import asyncio
from collections import Counter

from flashsale_server.checkout import CheckoutLimits, UserRateLimited
from flashsale_server.domain import Outcome

from tests.checkout.shops import open_shop, outcome, outcomes, settled, turns


async def test_twelve_thousand_calls_at_a_stalled_ledger_leave_two_thousand_outside() -> None:
    async with open_shop(stock=100) as shop:
        shop.ledger.stall()
        calls = [shop.ask(f"u-{number}") for number in range(12_000)]
        assert Counter(outcomes(calls)) == {"QueueFull": 2000, None: 10_000}
        assert outcomes(calls[10_000:]) == ["QueueFull"] * 2000
        shop.ledger.go_on()
        await settled(*calls)
        assert Counter(outcomes(calls[:10_000])) == {
            Outcome.PURCHASED: 100,
            Outcome.SOLD_OUT: 9900,
        }
        assert shop.checkout.line.length == 0
        assert shop.checkout.line.length_peak == 10_000
        assert getattr(await shop.buy("late"), "outcome", None) is Outcome.SOLD_OUT


async def test_only_a_call_that_enters_the_line_is_charged() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=2, max_queue=1)
    async with open_shop(limits=limits) as shop:
        shop.ledger.stall()
        first = shop.ask("ann", "r-1")
        copy = shop.ask("ann", "r-1")
        outside = [shop.ask("bob") for _ in range(5)]
        assert outcomes(outside) == ["QueueFull"] * 5
        shop.ledger.go_on()
        await settled(first, copy)
        for _ in range(5):
            assert outcome(shop.ask("ann", "r-1")) is Outcome.PURCHASED
        assert getattr(await shop.buy("bob"), "outcome", None) is Outcome.PURCHASED
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.ALREADY_PURCHASED
        assert outcome(shop.ask("ann")) == "UserRateLimited"


async def test_the_eleventh_attempt_learns_when_the_next_is_free() -> None:
    async with open_shop(stock=0, limits=CheckoutLimits()) as shop:
        for _ in range(10):
            await shop.buy("ann")
            shop.clock.move(1)
        refused = shop.ask("ann").result
        assert isinstance(refused, UserRateLimited)
        assert refused.retry_after_seconds == 50.0
        shop.clock.move(50)
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.SOLD_OUT


async def test_a_server_that_drains_answers_who_is_there_and_lets_nobody_in() -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        inside = shop.ask("ann")
        await shop.ledger.asked.wait()
        draining = asyncio.create_task(shop.checkout.drain(20))
        await turns()
        assert outcome(shop.ask("bob")) == "ShuttingDown"
        shop.ledger.go_on()
        await draining
        assert outcome(inside) is Outcome.PURCHASED


async def test_a_drain_that_runs_out_of_time_tells_everybody_what_is_known() -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        under_way = shop.ask("ann")
        await shop.ledger.asked.wait()
        waiting = [shop.ask(f"u-{number}") for number in range(3)]
        await turns()
        await shop.checkout.drain(0)
        assert outcome(under_way) == "OutcomeUnknown"
        assert outcomes(waiting) == ["ShuttingDown"] * 3
        assert shop.checkout.line.length == 0


async def test_a_known_request_id_is_answered_while_the_server_drains() -> None:
    async with open_shop() as shop:
        await shop.buy("ann", "r-1")
        await shop.checkout.drain(0)
        assert outcome(shop.ask("ann", "r-1")) is Outcome.PURCHASED

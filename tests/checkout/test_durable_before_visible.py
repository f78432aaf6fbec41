"""Nobody is answered, and nothing is shown, before all that it rests on is durable."""

from flashsale_server.checkout import CheckoutLimits
from flashsale_server.domain import Outcome

from tests.checkout.shops import open_shop, outcome, outcomes, settled, turns


async def test_a_purchase_waits_for_its_append() -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        call = shop.ask("ann")
        await shop.ledger.asked.wait()
        await turns()
        assert outcome(call) is None
        assert shop.lane.inventory.available_stock == 10
        assert shop.lane.inventory.purchases_of("ann") == ()
        shop.ledger.go_on()
        await settled(call)
    assert outcome(call) is Outcome.PURCHASED


async def test_a_refusal_waits_for_the_purchase_that_it_rests_on() -> None:
    async with open_shop(stock=1) as shop:
        shop.ledger.stall()
        first = shop.ask("ann")
        await shop.ledger.asked.wait()
        others = [shop.ask("bob"), shop.ask("ann"), shop.ask("cid", quantity=1)]
        await turns()
        assert outcomes(others) == [None, None, None]
        shop.ledger.go_on()
        await settled(first, *others)
    assert outcomes(others) == [Outcome.SOLD_OUT, Outcome.ALREADY_PURCHASED, Outcome.SOLD_OUT]


async def test_a_replay_within_the_batch_waits_too() -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        first = shop.ask("ann", "r-1")
        await shop.ledger.asked.wait()
        copy = shop.ask("ann", "r-1")
        await turns()
        assert copy is first
        assert outcome(copy) is None
        shop.ledger.go_on()
        await settled(first)


async def test_a_refusal_on_durable_ground_writes_nothing() -> None:
    async with open_shop(stock=0) as shop:
        before = len(shop.ledger.appends)
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.SOLD_OUT
        assert len(shop.ledger.appends) == before


async def test_a_refusal_is_answered_only_after_the_tail_was_read() -> None:
    async with open_shop(stock=0) as shop:
        before = shop.ledger.tails
        await shop.buy("ann")
        assert shop.ledger.tails == before + 1


async def test_the_next_batches_are_decided_while_one_is_written_and_share_one_append() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=0, batch_size=10)
    async with open_shop(stock=1000, limits=limits) as shop:
        shop.ledger.stall()
        first = shop.ask("first")
        await shop.ledger.asked.wait()
        calls = [shop.ask(f"u-{number}") for number in range(200)]
        await turns(100)
        assert all(call.is_decided for call in calls)
        shop.ledger.go_on()
        await settled(first, *calls)
        assert len(shop.ledger.appends) == 3  # the opening, the first, all others
        assert shop.checkout.meters.batch_size_max == 10
        assert await shop.buyers() == ["first", *(f"u-{number}" for number in range(200))]


async def test_one_append_carries_a_thousand_decisions_at_most() -> None:
    async with open_shop(stock=5000) as shop:
        shop.ledger.stall()
        calls = [shop.ask(f"u-{number}") for number in range(2500)]
        await shop.ledger.asked.wait()
        shop.ledger.go_on()
        await settled(*calls)
        sizes = [item.last_position - item.first_position + 1 for item in shop.ledger.appends]
    assert max(sizes) == 1000
    assert len(sizes) == 4


async def test_first_come_is_first_served_across_batches() -> None:
    async with open_shop(stock=120) as shop:
        calls = [shop.ask(f"u-{number}") for number in range(500)]
        await settled(*calls)
        assert await shop.buyers() == [f"u-{number}" for number in range(120)]
    assert outcomes(calls) == [Outcome.PURCHASED] * 120 + [Outcome.SOLD_OUT] * 380

"""Two nodes on one ledger: equally right, whoever loses the race."""

import asyncio

from flashsale_server.checkout import CheckoutLimits
from flashsale_server.checkout.replica import Replica
from flashsale_server.domain import Answer, Entry, EntryKind, Outcome

from tests.checkout.shops import Shop, open_shop, outcome, outcomes, settled, turns
from tests.checkout.troubled_ledger import TroubledLedger


def sharing(shop: Shop) -> TroubledLedger:
    """The ledger of another node that keeps the same rows."""
    ledger = TroubledLedger()
    ledger.truth = shop.ledger.truth
    return ledger


async def another_node_sells(shop: Shop, user_id: str) -> None:
    """A purchase appended by somebody else, of which the shop has not heard."""
    replica = Replica("sale", shop.ledger.truth, "elsewhere")
    await replica.catch_up()
    entry = Entry(EntryKind.PURCHASED.value, -1, user_id, f"p-{user_id}", f"r-{user_id}", 1)
    await shop.ledger.truth.append(replica.append_of([entry], shop.clock.now_us()))


async def test_a_refusal_and_a_purchase_see_what_the_other_node_sold() -> None:
    async with open_shop(stock=2) as shop:
        await another_node_sells(shop, "eve")
        assert getattr(await shop.buy("eve"), "outcome", None) is Outcome.ALREADY_PURCHASED
        await another_node_sells(shop, "fay")
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.SOLD_OUT


async def test_who_loses_the_race_decides_again() -> None:
    async with open_shop(stock=1) as shop:
        shop.ledger.stall()
        call = shop.ask("ann")
        await shop.ledger.asked.wait()
        await another_node_sells(shop, "eve")
        shop.ledger.go_on()
        await settled(call)
        assert outcome(call) is Outcome.SOLD_OUT
        assert shop.checkout.meters.appends_conflicted == 1
        assert shop.checkout.meters.appends_failed == 0


async def test_a_reader_who_catches_up_between_two_batches_spoils_no_decision() -> None:
    limits = CheckoutLimits(rate_limit_per_minute=0, batch_size=1)
    async with open_shop(stock=1, limits=limits) as shop:
        calls = [shop.ask("ann"), shop.ask("bob"), shop.ask("cid")]
        await turns(1)
        assert [call.is_decided for call in calls] == [True, False, False]
        await another_node_sells(shop, "eve")
        await shop.lane.catch_up()
        await settled(*calls)
        assert outcomes(calls) == [Outcome.SOLD_OUT] * 3
        assert await shop.buyers() == ["eve"]


async def test_a_reader_who_catches_up_past_an_append_under_way_spoils_what_was_decided_ahead() -> (
    None
):
    async with open_shop(stock=2) as shop:
        shop.ledger.hush()
        first = shop.ask("ann")
        await shop.ledger.landed.wait()
        ahead = shop.ask("bob")
        await turns()
        assert ahead.is_decided
        await another_node_sells(shop, "eve")
        await shop.lane.catch_up()
        shop.ledger.speak()
        await settled(first, ahead)
        assert outcomes([first, ahead]) == [Outcome.PURCHASED, Outcome.SOLD_OUT]
        assert await shop.buyers() == ["ann", "eve"]


async def test_two_hundred_buyers_at_two_nodes_get_fifty_units_and_equal_answers() -> None:
    async with (
        open_shop(stock=50) as one,
        open_shop(stock=50, ledger=sharing(one), node="node-2") as two,
    ):
        pairs = []
        for number in range(200):
            user_id, request_id = f"u-{number}", f"r-{number}"
            pairs.append((one.ask(user_id, request_id), two.ask(user_id, request_id)))
            await asyncio.sleep(0)
        await settled(*(call for pair in pairs for call in pair))
        assert len(await one.buyers()) == 50
        for left, right in pairs:
            assert isinstance(left.result, Answer)
            assert isinstance(right.result, Answer)
            assert left.result.outcome is right.result.outcome
            assert left.result.purchase == right.result.purchase


async def test_a_retry_that_was_refused_stays_refused_at_every_node() -> None:
    async with (
        open_shop(stock=1) as one,
        open_shop(stock=1, ledger=sharing(one), node="node-2") as two,
    ):
        await one.buy("ann")
        refused = one.ask("bob", "r-1", is_retry=True)
        await settled(refused)
        again = await two.buy("bob", "r-1")
    assert outcome(refused) is Outcome.SOLD_OUT
    assert isinstance(again, Answer)
    assert (again.outcome, again.replayed) == (Outcome.SOLD_OUT, True)

"""An append of unknown fate lands before it is looked for, in the middle, or never."""

import pytest
from flashsale_server.domain import Answer, Outcome

from tests.checkout.faulty_ledger import FaultyLedger, Moment
from tests.checkout.shops import Shop, open_shop, outcome, outcomes, settled, turns
from tests.checkout.troubled_ledger import Fate

LANDS = {
    Moment.BEFORE_THE_READ: (True, ["opened", "purchased", "fenced"]),
    Moment.BEFORE_THE_FENCE: (True, ["opened", "purchased", "fenced"]),
    Moment.AFTER_THE_FENCE: (False, ["opened", "fenced"]),
}


async def lose(shop: Shop, user_id: str, request_id: str) -> None:
    """A purchase whose append is of unknown fate."""
    shop.ledger.order(Fate.UNKNOWN_AND_LATE)
    lost = shop.ask(user_id, request_id)
    await settled(lost)
    assert outcome(lost) == "OutcomeUnknown"


@pytest.mark.parametrize("moment", Moment)
async def test_whoever_comes_next_is_decided_on_what_became_of_the_lost_append(
    moment: Moment,
) -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=1, ledger=ledger) as shop:
        ledger.lands_at = moment
        await lose(shop, "ann", "r-1")
        landed, kinds = LANDS[moment]
        bob = shop.ask("bob", "r-2")
        await settled(bob)
        assert outcome(bob) is (Outcome.SOLD_OUT if landed else Outcome.PURCHASED)
        assert ledger.landings == [landed]
        assert [kind for kind, _ in await shop.entries()][: len(kinds)] == kinds
        assert await shop.buyers() == (["ann"] if landed else ["bob"])
        assert shop.lane.inventory.available_stock == 0


@pytest.mark.parametrize("moment", Moment)
async def test_the_same_request_id_tells_what_became_of_the_lost_append(moment: Moment) -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=5, ledger=ledger) as shop:
        ledger.lands_at = moment
        await lose(shop, "ann", "r-1")
        retry = shop.ask("ann", "r-1", is_retry=True)
        await settled(retry)
        assert isinstance(retry.result, Answer)
        assert retry.result.outcome is Outcome.PURCHASED
        assert retry.result.replayed is LANDS[moment][0]
        assert await shop.buyers() == ["ann"]
        assert shop.lane.inventory.available_stock == 4


@pytest.mark.parametrize("moment", Moment)
async def test_the_stock_adds_up_after_many_lost_appends(moment: Moment) -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=30, ledger=ledger) as shop:
        ledger.lands_at = moment
        for number in range(20):
            if number % 3 == 0:
                await lose(shop, f"u-{number}", f"r-{number}")
            else:
                await shop.buy(f"u-{number}", f"r-{number}")
        await shop.buy("last")
        sold = len(await shop.buyers())
        sale = shop.lane.inventory
        assert (sale.sold_stock, sale.available_stock) == (sold, 30 - sold)
        assert sold == 21 - (0 if LANDS[moment][0] else 7)


async def test_a_fence_of_unknown_fate_is_followed_by_another() -> None:
    async with open_shop(stock=1, ledger=FaultyLedger()) as shop:
        await lose(shop, "ann", "r-1")
        shop.ledger.order(Fate.UNKNOWN_AND_LANDED)
        unlucky = shop.ask("bob")
        await settled(unlucky)
        assert outcome(unlucky) == "LedgerRefused"
        assert getattr(await shop.buy("cid"), "outcome", None) is Outcome.PURCHASED
        kinds = [kind for kind, _ in await shop.entries()]
        assert kinds == ["opened", "fenced", "fenced", "purchased"]


async def test_nobody_is_answered_before_the_fence_is_durable() -> None:
    async with open_shop(stock=1, ledger=FaultyLedger()) as shop:
        await lose(shop, "ann", "r-1")
        shop.ledger.stall()
        others = [shop.ask("bob"), shop.ask("bob", quantity=2), shop.ask("cid")]
        await shop.ledger.asked.wait()
        await turns()
        assert outcomes(others) == [None, None, None]
        shop.ledger.go_on()
        await settled(*others)
        assert outcome(others[0]) is Outcome.PURCHASED
        assert await shop.buyers() == ["bob"]


async def test_nothing_that_was_not_recorded_is_promised_while_the_fate_is_unknown() -> None:
    async with open_shop(ledger=FaultyLedger()) as shop:
        shop.ledger.order(Fate.UNKNOWN_AND_LANDED)
        await settled(shop.ask("ann", "r-1"))
        shop.ledger.reads_fail = True
        retry = shop.ask("ann", "r-1", is_retry=True)
        await settled(retry)
        # LedgerRefused says that nothing was bought, yet ann's purchase is in the ledger.
        assert await shop.buyers() == ["ann"]
        assert outcome(retry) != "LedgerRefused"


async def test_a_retry_is_recorded_when_the_lost_append_never_landed_and_nothing_is_left() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=1, ledger=ledger) as shop:
        ledger.lands_at = Moment.AFTER_THE_FENCE
        await lose(shop, "ann", "r-1")
        await shop.buy("bob")
        retry = shop.ask("ann", "r-1", is_retry=True)
        await settled(retry)
        assert outcome(retry) is Outcome.SOLD_OUT
        assert (await shop.entries())[-1] == ("refused", "ann")
        again = shop.ask("ann", "r-1")
        assert isinstance(again.result, Answer)
        assert again.result.replayed

"""Who follows a sale sees each change, the last one always, however busy the lane is."""

import asyncio
from collections.abc import AsyncGenerator

from flashsale_server.checkout import Fault, Watching
from flashsale_server.domain import Entry, EntryKind, Outcome, SaleState

from tests.checkout.faulty_ledger import FaultyLedger, append_elsewhere, sell_elsewhere
from tests.checkout.shops import START_US, Shop, open_shop, outcome, settled, turns


def next_look(looks: AsyncGenerator[None, None]) -> asyncio.Task[None]:
    """The next look, which may be a while."""

    async def look() -> None:
        await anext(looks)

    return asyncio.create_task(look())


async def test_a_start_that_passes_while_somebody_is_refused_is_told() -> None:
    async with open_shop(stock=0, starts_at_us=START_US + 10_000_000) as shop:
        await turns()
        seen = shop.lane.changes.version
        assert shop.lane.inventory.state_at(shop.clock.now_us()) is SaleState.UPCOMING
        shop.clock.move(10)
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.SOLD_OUT
        await turns()
        assert shop.lane.changes.version > seen


async def test_an_end_that_passes_while_somebody_is_refused_is_told() -> None:
    async with open_shop(stock=0, ends_at_us=START_US + 10_000_000) as shop:
        await turns()
        seen = shop.lane.changes.version
        shop.clock.move(10)
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.ENDED
        assert shop.lane.changes.version > seen


async def test_a_refusal_is_no_change() -> None:
    async with open_shop(stock=0) as shop:
        seen = shop.lane.changes.version
        await shop.buy("ann")
        assert shop.lane.changes.version == seen


async def test_a_change_is_told_when_it_is_durable_and_not_before() -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        seen = shop.lane.changes.version
        call = shop.ask("ann")
        await shop.ledger.asked.wait()
        await turns()
        assert shop.lane.changes.version == seen
        shop.ledger.go_on()
        await settled(call)
        assert shop.lane.changes.version > seen


async def test_changes_that_come_faster_than_a_watcher_looks_are_seen_as_one() -> None:
    async with open_shop() as shop:
        looks = Watching(shop.checkout).looks(shop.lane, 0.05)
        await anext(looks)
        for user_id in ("ann", "bob", "cid"):
            await shop.buy(user_id)
        await asyncio.wait_for(next_look(looks), 20)
        third = next_look(looks)
        await turns()
        assert not third.done()
        await shop.buy("dan")
        await asyncio.wait_for(third, 20)
        await looks.aclose()


async def test_what_changed_last_is_shown_before_a_watcher_is_let_go() -> None:
    async with open_shop() as shop:
        watching = Watching(shop.checkout)
        looks = watching.looks(shop.lane, 0.2)
        await anext(looks)
        await shop.buy("ann")
        watching.close()
        assert len([look async for look in looks]) == 1


async def test_a_watcher_who_waits_is_woken_by_the_stop_and_looks_once_more() -> None:
    async with open_shop() as shop:
        watching = Watching(shop.checkout)
        looks = watching.looks(shop.lane, 0.0)
        await anext(looks)

        async def rest() -> int:
            return len([look async for look in looks])

        waiting = asyncio.create_task(rest())
        await turns()
        watching.close()
        assert await asyncio.wait_for(waiting, 20) == 1


async def test_a_lane_that_stops_tells_its_watchers() -> None:
    async with open_shop() as shop:
        looks = Watching(shop.checkout).looks(shop.lane, 0.0)
        await anext(looks)
        await append_elsewhere(shop.ledger, Entry(EntryKind.HELD.value))
        stopped = shop.ask("ann")
        await asyncio.wait_for(next_look(looks), 20)
        await settled(stopped)
        assert outcome(stopped) == "SaleUnreadable"
        await looks.aclose()


async def refreshed(shop: Shop) -> bool:
    """Whether a reader could bring the lane to the ledger's end."""
    try:
        await shop.checkout.refresh(shop.lane)
    except Fault:
        return False
    return True


async def test_what_came_in_before_a_read_broke_off_is_told() -> None:
    ledger = FaultyLedger()
    async with open_shop(ledger=ledger) as shop:
        seen = shop.lane.changes.version
        await sell_elsewhere(ledger, "eve")
        ledger.read_breaks_off = True
        assert not await refreshed(shop)
        assert await refreshed(shop)
        assert shop.lane.inventory.available_stock == 9
        assert shop.lane.changes.version > seen


async def test_two_watchers_of_one_sale_share_one_follower_and_leave_none() -> None:
    async with open_shop() as shop:
        watching = Watching(shop.checkout)
        first, second = watching.looks(shop.lane, 0.0), watching.looks(shop.lane, 0.0)
        await anext(first)
        await anext(second)
        assert watching.count == 2
        await first.aclose()
        await sell_elsewhere(shop.ledger, "eve")
        await asyncio.wait_for(next_look(second), 20)
        await second.aclose()
        assert watching.count == 0

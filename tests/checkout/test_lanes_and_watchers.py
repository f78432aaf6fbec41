"""Lanes that stop, ends that nobody calls, and those who watch."""

import asyncio

import pytest
from flashsale_server.checkout import SaleNotFound, TooManyWatchers, Watching
from flashsale_server.domain import Entry, EntryKind, Outcome, SaleState, SaleTerms
from flashsale_server.ledger import GENESIS_DIGEST, LedgerTooNew, encoded

from tests.checkout.shops import START_US, open_shop, outcome, settled


async def test_a_lane_that_meets_an_unknown_entry_stops_and_the_others_go_on() -> None:
    async with open_shop() as shop:
        other = await shop.checkout.open_sale("other", SaleTerms(), 5)
        replica = shop.lane.replica
        await shop.ledger.truth.append(replica.append_of([Entry("teleported")], START_US))
        call = shop.ask("ann")
        await settled(call)
        assert outcome(call) == "SaleUnreadable"
        assert outcome(shop.ask("bob")) == "SaleUnreadable"
        elsewhere = shop.checkout.admit(other, "ann")
        await settled(elsewhere)
        assert outcome(elsewhere) is Outcome.PURCHASED


async def test_what_a_reader_cannot_understand_stops_the_lane_too() -> None:
    async with open_shop() as shop:
        replica = shop.lane.replica
        await shop.ledger.truth.append(replica.append_of([Entry("teleported")], START_US))
        with pytest.raises(LedgerTooNew):
            await shop.lane.catch_up()
        assert outcome(shop.ask("ann")) == "SaleUnreadable"
        with pytest.raises(LedgerTooNew):
            await shop.lane.catch_up()
        assert await shop.buyers() == []


async def test_a_row_that_does_not_follow_its_digest_stops_the_lane() -> None:
    async with open_shop() as shop:
        forged = encoded(
            "sale",
            [Entry(EntryKind.RESTOCKED.value, 1000)],
            last_position=1,
            digest=GENESIS_DIGEST,
            recorded_at_us=START_US,
            node="forger",
        )
        await shop.ledger.truth.append(forged)
        call = shop.ask("ann")
        await settled(call)
        assert outcome(call) == "SaleUnreadable"
        assert shop.lane.inventory.total_stock == 10


async def test_an_unknown_sale_is_not_found() -> None:
    async with open_shop() as shop:
        with pytest.raises(SaleNotFound):
            await shop.checkout.lane("nope")


async def test_the_end_is_written_down_although_nobody_calls() -> None:
    async with open_shop(ends_at_us=START_US + 50_000) as shop:
        seen = shop.lane.changes.version
        shop.clock.move(0.05)
        assert await shop.lane.changes.beyond(seen, 20)
        assert (await shop.entries())[-1][0] == EntryKind.ENDED
        assert shop.lane.inventory.state_at(shop.clock.now_us()) is SaleState.ENDED
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.ENDED


async def test_a_purchase_after_the_end_finds_the_end_written_first() -> None:
    async with open_shop(ends_at_us=START_US + 10_000_000) as shop:
        await shop.buy("ann")
        shop.clock.move(10)
        assert getattr(await shop.buy("bob"), "outcome", None) is Outcome.ENDED
        assert [kind for kind, _ in await shop.entries()] == ["opened", "purchased", "ended"]


async def test_watchers_are_told_when_a_sale_opens() -> None:
    async with open_shop(starts_at_us=START_US + 50_000) as shop:
        assert getattr(await shop.buy("ann"), "outcome", None) is Outcome.NOT_STARTED
        seen = shop.lane.changes.version
        shop.clock.move(0.05)
        assert await shop.lane.changes.beyond(seen, 20)


async def test_a_watcher_looks_at_once_and_after_each_change() -> None:
    async with open_shop() as shop:
        watching = Watching(shop.checkout)
        looks = watching.looks(shop.lane, 0.0)
        await anext(looks)
        assert watching.count == 1
        await shop.buy("ann")
        await asyncio.wait_for(anext(looks), 20)
        await looks.aclose()
        assert watching.count == 0


async def test_a_quiet_sale_is_looked_at_again_after_a_while() -> None:
    async with open_shop() as shop:
        looks = Watching(shop.checkout, heartbeat_seconds=0.01).looks(shop.lane, 0.0)
        await anext(looks)
        await asyncio.wait_for(anext(looks), 20)
        await looks.aclose()


async def test_watchers_are_capped() -> None:
    async with open_shop() as shop:
        watching = Watching(shop.checkout, capacity=1)
        first = watching.looks(shop.lane, 0.0)
        await anext(first)
        with pytest.raises(TooManyWatchers):
            await anext(watching.looks(shop.lane, 0.0))
        await first.aclose()
        second = watching.looks(shop.lane, 0.0)
        await anext(second)
        await second.aclose()


async def test_watchers_look_once_more_and_end_when_the_server_stops() -> None:
    async with open_shop() as shop:
        watching = Watching(shop.checkout)
        looks = watching.looks(shop.lane, 0.0)
        await anext(looks)
        watching.close()
        rest = [look async for look in looks]
        assert len(rest) <= 1


async def test_a_watcher_hears_of_what_another_node_sold() -> None:
    async with open_shop() as shop:
        watching = Watching(shop.checkout)
        looks = watching.looks(shop.lane, 0.0)
        await anext(looks)
        replica = shop.lane.replica
        entry = Entry(EntryKind.PURCHASED.value, -1, "eve", "p", "r", 1)
        await shop.ledger.truth.append(replica.append_of([entry], START_US))
        await asyncio.wait_for(anext(looks), 20)
        assert shop.lane.inventory.available_stock == 9
        await looks.aclose()

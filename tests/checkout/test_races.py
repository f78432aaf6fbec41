"""Whoever loses a race decides again in the old order; readers and refusals see the other node."""

import asyncio
import dataclasses

import pytest
from flashsale_server.checkout import SaleUnreadable
from flashsale_server.domain import (
    SCHEMA_VERSION,
    Answer,
    Entry,
    EntryDetail,
    EntryKind,
    Outcome,
    SaleState,
    SaleTerms,
)
from flashsale_server.ledger import Append

from tests.checkout.faulty_ledger import FaultyLedger, append_elsewhere, sell_elsewhere
from tests.checkout.shops import START_US, open_shop, outcome, outcomes, settled, turns


async def test_after_a_lost_race_the_first_come_are_still_served_first() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=6, ledger=ledger) as shop:
        ledger.stall()
        told: list[str] = []
        calls = [shop.ask(f"u-{number}") for number in range(4)]
        await ledger.asked.wait()
        calls += [shop.ask(f"u-{number}") for number in range(4, 8)]
        await turns()
        assert all(call.is_decided for call in calls)
        calls += [shop.ask(f"u-{number}") for number in range(8, 12)]
        for call in calls:
            call.listen(lambda call: told.append(call.request_id))
        await sell_elsewhere(ledger, "eve")
        ledger.go_on()
        await settled(*calls)
        assert await shop.buyers() == ["eve", *(f"u-{number}" for number in range(5))]
        assert outcomes(calls) == [Outcome.PURCHASED] * 5 + [Outcome.SOLD_OUT] * 7
        assert sorted(told) == sorted(call.request_id for call in calls)


async def test_a_race_lost_again_and_again_keeps_the_order() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=10, ledger=ledger) as shop:
        races = 0

        async def another_is_quicker(_: Append) -> None:
            nonlocal races
            races += 1
            if races <= 5:
                shop.ask(f"late-{races}")
                await sell_elsewhere(ledger, f"e-{races}")

        ledger.before_append = another_is_quicker
        await settled(*[shop.ask(f"u-{number}") for number in range(4)])
        await asyncio.wait_for(shop.checkout.line.emptied(), 20)
        others = [f"e-{number}" for number in range(1, 6)]
        assert await shop.buyers() == [*others, "u-0", "u-1", "u-2", "u-3", "late-1"]


async def test_a_purchase_at_the_other_node_makes_a_copy_here_a_replay() -> None:
    async with open_shop(ledger=FaultyLedger()) as shop:
        await sell_elsewhere(shop.ledger, "ann")
        again = await shop.buy("ann", "r-ann")
        assert isinstance(again, Answer)
        assert (again.outcome, again.replayed) == (Outcome.PURCHASED, True)
        assert again.purchase is not None
        assert again.purchase.purchase_id == "p-ann"


async def test_a_request_id_that_the_other_node_has_for_another_quantity_is_refused() -> None:
    async with open_shop(per_user_limit=5, ledger=FaultyLedger()) as shop:
        await sell_elsewhere(shop.ledger, "ann")
        call = shop.ask("ann", "r-ann", quantity=2)
        await settled(call)
        assert outcome(call) == "RequestIdReused"


@pytest.mark.parametrize(
    ("kind", "refusal", "state"),
    [
        (EntryKind.PAUSED, Outcome.PAUSED, SaleState.PAUSED),
        (EntryKind.ENDED, Outcome.ENDED, SaleState.ENDED),
    ],
)
async def test_what_the_shop_says_at_one_node_holds_at_the_other(
    kind: EntryKind, refusal: Outcome, state: SaleState
) -> None:
    async with open_shop(ledger=FaultyLedger()) as shop:
        shop.ledger.stall()
        under_way = shop.ask("ann")
        await shop.ledger.asked.wait()
        await append_elsewhere(shop.ledger, Entry(kind.value))
        shop.ledger.go_on()
        await settled(under_way)
        assert outcome(under_way) is refusal
        assert shop.lane.inventory.state_at(shop.clock.now_us()) is state
        assert await shop.buyers() == []


async def test_new_terms_from_the_other_node_hold_for_what_is_decided_again() -> None:
    async with open_shop(ledger=FaultyLedger()) as shop:
        await shop.buy("ann")
        shop.ledger.stall()
        first = shop.ask("bob", quantity=1)
        await shop.ledger.asked.wait()
        more = shop.ask("ann")
        await turns()
        terms = EntryDetail(SaleTerms(per_user_limit=2))
        await append_elsewhere(shop.ledger, Entry(EntryKind.UPDATED.value, detail=terms))
        shop.ledger.go_on()
        await settled(first, more)
        assert outcomes([first, more]) == [Outcome.PURCHASED] * 2


async def test_readers_see_what_is_durable_and_only_that() -> None:
    async with open_shop() as shop:
        shop.ledger.stall()
        call = shop.ask("ann")
        await shop.ledger.asked.wait()
        assert await shop.checkout.purchases_of(shop.lane, "ann") == ()
        assert shop.lane.inventory.available_stock == 10
        shop.ledger.hush()
        shop.ledger.go_on()
        await shop.ledger.landed.wait()
        # Durable, though the ledger has not told its own node yet.
        purchases = await shop.checkout.purchases_of(shop.lane, "ann")
        assert [purchase.user_id for purchase in purchases] == ["ann"]
        assert outcome(call) is None
        shop.ledger.speak()
        await settled(call)
        assert isinstance(call.result, Answer)
        assert call.result.purchase == purchases[0]


async def test_a_refusal_counts_what_was_sold_elsewhere_while_it_was_decided() -> None:
    ledger = FaultyLedger()
    async with open_shop(stock=5, ledger=ledger) as shop:

        async def one_is_sold() -> None:
            ledger.before_tail = None
            await sell_elsewhere(ledger, "ann")

        ledger.before_tail = one_is_sold
        call = shop.ask("ann", quantity=2)
        await settled(call)
        # Decided before ann's purchase was known, and told only after it was.
        assert outcome(call) is Outcome.ALREADY_PURCHASED


async def test_a_row_of_a_newer_schema_stops_its_lane_and_no_other() -> None:
    async with open_shop(ledger=FaultyLedger()) as shop:
        other = await shop.checkout.open_sale("other", SaleTerms(), 5)
        replica = shop.lane.replica
        append = replica.append_of([Entry(EntryKind.RESTOCKED.value, 5)], START_US)
        newer = dataclasses.replace(append, schema_version=SCHEMA_VERSION + 1)
        await shop.ledger.truth.append(newer)
        with pytest.raises(SaleUnreadable):
            await shop.checkout.purchases_of(shop.lane, "ann")
        elsewhere = shop.checkout.admit(other, "ann")
        await settled(elsewhere)
        assert outcome(elsewhere) is Outcome.PURCHASED
        assert outcome(shop.ask("ann")) == "SaleUnreadable"
        assert shop.lane.inventory.total_stock == 10


async def test_a_lane_that_a_reader_stops_answers_all_who_are_on_their_way() -> None:
    async with open_shop(stock=1, ledger=FaultyLedger()) as shop:
        shop.ledger.stall()
        writer, refused = shop.ask("ann"), shop.ask("bob")
        await shop.ledger.asked.wait()
        ahead = shop.ask("cid")
        await turns()
        await append_elsewhere(shop.ledger, Entry("teleported"))
        with pytest.raises(SaleUnreadable):
            await shop.checkout.refresh(shop.lane)
        assert outcomes([writer, refused, ahead]) == [
            "OutcomeUnknown",
            "SaleUnreadable",
            "SaleUnreadable",
        ]
        shop.ledger.go_on()
        await turns()
        assert await shop.buyers() == []
        assert shop.checkout.line.length == 0


async def test_a_further_retry_joins_the_retry_that_took_its_own_turn() -> None:
    async with open_shop(stock=1) as shop:
        shop.ledger.stall()
        first = shop.ask("first")
        await shop.ledger.asked.wait()
        plain = shop.ask("ann", "r-1")
        await turns()
        retry = shop.ask("ann", "r-1", is_retry=True)
        assert retry is not plain
        assert shop.ask("ann", "r-1", is_retry=True) is retry
        shop.ledger.go_on()
        await settled(first, plain, retry)
        assert [kind for kind, _ in await shop.entries()].count("refused") == 1

"""Holds over real gRPC: kept, confirmed, released, or over by themselves within a second."""

import asyncio
import time
from collections.abc import Awaitable

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from google.protobuf.duration_pb2 import Duration

from tests.sale_admin import HOLD, Shop, open_shop, refusal
from tests.servers import running

SECOND = Duration(seconds=1)


def confirm(purchase: pb.Purchase, **other: str) -> pb.ConfirmPurchaseRequest:
    ids = {"user_id": purchase.user_id, "purchase_id": purchase.purchase_id}
    return pb.ConfirmPurchaseRequest(**{"sale_id": purchase.sale_id, **ids, **other})


def release(purchase: pb.Purchase, **other: str) -> pb.ReleasePurchaseRequest:
    ids = {"user_id": purchase.user_id, "purchase_id": purchase.purchase_id}
    return pb.ReleasePurchaseRequest(**{"sale_id": purchase.sale_id, **ids, **other})


async def expired(shop: Shop, hold: pb.Purchase) -> float:
    """Wait until the hold's units are back, asking all the time; how long after its expiry."""
    deadline = time.monotonic() + 20
    while (await shop.sale()).held_stock:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    return time.time() - hold.hold_expire_time.ToMicroseconds() / 1e6


async def test_a_hold_says_until_when_the_units_are_kept() -> None:
    async with open_shop() as shop:
        await shop.make(per_user_limit=2, hold_duration=HOLD)
        held = await shop.buy("ann", 2)
        sale = await shop.sale()
        status = await shop.buyer.Status(pb.StatusRequest(sale_id="hats"))
    lasts = held.purchase.hold_expire_time.ToMicroseconds() - (
        held.purchase.create_time.ToMicroseconds()
    )
    assert (held.outcome, held.purchase.state) == (pb.OUTCOME_HELD, pb.PURCHASE_STATE_HELD)
    assert lasts == 30_000_000
    assert (sale.available_stock, sale.held_stock, sale.sold_stock) == (3, 2, 0)
    assert (status.held_stock, status.hold_duration) == (2, HOLD)


async def test_the_default_sale_sells_holds_when_it_is_set_so() -> None:
    async with running(hold_seconds="30") as shop:
        held = await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        assert held.outcome == pb.OUTCOME_HELD
        request = confirm(held.purchase, sale_id="")
        confirmed = await shop.stub.ConfirmPurchase(request)
    assert confirmed.purchase.state == pb.PURCHASE_STATE_CONFIRMED


async def test_confirming_and_releasing_may_be_repeated_and_then_writes_nothing() -> None:
    async with open_shop() as shop:
        await shop.make(hold_duration=HOLD)
        ann, bob = (await shop.buy("ann")).purchase, (await shop.buy("bob")).purchase
        confirmed = await shop.buyer.ConfirmPurchase(confirm(ann))
        released = await shop.buyer.ReleasePurchase(release(bob))
        position = (await shop.sale()).position
        for _ in range(3):
            assert await shop.buyer.ConfirmPurchase(confirm(ann)) == confirmed
            assert await shop.buyer.ReleasePurchase(release(bob)) == released
        sale = await shop.sale()
    assert confirmed.purchase.state == pb.PURCHASE_STATE_CONFIRMED
    assert released.purchase.state == pb.PURCHASE_STATE_RELEASED
    assert (sale.position, sale.available_stock, sale.sold_stock) == (position, 4, 1)


async def test_each_has_its_clear_refusal_after_the_other() -> None:
    async with open_shop() as shop:
        await shop.make(hold_duration=HOLD)
        ann, bob, cid = [(await shop.buy(name)).purchase for name in ("ann", "bob", "cid")]
        await shop.buyer.ConfirmPurchase(confirm(ann))
        await shop.buyer.ReleasePurchase(release(bob))
        await shop.admin.CancelPurchase(
            admin.CancelPurchaseRequest(sale_id="hats", user_id="cid", purchase_id=cid.purchase_id)
        )
        expected: list[tuple[Awaitable[object], str, pb.Purchase]] = [
            (shop.buyer.ReleasePurchase(release(ann)), "PURCHASE_CONFIRMED", ann),
            (shop.buyer.ConfirmPurchase(confirm(bob)), "HOLD_RELEASED", bob),
            (shop.buyer.ConfirmPurchase(confirm(cid)), "PURCHASE_CANCELLED", cid),
            (shop.buyer.ReleasePurchase(release(cid)), "PURCHASE_CANCELLED", cid),
        ]
        for call, reason, purchase in expected:
            found = await refusal(call)
            assert found.code is grpc.StatusCode.FAILED_PRECONDITION
            assert (found.reason, found.subject) == (reason, purchase.purchase_id)


async def test_what_was_bought_without_a_hold_is_confirmed_already() -> None:
    async with open_shop() as shop:
        await shop.make()
        bought = (await shop.buy("ann")).purchase
        assert (await shop.buyer.ConfirmPurchase(confirm(bought))).purchase == bought
        assert (await refusal(shop.buyer.ReleasePurchase(release(bought)))).reason == (
            "PURCHASE_CONFIRMED"
        )


async def test_an_expired_hold_is_on_sale_again_within_a_second_though_nobody_calls() -> None:
    async with open_shop() as shop:
        await shop.make(total_stock=1, hold_duration=SECOND)
        held = await shop.buy("ann", request_id="r-1")
        assert (await shop.buy("bob")).outcome == pb.OUTCOME_SOLD_OUT
        assert await expired(shop, held.purchase) < 1
        for call in (
            shop.buyer.ConfirmPurchase(confirm(held.purchase)),
            shop.buyer.ReleasePurchase(release(held.purchase)),
        ):
            found = await refusal(call)
            assert (found.reason, found.subject) == ("HOLD_EXPIRED", held.purchase.purchase_id)
        again = await shop.buy("ann", request_id="r-1")
        assert (again.outcome, again.replayed) == (pb.OUTCOME_HELD, True)
        assert again.purchase.state == pb.PURCHASE_STATE_RELEASED
        mine = await shop.buyer.GetPurchase(pb.GetPurchaseRequest(user_id="ann", sale_id="hats"))
        assert (mine.purchased, list(mine.purchases)) == (False, [again.purchase])
        assert (await shop.buy("bob")).outcome == pb.OUTCOME_HELD


async def test_who_watches_sees_the_units_come_back() -> None:
    async with open_shop() as shop:
        await shop.make(total_stock=1, hold_duration=SECOND)
        await shop.buy("ann")
        request = pb.WatchStatusRequest(sale_id="hats", min_interval=Duration(nanos=200_000_000))
        seen = []
        async with asyncio.timeout(20):
            async for item in shop.buyer.WatchStatus(request):
                seen.append((item.status.available_stock, item.status.held_stock))
                if seen[-1] == (1, 0):
                    break
    assert seen[0] == (0, 1)


async def test_holds_expire_in_a_paused_and_in_an_ended_sale() -> None:
    async with open_shop() as shop:
        for sale_id in ("paused", "ended"):
            await shop.make(sale_id, hold_duration=SECOND)
            await shop.buy("ann", sale_id=sale_id)
        await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="paused"))
        await shop.admin.EndSale(admin.EndSaleRequest(sale_id="ended"))
        deadline = time.monotonic() + 20
        for sale_id in ("paused", "ended"):
            while (await shop.sale(sale_id)).available_stock < 5:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)


async def test_everything_malformed_is_named_at_once() -> None:
    async with open_shop() as shop:
        names = {"sale_id": "No Sale", "user_id": "", "purchase_id": "\n"}
        for call in (
            shop.buyer.ConfirmPurchase(pb.ConfirmPurchaseRequest(**names)),
            shop.buyer.ReleasePurchase(pb.ReleasePurchaseRequest(**names)),
        ):
            found = await refusal(call)
            assert found.code is grpc.StatusCode.INVALID_ARGUMENT
            assert found.fields == ["sale_id", "user_id", "purchase_id"]


@pytest.mark.parametrize("what", ["user_id", "purchase_id", "sale_id"])
async def test_nobody_ends_a_hold_that_is_not_theirs(what: str) -> None:
    async with open_shop() as shop:
        await shop.make(hold_duration=HOLD)
        held = (await shop.buy("ann")).purchase
        other = {what: "default" if what == "sale_id" else "other"}
        for call in (
            shop.buyer.ConfirmPurchase(confirm(held, **other)),
            shop.buyer.ReleasePurchase(release(held, **other)),
        ):
            assert (await refusal(call)).reason == "PURCHASE_NOT_FOUND"
        assert (await shop.sale()).held_stock == 1


async def test_fifty_who_confirm_and_fifty_who_release_one_hold_agree() -> None:
    async with open_shop() as shop:
        await shop.make(hold_duration=HOLD)
        held = (await shop.buy("ann")).purchase
        calls: list[Awaitable[pb.ConfirmPurchaseResponse | pb.ReleasePurchaseResponse]] = []
        for _ in range(50):
            calls.append(shop.buyer.ConfirmPurchase(confirm(held)))
            calls.append(shop.buyer.ReleasePurchase(release(held)))
        done = await asyncio.gather(*calls, return_exceptions=True)
        answered = [item for item in done if not isinstance(item, BaseException)]
        sale = await shop.sale()
    assert len(answered) == 50
    assert len({item.purchase.state for item in answered}) == 1
    assert (sale.position, sale.held_stock) == (3, 0)

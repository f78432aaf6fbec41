"""What the shop asks about purchases over real gRPC: taking back, and lists page by page."""

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin

from tests.sale_admin import HOLD, Shop, open_shop, refusal

INVALID = grpc.StatusCode.INVALID_ARGUMENT


async def test_a_cancelled_purchase_is_on_sale_again_and_its_user_may_buy_again() -> None:
    async with open_shop() as shop:
        await shop.make(total_stock=1)
        bought = (await shop.buy("ann")).purchase
        request = admin.CancelPurchaseRequest(
            sale_id="hats", user_id="ann", purchase_id=bought.purchase_id
        )
        cancelled = await shop.admin.CancelPurchase(request)
        assert cancelled.state == pb.PURCHASE_STATE_CANCELLED
        position = (await shop.sale()).position
        assert await shop.admin.CancelPurchase(request) == cancelled
        assert (await shop.sale()).position == position
        mine = await shop.buyer.GetPurchase(pb.GetPurchaseRequest(user_id="ann", sale_id="hats"))
        assert (mine.purchased, list(mine.purchases)) == (False, [cancelled])
        assert (await shop.buy("ann")).outcome == pb.OUTCOME_PURCHASED


async def test_only_what_there_is_can_be_cancelled() -> None:
    async with open_shop() as shop:
        await shop.make()
        bought = (await shop.buy("ann")).purchase
        for user_id, purchase_id in (("ann", "other"), ("bob", bought.purchase_id)):
            request = admin.CancelPurchaseRequest(
                sale_id="hats", user_id=user_id, purchase_id=purchase_id
            )
            found = await refusal(shop.admin.CancelPurchase(request))
            assert (found.reason, found.subject) == ("PURCHASE_NOT_FOUND", purchase_id)
        found = await refusal(shop.admin.CancelPurchase(admin.CancelPurchaseRequest()))
        assert found.fields == ["sale_id", "user_id", "purchase_id"]


async def pages(shop: Shop, size: int) -> list[list[str]]:
    """Every page of the sale's purchases, with somebody who buys in between."""
    found: list[list[str]] = []
    token = ""
    while True:
        page = await shop.admin.ListPurchases(
            admin.ListPurchasesRequest(sale_id="hats", page_size=size, page_token=token)
        )
        found.append([purchase.user_id for purchase in page.purchases])
        token = page.next_page_token
        if not token:
            return found
        if len(found) < 4:
            await shop.buy(f"late-{len(found)}")


async def test_pages_show_everything_once_although_purchases_go_on() -> None:
    async with open_shop() as shop:
        await shop.make(total_stock=100)
        for number in range(7):
            await shop.buy(f"u-{number}")
            await shop.buy("refused", 2)
        found = await pages(shop, 3)
        users = [user for page in found for user in page]
        assert users == [f"u-{number}" for number in range(7)] + ["late-1", "late-2"]
        assert [len(page) for page in found] == [3, 3, 3]


async def test_a_page_shows_purchases_as_they_are_now() -> None:
    async with open_shop() as shop:
        await shop.make(hold_duration=HOLD)
        first = (await shop.buy("ann")).purchase
        await shop.buy("bob")
        await shop.buyer.ConfirmPurchase(
            pb.ConfirmPurchaseRequest(sale_id="hats", user_id="ann", purchase_id=first.purchase_id)
        )
        page = await shop.admin.ListPurchases(admin.ListPurchasesRequest(sale_id="hats"))
    assert page.next_page_token == ""
    assert [(item.user_id, item.state) for item in page.purchases] == [
        ("ann", pb.PURCHASE_STATE_CONFIRMED),
        ("bob", pb.PURCHASE_STATE_HELD),
    ]


async def test_sales_are_listed_by_id_page_by_page() -> None:
    async with open_shop() as shop:
        for name in ("caps", "hats", "bags"):
            await shop.make(name)
        first = await shop.admin.ListSales(admin.ListSalesRequest(page_size=3))
        await shop.make("aaa")
        second = await shop.admin.ListSales(
            admin.ListSalesRequest(page_size=3, page_token=first.next_page_token)
        )
    assert [sale.sale_id for sale in first.sales] == ["bags", "caps", "default"]
    assert [sale.sale_id for sale in second.sales] == ["hats"]
    assert second.next_page_token == ""


async def test_a_token_of_another_list_is_refused() -> None:
    async with open_shop() as shop:
        await shop.make()
        await shop.make("caps")
        for user in ("ann", "bob"):
            await shop.buy(user)
        listed = await shop.admin.ListPurchases(
            admin.ListPurchasesRequest(sale_id="hats", page_size=1)
        )
        sales = await shop.admin.ListSales(admin.ListSalesRequest(page_size=1))
        mine, theirs = listed.next_page_token, sales.next_page_token
        huge = "cG9zaXRpb246aGF0czo5MjIzMzcyMDM2ODU0Nzc1ODA4"  # position:hats:2**63
        for token in (theirs, "x", "é", "====", mine + "=", "!" + mine, mine[:-1], huge):
            found = await refusal(
                shop.admin.ListPurchases(
                    admin.ListPurchasesRequest(sale_id="hats", page_token=token)
                )
            )
            assert (found.code, found.fields) == (INVALID, ["page_token"]), token
        for call in (
            shop.admin.ListPurchases(admin.ListPurchasesRequest(sale_id="caps", page_token=mine)),
            shop.admin.ListSales(admin.ListSalesRequest(page_token=mine)),
        ):
            assert (await refusal(call)).fields == ["page_token"]


@pytest.mark.parametrize("size", [-1, 1001, 2**31 - 1])
async def test_a_page_has_its_bounds(size: int) -> None:
    async with open_shop() as shop:
        for call in (
            shop.admin.ListSales(admin.ListSalesRequest(page_size=size)),
            shop.admin.ListPurchases(admin.ListPurchasesRequest(sale_id="default", page_size=size)),
        ):
            assert (await refusal(call)).fields == ["page_size"]
        found = await refusal(
            shop.admin.ListPurchases(
                admin.ListPurchasesRequest(sale_id="?", page_size=size, page_token="x")
            )
        )
        assert found.fields == ["sale_id", "page_size", "page_token"]
        found = await refusal(shop.admin.RestockSale(admin.RestockSaleRequest(sale_id="?")))
        assert found.fields == ["sale_id", "stock_change"]

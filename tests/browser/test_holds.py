"""Holds before their buyer's eyes: how long they last, and how they end."""

import re

from flashsale.v1 import flash_sale_pb2 as pb
from playwright.async_api import expect

from tests.browser.shop import open_shop
from tests.browser.visitor import REFUSED, Visitor
from tests.sale_admin import Shop


async def bought_by(shop: Shop, user_id: str) -> pb.Purchase:
    return (await shop.buyer.GetPurchase(pb.GetPurchaseRequest(user_id=user_id))).purchases[0]


async def test_a_hold_counts_down_and_is_over_before_your_eyes(visitor: Visitor) -> None:
    async with open_shop(stock="1", hold_seconds="4") as shop:
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.sees_result("It is held for you")
        timer = visitor.result.get_by_role("timer")
        await expect(timer).to_have_text(re.compile("00:0[1-4]"))
        await visitor.sees_left(0)
        await expect(visitor.page.locator("#buy-hint")).to_contain_text("come back")
        await expect(timer).to_have_text("00:01")
        await visitor.sees_result("The hold is over")
        await expect(visitor.result.get_by_role("button")).to_have_count(0)
        await visitor.sees_left(1)
        await expect(visitor.page.locator("#buy")).to_have_text("Buy")
        assert "The hold is over. What it kept is on sale again." in await visitor.announced()
        assert (await bought_by(shop, "ann")).state == pb.PURCHASE_STATE_RELEASED


async def test_a_hold_is_confirmed(visitor: Visitor) -> None:
    async with open_shop(stock="3", hold_seconds="60") as shop:
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.result.get_by_role("button", name="Confirm").click()
        await visitor.sees_result("You got it")
        await expect(visitor.result).to_be_focused()
        await expect(visitor.page.locator("#held")).to_have_text("0")
        await expect(visitor.page.locator("#sold")).to_have_text("1")
        assert (await bought_by(shop, "ann")).state == pb.PURCHASE_STATE_CONFIRMED


async def test_a_hold_is_given_back(visitor: Visitor) -> None:
    async with open_shop(stock="3", hold_seconds="60") as shop:
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.sees_left(2)
        await visitor.result.get_by_role("button", name="Release").click()
        await visitor.sees_result("Given back")
        await visitor.sees_left(3)
        assert (await bought_by(shop, "ann")).state == pb.PURCHASE_STATE_RELEASED


async def test_holds_of_before_can_still_be_confirmed(visitor: Visitor) -> None:
    async with open_shop(stock="3", hold_seconds="60") as shop:
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.sees_result("It is held for you")
        await visitor.page.reload(wait_until="domcontentloaded")
        await visitor.attempts.first.get_by_role("button", name="Confirm").click()
        await expect(visitor.attempts.first).to_contain_text("You got it")


async def test_a_hold_that_ended_elsewhere_meanwhile_is_told_as_it_is(visitor: Visitor) -> None:
    async with open_shop(stock="3", hold_seconds="60") as shop:
        visitor.explain(REFUSED + "400")
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.sees_result("It is held for you")
        hold = await bought_by(shop, "ann")
        await shop.buyer.ConfirmPurchase(
            pb.ConfirmPurchaseRequest(user_id="ann", purchase_id=hold.purchase_id)
        )
        await visitor.result.get_by_role("button", name="Release").click()
        await visitor.sees_result("You got it")


async def test_a_hold_that_was_looked_up_can_be_confirmed(visitor: Visitor) -> None:
    async with open_shop(stock="3", hold_seconds="60") as shop:
        await shop.buy("ann", sale_id="default")
        await visitor.follow(shop.server.url)
        await visitor.look_up("ann")
        await expect(visitor.found).to_contain_text("ann has 1 unit, some of it only held.")
        await visitor.found.get_by_role("button", name="Confirm").click()
        await expect(visitor.found).to_contain_text("ann has 1 unit.")
        await expect(visitor.found.get_by_role("button")).to_have_count(0)

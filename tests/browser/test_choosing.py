"""Choosing among the sales of a shop, of which there are more as time goes on."""

from collections.abc import Awaitable, Callable

import pytest
from flashsale_server.access import Role, new_token
from playwright.async_api import Locator, expect

from tests.browser.shop import open_shop
from tests.browser.test_connection import HIDE, SHOW
from tests.browser.test_written import HEBREW, TITLE, TITLE_SHOWN
from tests.browser.visitor import AWAY, REFUSED, Visitor


def chooser_of(visitor: Visitor) -> Locator:
    return visitor.page.get_by_label("Sale", exact=True)


async def focuses(visitor: Visitor) -> None:
    await visitor.page.evaluate("dispatchEvent(new Event('focus'))")


async def comes_back(visitor: Visitor) -> None:
    await visitor.page.evaluate(HIDE)
    await visitor.page.evaluate(SHOW)


async def reconnects(visitor: Visitor) -> None:
    visitor.explain(AWAY)
    await visitor.page.context.set_offline(offline=True)
    await visitor.sees_connection("reconnecting")
    await visitor.page.context.set_offline(offline=False)
    await visitor.sees_connection("live")


async def test_sales_beyond_the_first_page_are_offered(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        for number in range(205):
            await shop.make(f"s-{number:03}", title=f"No. {number}")
        await visitor.follow(shop.server.url)
        await expect(chooser_of(visitor).locator("option")).to_have_count(206)
        await chooser_of(visitor).select_option("s-204")
        await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("No. 204")


async def test_pages_without_an_end_are_not_read_without_an_end(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        asked: list[str] = []
        endless = {"sales": [{"saleId": "hats", "title": "Hats"}], "nextPageToken": "more"}

        await visitor.page.route("**/v1/sales?*", lambda route: route.fulfill(json=endless))
        visitor.page.on("request", lambda request: asked.append(request.url))
        await visitor.follow(shop.server.url)
        await expect(chooser_of(visitor).locator("option")).to_have_count(11)
        assert sum("/v1/sales?" in url for url in asked) == 10


@pytest.mark.parametrize("returns", [focuses, comes_back, reconnects])
async def test_a_sale_that_was_made_meanwhile_is_offered_to_who_comes_back(
    visitor: Visitor, returns: Callable[[Visitor], Awaitable[None]]
) -> None:
    async with open_shop(stock="5", title="Boots") as shop:
        async with visitor.page.expect_request_finished(lambda one: "/v1/sales?" in one.url):
            await visitor.follow(shop.server.url)
        await expect(chooser_of(visitor)).to_be_hidden()
        await shop.make("hats", title="Hats", total_stock=7)
        await returns(visitor)
        await expect(chooser_of(visitor)).to_be_visible()
        await chooser_of(visitor).select_option("hats")
        await visitor.sees_left(7)
        await shop.make("caps", title="Caps")
        await returns(visitor)
        await expect(chooser_of(visitor).locator("option")).to_have_text(["Caps", "Boots", "Hats"])
        await expect(chooser_of(visitor)).to_have_value("hats")
        await visitor.sees_left(7)


async def test_who_may_not_know_of_the_sales_is_not_asked_again_and_again(
    visitor: Visitor,
) -> None:
    token, line = new_token(Role.BUYER, "web")
    visitor.explain(REFUSED + "403")
    async with open_shop(stock="5", tokens=str(line)) as shop:
        asked: list[str] = []
        visitor.page.on("request", lambda request: asked.append(request.url))
        await visitor.page.add_init_script(f"sessionStorage['flash-sale.token'] ??= '{token}'")
        async with visitor.page.expect_response(lambda one: "/v1/sales?" in one.url):
            await visitor.follow(shop.server.url)
        for _ in range(3):
            await focuses(visitor)
            await visitor.page.evaluate("new Promise((drawn) => requestAnimationFrame(drawn))")
        await visitor.buy("ann")
        await visitor.sees_result("You got it")
        assert sum("/v1/sales?" in url for url in asked) == 1


async def test_titles_turn_nothing_around_and_hide_nothing(visitor: Visitor) -> None:
    async with open_shop(stock="5", title=TITLE) as shop:
        await shop.make("hats", title=HEBREW)
        await visitor.follow(shop.server.url)
        options = chooser_of(visitor).locator("option")
        await expect(options).to_have_text([TITLE_SHOWN, f"\u2068{HEBREW}\u2069"])

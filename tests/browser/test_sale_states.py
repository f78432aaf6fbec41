"""A sale in all states of its life, as a visitor sees them come."""

import re
from datetime import UTC, datetime, timedelta

from flashsale.v1 import sale_admin_pb2 as admin
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp
from playwright.async_api import expect

from tests.browser.shop import open_shop
from tests.browser.visitor import AWAY, Visitor
from tests.sale_admin import Shop


def in_seconds(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def change(shop: Shop, field: str, seconds: float) -> None:
    """Have the sale open or end so soon."""
    moment = Timestamp()
    moment.FromDatetime(datetime.now(UTC) + timedelta(seconds=seconds))
    sale = admin.Sale(sale_id="default", **{field: moment})  # type: ignore[arg-type]  # by name
    await shop.admin.UpdateSale(
        admin.UpdateSaleRequest(sale=sale, update_mask=FieldMask(paths=[field]))
    )


async def test_a_sale_opens_while_somebody_waits(visitor: Visitor) -> None:
    async with open_shop(stock="5", starts_at=in_seconds(3590)) as shop:
        await visitor.follow(shop.server.url)
        await visitor.sees_state("Upcoming")
        await expect(visitor.page.locator("#countdown-line")).to_have_text(
            re.compile(r"Opens in +59:\d\d")
        )
        await expect(visitor.page).to_have_title(re.compile(r"Opens in 59:\d\d · Flash sale"))
        await expect(visitor.page.locator("#buy")).to_have_attribute("aria-disabled", "true")
        await change(shop, "start_time", 2)
        await expect(visitor.page.locator("#countdown")).to_have_text("00:01")
        await visitor.sees_state("Live")
        await visitor.buy("ann")
        await visitor.sees_result("You got it")


async def test_a_sale_ends_while_somebody_looks(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await visitor.sees_state("Live")
        await change(shop, "end_time", 2)
        await expect(visitor.page.locator("#countdown-label")).to_have_text("Ends in")
        await visitor.sees_state("Ended")
        await expect(visitor.page.locator("#buy")).to_have_text("The sale is over")
        await expect(visitor.page.locator("#countdown-label")).to_have_text("Ended")
        assert "The sale is over." in await visitor.announced()


async def test_the_countdown_goes_by_the_clock_of_the_server(visitor: Visitor) -> None:
    async with open_shop(stock="5", ends_at=in_seconds(3600)) as shop:
        # A browser whose clock is two hours fast.
        await visitor.page.add_init_script(
            "const now = Date.now; Date.now = () => now() + 7_200_000;"
        )
        await visitor.follow(shop.server.url)
        await expect(visitor.page.locator("#countdown")).to_have_text(re.compile(r"59:\d\d"))


async def test_the_shop_pauses_and_goes_on_while_a_buyer_looks(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="default"))
        await visitor.sees_state("Paused")
        buy = visitor.page.locator("#buy")
        await expect(buy).to_have_attribute("aria-disabled", "true")
        await expect(
            visitor.page.get_by_text("The shop has paused the sale. It goes on")
        ).to_be_visible()
        assert (await visitor.announced())[-1] == "The shop has paused the sale."
        await shop.admin.ResumeSale(admin.ResumeSaleRequest(sale_id="default"))
        await visitor.sees_state("Live")
        await expect(buy).to_have_attribute("aria-disabled", "false")
        await visitor.buy("ann")
        await visitor.sees_result("You got it")


async def test_figures_that_fall_are_not_read_out(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await visitor.sees_left(5)
        for number in range(3):
            await shop.buy(f"u-{number}", sale_id="default")
        await visitor.sees_left(2)
        assert await visitor.announced() == []


async def test_of_several_sales_one_is_chosen_and_the_address_says_which(visitor: Visitor) -> None:
    async with open_shop(stock="5", title="Blue boots") as shop:
        await shop.make("hats", title="Hats", total_stock=7)
        await visitor.follow(shop.server.url)
        chooser = visitor.page.get_by_label("Sale", exact=True)
        await chooser.select_option("hats")
        await visitor.sees_left(7)
        await expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Hats")
        assert visitor.page.url.endswith("/?sale=hats")
        await visitor.buy("ann")
        await visitor.sees_result("You got it")
        await visitor.page.go_back()
        await visitor.sees_left(5)
        await expect(visitor.result).to_be_hidden()
        await expect(visitor.page.get_by_text("None yet.")).to_be_visible()
        await visitor.page.reload(wait_until="domcontentloaded")
        await expect(chooser).to_have_value("default")


async def test_a_sale_that_cannot_be_reached_shows_nothing_of_the_one_before(
    visitor: Visitor,
) -> None:
    async with open_shop(stock="5", title="Blue boots") as shop:
        visitor.explain(AWAY)
        await shop.make("hats", title="Hats", total_stock=7)
        await visitor.follow(shop.server.url)
        await visitor.sees_left(5)
        await visitor.page.route("**/sales/hats/**", lambda route: route.abort())
        await visitor.page.get_by_label("Sale", exact=True).select_option("hats")
        await visitor.sees_connection("reconnecting")
        await visitor.sees_state("Loading")
        await expect(visitor.page.locator("#available")).to_have_text(re.compile(r"^\D+$"))


async def test_a_single_sale_needs_no_chooser(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await visitor.sees_left(5)
        await expect(visitor.page.get_by_label("Sale", exact=True)).to_be_hidden()

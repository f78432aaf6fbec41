"""How /operator looks: widths, colours, and what axe-core finds, in dialogs too."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale_server.access import Role, new_token
from google.protobuf.timestamp_pb2 import Timestamp
from playwright.async_api import expect

from tests.browser.conftest import NewVisitor
from tests.browser.operators import Operator
from tests.browser.shop import open_shop
from tests.browser.test_looks import LONG_TITLE, SCHEMES
from tests.browser.visitor import AWAY, REFUSED, options_for
from tests.sale_admin import Shop

Scene = Callable[[Shop, Operator], Awaitable[None]]


async def looks(shop: Shop, operator: Operator) -> None:
    """Sales in all states, with purchases, refusals and a hold."""
    await shop.make("h" * 63, title=LONG_TITLE, total_stock=2_000_000_000)
    await shop.make("boots", title="Boots", start_time=Timestamp(seconds=2_300_000_000))
    await shop.make("paused", hold_duration={"seconds": 60})
    await shop.buy("ann" + "n" * 100, sale_id="paused")
    await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="paused"))
    await shop.make("ended")
    await shop.admin.EndSale(admin.EndSaleRequest(sale_id="ended"))
    requests = [pb.PurchaseRequest(user_id=f"user-{number % 40}") for number in range(80)]
    await shop.buyer.BatchPurchase(pb.BatchPurchaseRequest(requests=requests))
    await operator.follow(shop.server.url)
    await expect(operator.chart("Refusals by outcome").locator(".legend")).to_contain_text(
        "Already purchased"
    )


async def makes_a_sale(shop: Shop, operator: Operator) -> None:
    operator.visitor.explain(REFUSED + "400")
    await looks(shop, operator)
    await operator.begin_new_sale(id="Hats", title=LONG_TITLE, stock="-1")
    await operator.confirm()
    await expect(operator.problem_at("Id")).to_be_visible()


async def ends_a_sale(shop: Shop, operator: Operator) -> None:
    operator.visitor.explain(REFUSED + "409")
    await looks(shop, operator)
    await operator.press("End", "h" * 63)
    await operator.dialog.get_by_role("textbox").fill("h" * 63)
    restock = admin.RestockSaleRequest(sale_id="h" * 63, stock_change=1)
    await shop.admin.RestockSale(restock)
    await operator.confirm()
    await expect(operator.dialog.get_by_role("alert")).to_be_visible()


async def restocks_a_sale(shop: Shop, operator: Operator) -> None:
    operator.visitor.explain(REFUSED + "400")
    await looks(shop, operator)
    await operator.press("Restock")
    await operator.dialog.get_by_role("spinbutton").fill("-100000")
    await operator.confirm()
    await expect(operator.problem_at("Units to add")).to_be_visible()


async def pauses_a_sale(shop: Shop, operator: Operator) -> None:
    await looks(shop, operator)
    await operator.press("Pause")


async def reads_tables(shop: Shop, operator: Operator) -> None:
    await looks(shop, operator)
    for summary in await operator.page.get_by_text("As a table").all():
        await summary.click()
    await operator.page.get_by_role("slider", name="Refusals").focus()


async def has_no_sale(shop: Shop, operator: Operator) -> None:
    await operator.follow(shop.server.url)
    await operator.page.locator("#find-field").evaluate("(field) => { field.hidden = false; }")
    await operator.page.get_by_label("Find").fill("nothing")
    await expect(operator.page.locator("#no-sales")).to_be_visible()


async def is_cut_off(shop: Shop, operator: Operator) -> None:
    operator.visitor.explain(AWAY)
    await looks(shop, operator)
    await operator.page.context.set_offline(offline=True)
    await operator.visitor.sees_connection("reconnecting")


async def is_refused(shop: Shop, operator: Operator) -> None:
    operator.visitor.explain(REFUSED + "401")
    await operator.visitor.go_to(f"{shop.server.url}/operator")
    await operator.dialog.get_by_role("button", name="Not now").click()
    await expect(operator.page.locator("#refused")).to_be_visible()


TOKENS: Final = {"tokens": str(new_token(Role.ADMIN, "owner")[1])}
SCENES: Final[dict[str, tuple[Scene, dict[str, str]]]] = {
    "sales": (looks, {}),
    "a new sale": (makes_a_sale, {}),
    "an end": (ends_a_sale, {}),
    "a restock": (restocks_a_sale, {}),
    "a pause": (pauses_a_sale, {}),
    "tables": (reads_tables, {}),
    "nothing found": (has_no_sale, {}),
    "disconnected": (is_cut_off, {}),
    "refused": (is_refused, TOKENS),
}


@contextlib.asynccontextmanager
async def scene(name: str, new_visitor: NewVisitor, width: int) -> AsyncIterator[Operator]:
    play, settings = SCENES[name]
    async with open_shop(None, stock="5000", **settings) as shop:
        operator = Operator(await new_visitor(**options_for(width)))
        await play(shop, operator)
        yield operator


@pytest.mark.parametrize("name", SCENES)
async def test_axe_finds_nothing(axe: None, new_visitor: NewVisitor, name: str) -> None:
    async with scene(name, new_visitor, 1440) as operator:
        for width in (1440, 320):
            await operator.page.set_viewport_size({"width": width, "height": 900})
            for scheme in SCHEMES:
                await operator.page.emulate_media(color_scheme=scheme)
                assert await operator.visitor.axe_violations() == [], (width, scheme)


@pytest.mark.parametrize("name", SCENES)
async def test_everything_fits_from_320_pixels_up(new_visitor: NewVisitor, name: str) -> None:
    async with scene(name, new_visitor, 320) as operator:
        for width in (320, 480, 768, 1024, 1440):
            await operator.page.set_viewport_size({"width": width, "height": 900})
            assert await operator.visitor.beyond_the_window() == [], width

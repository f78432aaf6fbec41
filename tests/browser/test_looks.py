"""How the page looks and how it is used: widths, colours, the keyboard, and what axe-core finds.

Each state of a sale is judged in a narrow window and a wide one, light and dark.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import pytest
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale_server.access import Role, new_token
from playwright.async_api import Page, expect

from tests.browser.conftest import NewVisitor
from tests.browser.shop import open_shop
from tests.browser.visitor import AWAY, REFUSED, Visitor, options_for
from tests.sale_admin import Shop

LONG_TITLE: Final = (
    "Überraschungspaket-Sonderausgabe in Mitternachtsblau, numbered and signed, " + "x" * 60
)
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

Scene = Callable[[Shop, Visitor], Awaitable[None]]


def at(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def looks(shop: Shop, visitor: Visitor) -> None:
    await visitor.follow(shop.server.url)


async def buys_and_looks_up(shop: Shop, visitor: Visitor) -> None:
    await looks(shop, visitor)
    await visitor.buy("ann" + "n" * 100, 2)
    await expect(visitor.result.get_by_role("heading")).to_have_text(
        ["You got it"] if not shop.server.server.settings.hold_seconds else ["It is held for you"]
    )
    await visitor.buy("bob", 1)
    await visitor.look_up("ann" + "n" * 100)
    await expect(visitor.found.get_by_role("heading")).to_have_text("Yes")
    await shop.make(f"hats-{'h' * 40}", title=LONG_TITLE)
    await visitor.page.reload(wait_until="domcontentloaded")
    await visitor.sees_connection("live")
    await expect(visitor.page.get_by_label("Sale", exact=True)).to_be_visible()
    await visitor.look_up("ann" + "n" * 100)
    await visitor.buy("cid", 3)
    await expect(visitor.found.get_by_role("heading")).to_have_text("Yes")
    await expect(visitor.result.get_by_role("heading")).to_be_visible()


async def pauses(shop: Shop, visitor: Visitor) -> None:
    await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="default"))
    await looks(shop, visitor)
    await visitor.sees_state("Paused")


async def ends(shop: Shop, visitor: Visitor) -> None:
    await shop.admin.EndSale(admin.EndSaleRequest(sale_id="default"))
    await looks(shop, visitor)
    await visitor.sees_state("Ended")


async def is_cut_off(shop: Shop, visitor: Visitor) -> None:
    visitor.explain(AWAY)
    await looks(shop, visitor)
    await visitor.page.context.set_offline(offline=True)
    await visitor.sees_connection("reconnecting")
    await visitor.buy("ann")
    await visitor.sees_result("The answer was lost")


async def mistypes(shop: Shop, visitor: Visitor) -> None:
    await looks(shop, visitor)
    await visitor.buy("", None)
    await expect(visitor.page.get_by_text("Whose? Give a user id.")).to_be_visible()


async def is_lost(shop: Shop, visitor: Visitor) -> None:
    visitor.explain(REFUSED + "404")
    await visitor.go_to(f"{shop.server.url}/?sale={'s' * 63}")
    await expect(visitor.page.get_by_role("heading", name="There is no such sale")).to_be_visible()


async def is_asked_for_a_token(shop: Shop, visitor: Visitor) -> None:
    visitor.explain(REFUSED + "401")
    await visitor.go_to(shop.server.url)
    await expect(visitor.page.get_by_role("dialog")).to_be_visible()


SCENES: Final[dict[str, tuple[Scene, dict[str, str]]]] = {
    "upcoming": (looks, {"starts_at": at(3.5), "stock": "2000000000", "title": LONG_TITLE}),
    "live": (buys_and_looks_up, {"stock": "1500", "per_user_limit": "3", "ends_at": at(0.01)}),
    "held": (buys_and_looks_up, {"stock": "10", "per_user_limit": "3", "hold_seconds": "600"}),
    "sold out": (looks, {"stock": "0"}),
    "paused": (pauses, {}),
    "ended": (ends, {}),
    "disconnected": (is_cut_off, {}),
    "mistyped": (mistypes, {}),
    "no such sale": (is_lost, {}),
    "token": (is_asked_for_a_token, {"tokens": str(new_token(Role.BUYER, "web")[1])}),
}


@contextlib.asynccontextmanager
async def scene(name: str, new_visitor: NewVisitor, width: int) -> AsyncIterator[Visitor]:
    play, settings = SCENES[name]
    async with open_shop(None, **settings) as shop:
        visitor = await new_visitor(**options_for(width))
        await play(shop, visitor)
        yield visitor


@pytest.mark.parametrize("name", SCENES)
async def test_axe_finds_nothing(axe: None, new_visitor: NewVisitor, name: str) -> None:
    async with scene(name, new_visitor, 1280) as visitor:
        for scheme in SCHEMES:
            await visitor.page.emulate_media(color_scheme=scheme)
            assert await visitor.axe_violations() == []


@pytest.mark.parametrize("name", SCENES)
async def test_everything_fits_from_320_pixels_up(new_visitor: NewVisitor, name: str) -> None:
    async with scene(name, new_visitor, 320) as visitor:
        for width in (320, 480, 768, 1024, 1440):
            await visitor.page.set_viewport_size({"width": width, "height": 900})
            assert await visitor.beyond_the_window() == [], width


async def test_light_and_dark_follow_the_browser(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        grounds = []
        for scheme in SCHEMES:
            await visitor.page.emulate_media(color_scheme=scheme)
            grounds.append(await ground_of(visitor.page))
        assert grounds == ["rgb(247, 245, 242)", "rgb(19, 17, 16)"]


async def ground_of(page: Page) -> str:
    return str(await page.evaluate("getComputedStyle(document.body).backgroundColor"))


async def test_nothing_moves_for_those_who_want_it_so(new_visitor: NewVisitor) -> None:
    async with open_shop(stock="5") as shop:
        visitor = await new_visitor(**options_for(1280))
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.sees_left(4)
        await visitor.sees_result("You got it")
        assert await visitor.page.evaluate("document.getAnimations().length") == 0


async def test_the_keyboard_alone_is_enough(visitor: Visitor) -> None:
    async with open_shop(stock="5", hold_seconds="60", per_user_limit="2") as shop:
        await visitor.follow(shop.server.url)
        await visitor.sees_left(5)
        keys = visitor.page.keyboard
        await keys.press("Tab")
        await expect(visitor.page.get_by_role("link", name="Skip to buying")).to_be_focused()
        await expect(visitor.page.get_by_role("link", name="Skip to buying")).to_be_in_viewport()
        await keys.press("Enter")
        await keys.press("Tab")
        await expect(visitor.page.get_by_label("Your user id")).to_be_focused()
        assert await focus_is_seen(visitor.page)
        await keys.type("ann")
        await keys.press("Tab")
        await expect(visitor.page.get_by_label("How many")).to_be_focused()
        await keys.press("Tab")
        await expect(visitor.page.locator("#buy")).to_be_focused()
        assert await focus_is_seen(visitor.page)
        await keys.press("Enter")
        await visitor.sees_result("It is held for you")
        await expect(visitor.page.locator("#buy")).to_be_focused()
        await keys.press("Tab")
        confirm = visitor.result.get_by_role("button", name="Confirm")
        await expect(confirm).to_be_focused()
        assert await focus_is_seen(visitor.page)
        await keys.press("Space")
        await visitor.sees_result("You got it")
        await expect(visitor.result).to_be_focused()
        await keys.press("Tab")
        await expect(visitor.page.get_by_label("Any user id")).to_be_focused()
        await keys.type("ann")
        await keys.press("Enter")
        await expect(visitor.found.get_by_role("heading")).to_have_text("Yes")


async def focus_is_seen(page: Page) -> bool:
    style = "getComputedStyle(document.activeElement)"
    return bool(
        await page.evaluate(
            f"{style}.outlineStyle === 'solid' && parseFloat({style}.outlineWidth) >= 2"
        )
    )


async def test_what_happens_is_read_out(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.sees_result("You got it")
        assert await visitor.announced() == ["You got it. 1 unit is yours."]
        await visitor.look_up("bob")
        await expect(visitor.found.get_by_role("heading")).to_have_text("No")
        assert (await visitor.announced())[-1] == "No bob has nothing of this sale."


LOOK_OF_CONNECTION: Final = """() => {
  const probe = document.body.appendChild(document.createElement("i"));
  const named = (name) => (probe.style.color = `var(${name})`, getComputedStyle(probe).color);
  const [accent, soft, ink] = ["--accent", "--ink-soft", "--ink"].map(named);
  probe.remove();
  const words = getComputedStyle(document.getElementById("connection"));
  const dot = getComputedStyle(document.querySelector("#connection .dot"));
  const name = { [accent]: "accent", [soft]: "soft", [ink]: "ink" };
  return [name[dot.backgroundColor], name[words.color]];
}"""


@pytest.mark.parametrize("path", ["/", "/operator"])
async def test_being_connected_is_calm_and_being_cut_off_stands_out(
    new_visitor: NewVisitor, path: str
) -> None:
    async with open_shop(stock="5") as shop:
        visitor = await new_visitor(**options_for(1280))
        visitor.explain(AWAY)
        await visitor.follow(f"{shop.server.url}{path}")
        for scheme in SCHEMES:
            await visitor.page.emulate_media(color_scheme=scheme)
            assert await visitor.page.evaluate(LOOK_OF_CONNECTION) == ["soft", "soft"]
        await visitor.page.context.set_offline(offline=True)
        await visitor.sees_connection("reconnecting")
        for scheme in SCHEMES:
            await visitor.page.emulate_media(color_scheme=scheme)
            assert await visitor.page.evaluate(LOOK_OF_CONNECTION) == ["accent", "ink"]

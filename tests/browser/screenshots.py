"""Makes the pictures in docs/screenshots anew: `make screenshots`.

Each shows a real server in a state that people meet.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from flashsale.v1 import flash_sale_pb2 as pb
from playwright.async_api import Browser

from tests.browser.chromium import chromium
from tests.browser.visitor import Visitor, options_for
from tests.sale_admin import Shop, open_shop

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
TITLE: Final = "Aurora Low, first edition"


async def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    async with chromium() as browser:
        ends_at = (datetime.now(UTC) + timedelta(minutes=12)).isoformat()
        async with open_shop(stock="500", title=TITLE, ends_at=ends_at) as shop:
            await sell(shop, 187)
            await shop.make("hats", title="Hats")
            await take_bought(browser, shop, "buyer-bought", 1440, "light")
        async with open_shop(stock="40", title=TITLE, hold_seconds="300") as shop:
            await sell(shop, 28)
            await take_bought(browser, shop, "buyer-held", 320, "dark")
        async with open_shop(stock="40", title=TITLE) as shop:
            await sell(shop, 40)
            visitor = await visitor_of(browser, 768, "dark")
            await visitor.follow(shop.server.url)
            await visitor.sees_left(0)
            await take(visitor, "buyer-sold-out")


async def sell(shop: Shop, units: int) -> None:
    """Sell to so many others."""
    requests = [pb.PurchaseRequest(user_id=f"buyer-{number}") for number in range(units)]
    await shop.buyer.BatchPurchase(pb.BatchPurchaseRequest(requests=requests))


async def take_bought(
    browser: Browser, shop: Shop, name: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    """A picture of somebody who has got one, and of somebody else who is looked up."""
    visitor = await visitor_of(browser, width, scheme)
    await visitor.follow(shop.server.url)
    left = int((await shop.sale("default")).available_stock)
    await visitor.buy("buyer-7")
    await visitor.result.get_by_role("heading", name="You have yours already").wait_for()
    await visitor.buy("ann")
    await (
        visitor.result.get_by_role("heading", name="for you")
        .or_(visitor.result.get_by_role("heading", name="You got it"))
        .wait_for()
    )
    await visitor.look_up("buyer-7000")
    await visitor.found.get_by_role("heading").wait_for()
    await visitor.sees_left(left - 1)
    await take(visitor, name)


async def visitor_of(browser: Browser, width: int, scheme: Literal["light", "dark"]) -> Visitor:
    """Somebody with a window of this width."""
    context = await browser.new_context(**options_for(width, scheme))
    return Visitor(await context.new_page())


async def take(visitor: Visitor, name: str) -> None:
    """Take the picture of a whole page."""
    await visitor.page.mouse.move(0, 0)
    await visitor.page.evaluate("document.activeElement.blur()")
    await visitor.page.screenshot(
        path=FOLDER / f"{name}.png", full_page=True, caret="initial", animations="allow"
    )
    await visitor.page.context.close()


if __name__ == "__main__":
    asyncio.run(main())

"""Makes the pictures in docs/screenshots anew: `make screenshots`.

Each shows a real server in a state that people meet.
"""

import asyncio
import math
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from playwright.async_api import Browser, Page, Route

from tests.browser.chromium import chromium
from tests.browser.operators import Operator
from tests.browser.visitor import Visitor, options_for
from tests.sale_admin import Shop, open_shop

FOLDER: Final = Path(__file__).parents[2] / "docs" / "screenshots"
TITLE: Final = "Aurora Low, first edition"
START: Final = Timestamp(seconds=int(time.time()) + 3 * 86_400)
HOLD: Final = Duration(seconds=60)
MINUTE_SECONDS: Final = 58


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
        async with open_shop(stock="6000", title=TITLE) as shop:
            await take_operator(browser, shop)


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


async def take_operator(browser: Browser, shop: Shop) -> None:
    """Pictures of the operator's page at the end of a minute in which a crowd came and went."""
    wide = Operator(await visitor_of(browser, 1440, "light"))
    narrow = Operator(await visitor_of(browser, 320, "dark"))
    await shop.make("boots", title="Winter boots", total_stock=30, start_time=START)
    await shop.make("hats", title="Felt hats", total_stock=40, hold_duration=HOLD)
    await shop.make("prints", title="Numbered prints", total_stock=12)
    await shop.make("umbrellas", title="Umbrellas", total_stock=80)
    await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="umbrellas"))
    for operator in (wide, narrow):
        await rename_node(operator.page)
        await operator.follow(shop.server.url)
        await operator.page.get_by_label("1 min", exact=True).check()
    crowd = random.Random(7)  # the same picture each time
    ends_at = time.monotonic() + MINUTE_SECONDS
    while (left := ends_at - time.monotonic()) > 0:
        share = 1 - left / MINUTE_SECONDS
        people = 4 + 90 * math.sin(math.pi * share) ** 8 + 25 * math.sin(math.pi * share)
        requests = [someone(crowd) for _ in range(crowd.randint(1, int(people)))]
        await shop.buyer.BatchPurchase(pb.BatchPurchaseRequest(requests=requests))
        await asyncio.sleep(0.1)
    await take(wide.visitor, "operator")
    await take(narrow.visitor, "operator-320")


async def rename_node(page: Page) -> None:
    """Show another name for the node: it is named after the machine, which is nobody's business."""

    async def answer(route: Route) -> None:
        response = await route.fetch()
        await route.fulfill(response=response, json={**await response.json(), "node": "shop-1"})

    await page.route("**/flash-sale/health", answer)


def someone(crowd: random.Random) -> pb.PurchaseRequest:
    """Who wants something, often what others want too."""
    wanted = crowd.choices(["", "prints", "hats", "umbrellas"], [60, 30, 3, 7])[0]
    return pb.PurchaseRequest(user_id=f"user-{crowd.randint(1, 9000)}", sale_id=wanted)


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
    await visitor.page.unroute_all(behavior="ignoreErrors")
    await visitor.page.context.close()


if __name__ == "__main__":
    asyncio.run(main())

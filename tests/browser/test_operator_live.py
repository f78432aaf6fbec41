"""What /operator shows of what happens: charts, entries, health, and a server that goes away."""

import contextlib
import re
from pathlib import Path

import pytest
from flashsale import AsyncClient
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from playwright.async_api import Locator, expect

from tests.browser.operators import Operator
from tests.browser.shop import open_shop
from tests.browser.test_connection import started
from tests.browser.visitor import AWAY, REFUSED, Visitor
from tests.sale_admin import Shop


@pytest.fixture
def operator(visitor: Visitor) -> Operator:
    return Operator(visitor)


async def buy_at_once(shop: Shop, users: int) -> None:
    """So many people in one call."""
    requests = [pb.PurchaseRequest(user_id=f"user-{number}") for number in range(users)]
    await shop.buyer.BatchPurchase(pb.BatchPurchaseRequest(requests=requests))


def hundreds(chart: Locator) -> Locator:
    """What stands beside an axis that reaches hundreds; the rate depends on a sample's length."""
    return chart.locator(".plot text").filter(has_text=re.compile(r"^[\d,]{3,}$"))


async def test_charts_move_when_people_buy(operator: Operator) -> None:
    async with open_shop(stock="5000") as shop:
        await operator.follow(shop.server.url)
        attempts = operator.chart("Attempts and purchases")
        await expect(hundreds(attempts)).to_have_count(0)
        await buy_at_once(shop, 700)
        await expect(hundreds(attempts)).not_to_have_count(0)
        await expect(attempts.locator(".legend")).to_contain_text("Purchased")
        await expect(attempts.locator(".legend")).not_to_contain_text("Held")
        refusals = operator.chart("Refusals by outcome")
        await expect(refusals.locator(".legend")).not_to_contain_text("Already purchased")
        await buy_at_once(shop, 700)
        await expect(refusals.locator(".legend")).to_contain_text("Already purchased")
        await expect(operator.chart("Append latency").locator(".legend")).to_contain_text("p99")


async def test_a_chart_is_a_table_as_well(operator: Operator) -> None:
    async with open_shop(stock="5000") as shop:
        await operator.follow(shop.server.url)
        queue = operator.chart("Queue length")
        await queue.get_by_text("As a table").click()
        table = queue.get_by_role("table")
        await expect(table.get_by_role("columnheader")).to_have_text(
            ["Minute's highest", "Longest"]
        )
        await buy_at_once(shop, 700)
        await expect(table.get_by_role("cell", name="700", exact=True)).to_be_visible()


async def test_values_are_told_at_the_pointer_and_by_the_keyboard(operator: Operator) -> None:
    async with open_shop(stock="5000") as shop:
        await operator.follow(shop.server.url)
        await buy_at_once(shop, 700)
        attempts, queue = operator.chart("Attempts and purchases"), operator.chart("Queue length")
        await expect(hundreds(attempts)).not_to_have_count(0)
        plot = operator.page.get_by_role("slider", name="Attempts and purchases")
        await plot.hover()
        for chart in (attempts, queue):
            await expect(chart.locator(".when")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
        await operator.page.mouse.move(0, 0)
        await expect(queue.locator(".when")).to_have_text("")
        await operator.page.get_by_label("1 min", exact=True).focus()
        await operator.page.keyboard.press("Space")
        await operator.page.keyboard.press("Tab")
        await expect(plot).to_be_focused()
        value = re.compile(r"^\d\d:\d\d:\d\d: Attempts [\d,]{3,}, Purchased [\d,.]+$")
        for _ in range(60):
            if value.match(await plot.get_attribute("aria-valuetext") or ""):
                break
            await operator.page.keyboard.press("ArrowLeft")
        await expect(plot).to_have_attribute("aria-valuetext", value)
        await expect(attempts.locator(".pointer circle")).to_have_count(2)
        await operator.page.keyboard.press("Escape")
        await expect(attempts.locator(".when")).to_have_text("")


async def test_entries_are_shown_as_they_happen(operator: Operator) -> None:
    async with open_shop(stock="5") as shop:
        await shop.make("hats", title="Hats", hold_duration={"seconds": 60})
        await operator.follow(shop.server.url)
        await expect(operator.entries).to_have_count(1)
        await shop.buy("ann", sale_id="default")
        await expect(operator.entries.first).to_contain_text("Purchased ann")
        await expect(operator.entries.first).to_contain_text("\N{MINUS SIGN}1")
        await expect(operator.entries.first).to_contain_text("No. 2")
        await operator.choose("Hats")
        await shop.buy("bob")
        await expect(operator.entries).to_contain_text(["Held bob", "Sale made with 5 units"])
        await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="hats"))
        await expect(operator.entries.first).to_contain_text("Sale paused")


async def test_of_many_entries_the_latest_are_shown(operator: Operator) -> None:
    async with open_shop(stock="5000") as shop:
        await buy_at_once(shop, 700)
        await operator.follow(shop.server.url)
        await expect(operator.entries).to_have_count(40)
        await expect(operator.entries.first).to_contain_text("No. 701")
        await shop.buy("ann", sale_id="default")
        await expect(operator.entries.first).to_contain_text("No. 702")
        await expect(operator.entries).to_have_count(40)


async def test_the_server_is_described(operator: Operator) -> None:
    async with open_shop(stock="5", max_queue="1234") as shop:
        await operator.follow(shop.server.url)
        health = await shop.buyer.Health(pb.HealthRequest())
        system = operator.page.locator(".system")
        for words in ("Healthy", "Closed", "/ 1,234", health.node, health.version, health.ledger):
            await expect(system).to_contain_text(words)
        await expect(system.locator("#uptime")).to_have_text(re.compile(r"^\d+ s$"))
        await expect(system.locator("#reasons")).to_be_hidden()
        checkout = shop.server.server._checkout
        while not checkout.breaker.failed(checkout.clock.monotonic(), None):
            pass
        await expect(system.locator("#circuit")).to_have_text("Open")
        await expect(system.locator("#health")).not_to_have_text("Healthy")
        await expect(system.locator("#reasons")).to_be_visible()


async def test_a_killed_server_is_missed_and_followed_again_where_it_was(
    operator: Operator, tmp_path: Path
) -> None:
    operator.visitor.explain(AWAY)
    with contextlib.ExitStack() as stack:
        server = await started(stack, tmp_path, "--stock", "5")
        await operator.follow(server.url)
        async with AsyncClient(server.address) as client:
            await client.purchase("ann")
        await operator.sees("default", "4 of 5 left")
        await expect(operator.entries.first).to_contain_text("Purchased ann")
        server.kill()
        await operator.visitor.sees_connection("reconnecting")
        notice = operator.page.locator("#connection-notice")
        await expect(notice).to_contain_text("The server does not answer; trying again and again.")
        await expect(operator.page.locator("#health")).to_have_text("No answer", timeout=20_000)
        address = server.url.removeprefix("http://")
        again = await started(stack, tmp_path, "--http-address", address)
        await operator.visitor.sees_connection("live")
        await expect(notice).to_be_hidden()
        async with AsyncClient(again.address) as client:
            await client.purchase("bob")
        await operator.sees("default", "3 of 5 left")
        await expect(operator.entries).to_contain_text(
            ["Purchased bob", "Purchased ann", "Sale made"], timeout=20_000
        )
        await expect(operator.page.locator("#health")).to_have_text("Healthy", timeout=20_000)
        assert "Connected again." in await operator.visitor.announced()


async def test_a_server_that_begins_anew_is_followed_from_its_beginning(
    operator: Operator, tmp_path: Path
) -> None:
    operator.visitor.explain(AWAY, REFUSED + "400")
    with contextlib.ExitStack() as stack:
        flags = ("--ledger", "memory:", "--stock", "50")
        server = await started(stack, tmp_path, *flags)
        await operator.follow(server.url)
        async with AsyncClient(server.address) as client:
            await client.purchase("ann")
        await expect(operator.entries).to_contain_text(["Purchased ann", "Sale made"])
        server.kill()
        await operator.visitor.sees_connection("reconnecting")
        address = server.url.removeprefix("http://")
        await started(stack, tmp_path, *flags, "--http-address", address)
        await operator.visitor.sees_connection("live")
        await operator.sees("default", "50 of 50 left")
        await expect(operator.entries).to_have_count(1, timeout=20_000)
        await expect(operator.entries).to_contain_text(["Sale made with 50 units"])


async def test_where_events_do_not_come_through_the_sales_are_asked_for(operator: Operator) -> None:
    async with open_shop(stock="5") as shop:
        operator.visitor.explain(AWAY)
        await operator.page.route("**/v1/sales:watch", lambda route: route.abort())
        await operator.visitor.go_to(f"{shop.server.url}/operator")
        await operator.visitor.sees_connection("polling")
        await operator.sees("default", "5 of 5 left")
        await shop.buy("ann", sale_id="default")
        await operator.sees("default", "4 of 5 left")

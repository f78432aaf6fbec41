"""What whoever runs the shop does at /operator, and what buyers see of it."""

import re

import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale_server.access import Role, new_token
from playwright.async_api import Route, expect

from tests.browser.conftest import NewVisitor
from tests.browser.operators import Operator
from tests.browser.shop import open_shop
from tests.browser.visitor import AWAY, REFUSED, Visitor


@pytest.fixture
def operator(visitor: Visitor) -> Operator:
    return Operator(visitor)


async def test_a_sale_is_made_and_chosen(operator: Operator) -> None:
    async with open_shop(stock="5") as shop:
        await operator.follow(shop.server.url)
        await operator.begin_new_sale(
            id="hats",
            title="Felt hats",
            stock="40",
            limit_for_a_user="3",
            limit_for_an_order="2",
            end="2040-01-02T10:00:00",
        )
        await operator.dialog.get_by_label("Hold, in seconds").fill("90")
        about = operator.dialog.locator("#change-about")
        await expect(about).to_contain_text("“Felt hats” offers 40 units, opens at once")
        await expect(about).to_contain_text("ends on 2 Jan 2040, 10:00:00; at most 3 for one user")
        await expect(about).to_contain_text("Buyers have 90 seconds to confirm.")
        await operator.confirm()
        await operator.is_done("Created Felt hats.")
        await operator.sees("hats", "Felt hats", "Live", "40 of 40 left")
        await expect(operator.entries).to_contain_text(["Sale made with 40 units"])
        made = await shop.sale("hats")
        assert (made.per_user_limit, made.per_order_limit) == (3, 2)
        assert (made.hold_duration.seconds, made.HasField("end_time")) == (90, True)


async def test_errors_stand_at_their_fields(operator: Operator) -> None:
    operator.visitor.explain(REFUSED + "400", REFUSED + "409")
    async with open_shop(stock="5") as shop:
        await operator.follow(shop.server.url)
        await operator.begin_new_sale(id="Big hats", stock="-4", end="2020-01-02T10:00:00")
        await operator.confirm()
        await expect(operator.problem_at("Id")).to_have_text("Must match [a-z0-9-]{1,63}.")
        await expect(operator.problem_at("Stock")).to_have_text("Must be 0 to 2147483647.")
        await expect(operator.problem_at("End")).to_contain_text("Must be after start_time")
        await expect(operator.dialog.get_by_label("Id", exact=True)).to_be_focused()
        await operator.dialog.get_by_label("Id", exact=True).fill("default")
        await operator.dialog.get_by_label("Stock", exact=True).fill("4")
        await operator.dialog.get_by_label("End", exact=True).fill("")
        await operator.confirm()
        await expect(operator.problem_at("Id")).to_have_text(
            "There is a sale with this id already."
        )
        await expect(operator.problem_at("Stock")).to_be_hidden()
        await operator.dialog.get_by_label("Stock", exact=True).fill("4.5")
        await operator.confirm()
        await expect(operator.problem_at("Stock")).to_have_text("A whole number, please.")
        await operator.page.keyboard.press("Escape")
        await expect(operator.dialog).to_have_count(0)
        await expect(operator.page.get_by_role("button", name="New sale")).to_be_focused()


async def test_a_buyer_who_looks_sees_a_pause_and_that_it_is_over(
    operator: Operator, new_visitor: NewVisitor
) -> None:
    async with open_shop(stock="5", title="Boots") as shop:
        buyer = await new_visitor()
        await buyer.follow(shop.server.url)
        await buyer.sees_state("Live")
        await operator.follow(shop.server.url)
        await operator.press("Pause Boots")
        await expect(operator.dialog.get_by_role("heading")).to_have_text(
            "Pause “Boots” (default)?"
        )
        await expect(operator.dialog).to_contain_text("Nobody can buy from “Boots” (default)")
        await operator.confirm()
        await operator.is_done("Paused Boots.")
        await operator.sees("default", "Paused")
        await buyer.sees_state("Paused")
        await expect(operator.row("default").get_by_role("button", name="Resume")).to_be_focused()
        await operator.press("Resume Boots")
        await operator.confirm()
        await operator.is_done("Resumed Boots.")
        await buyer.sees_state("Live")
        await buyer.buy("ann")
        await operator.sees("default", "4 of 5 left")
        assert await operator.visitor.announced() == ["Paused Boots.", "Resumed Boots."]


async def test_buttons_of_sales_with_one_title_have_names_of_their_own(operator: Operator) -> None:
    async with open_shop(stock="5", title="Boots") as shop:
        await shop.make("soon", title="Boots")
        await operator.follow(shop.server.url)
        for sale_id in ("default", "soon"):
            for verb in ("Pause", "Restock", "End"):
                name = f"{verb} Boots ({sale_id})"
                button = operator.page.get_by_role("button", name=name, exact=True)
                await expect(button).to_have_count(1)


async def test_what_is_given_up_is_not_done(operator: Operator) -> None:
    async with open_shop(stock="5") as shop:
        await operator.follow(shop.server.url)
        await operator.press("Pause")
        await operator.dialog.get_by_role("button", name="Cancel").click()
        await expect(operator.dialog).to_have_count(0)
        assert (await shop.sale("default")).state == pb.SALE_STATE_LIVE


async def test_stock_is_added_and_taken_away_as_far_as_it_is_unsold(operator: Operator) -> None:
    operator.visitor.explain(REFUSED + "400")
    async with open_shop(stock="5") as shop:
        await shop.buy("ann", sale_id="default")
        await operator.follow(shop.server.url)
        units = operator.dialog.get_by_label("Units to add")
        await operator.press("Restock")
        await units.fill("20")
        await expect(operator.dialog).to_contain_text(
            "Adds 20 units to “Flash sale” (default): then 25 units in all, 24 of them unsold."
        )
        await operator.confirm()
        await operator.is_done("Restocked Flash sale.")
        await operator.sees("default", "24 of 25 left")
        await operator.press("Restock")
        await units.fill("-25")
        await expect(operator.dialog).to_contain_text("has only 24 unsold units")
        await operator.confirm()
        await expect(operator.problem_at("Units to add")).to_contain_text("Fewer units are unsold")
        await units.fill("0")
        await operator.confirm()
        await expect(operator.problem_at("Units to add")).to_have_text("Must not be 0.")
        await units.fill("-24")
        await operator.confirm()
        await operator.is_done("Restocked Flash sale.")
        await operator.sees("default", "0 of 1 left", "Sold out")


async def test_a_sale_ends_only_when_its_id_is_typed(
    operator: Operator, new_visitor: NewVisitor
) -> None:
    async with open_shop(stock="5") as shop:
        buyer = await new_visitor()
        await buyer.follow(shop.server.url)
        await operator.follow(shop.server.url)
        await operator.press("End")
        await operator.dialog.get_by_label("Type default to go on").fill("defualt")
        await operator.confirm()
        problem = operator.problem_at("Type default to go on")
        await expect(problem).to_have_text("This is not the sale's id, which is default.")
        assert (await shop.sale("default")).state == pb.SALE_STATE_LIVE
        await operator.dialog.get_by_label("Type default to go on").fill("default")
        await operator.confirm()
        await operator.is_done("Ended Flash sale.")
        await operator.sees("default", "Ended")
        await expect(operator.row("default").locator(".actions button:visible")).to_have_count(0)
        await buyer.sees_state("Ended")


async def test_who_was_slower_is_told_and_changes_nothing_unseen(operator: Operator) -> None:
    operator.visitor.explain(REFUSED + "409")
    async with open_shop(stock="5") as shop:
        await operator.follow(shop.server.url)
        await operator.press("End")
        await operator.dialog.get_by_label("Type default to go on").fill("default")
        await shop.admin.RestockSale(admin.RestockSaleRequest(sale_id="default", stock_change=100))
        await operator.confirm()
        await expect(operator.dialog.get_by_role("alert")).to_contain_text(
            "Somebody else has changed the sale in the meantime, so nothing was done."
        )
        await expect(operator.dialog).to_contain_text("with 105 of 105 left")
        assert (await shop.sale("default")).state == pb.SALE_STATE_LIVE
        await operator.confirm()
        await operator.is_done("Ended Flash sale.")
        assert (await shop.sale("default")).state == pb.SALE_STATE_ENDED


async def test_purchases_are_no_conflict(operator: Operator) -> None:
    async with open_shop(stock="5") as shop:
        await operator.follow(shop.server.url)
        await operator.press("Pause")
        await shop.buy("ann", sale_id="default")
        await operator.confirm()
        await operator.is_done("Paused Flash sale.")


async def test_a_change_whose_answer_was_lost_is_not_made_twice(operator: Operator) -> None:
    operator.visitor.explain(AWAY, REFUSED + "409")
    async with open_shop(stock="5") as shop:
        await operator.follow(shop.server.url)
        await operator.press("Restock")
        await operator.dialog.get_by_label("Units to add").fill("10")
        await operator.page.route("**/*:restock", _do_and_lose)
        await operator.confirm()
        alert = operator.dialog.get_by_role("alert")
        await expect(alert).to_contain_text("this may have been done or not")
        await operator.page.unroute("**/*:restock")
        await operator.sees("default", "15 of 15 left")
        await operator.confirm()
        await expect(alert).to_contain_text("Somebody else has changed the sale")
        assert (await shop.sale("default")).total_stock == 15


async def _do_and_lose(route: Route) -> None:
    await route.fetch()
    await route.abort()


async def test_a_paused_sale_that_has_not_begun_can_be_resumed(operator: Operator) -> None:
    async with open_shop(stock="5", starts_at="2040-01-01T00:00:00Z") as shop:
        await operator.follow(shop.server.url)
        await operator.press("Pause")
        await operator.confirm()
        await operator.is_done("Paused Flash sale.")
        await expect(operator.row("default")).to_contain_text("Upcoming, paused")
        await expect(operator.entries).to_contain_text(["Sale paused", "Sale made"])
        await operator.press("Resume")
        await operator.confirm()
        await operator.is_done("Resumed Flash sale.")
        await expect(operator.entries).to_contain_text(["Sale resumed", "Sale paused", "Sale made"])


async def test_an_admins_token_opens_the_page_and_a_buyers_does_not(operator: Operator) -> None:
    buyer, buyer_line = new_token(Role.BUYER, "web")
    owner, owner_line = new_token(Role.ADMIN, "owner")
    operator.visitor.explain(REFUSED + "401", REFUSED + "403")
    async with open_shop(stock="5", tokens=f"{buyer_line},{owner_line}") as shop:
        page = operator.page
        await operator.visitor.go_to(f"{shop.server.url}/operator")
        await expect(operator.dialog).to_contain_text("The operator's page asks for the token")
        await operator.dialog.get_by_label("Token").fill(buyer)
        await operator.dialog.get_by_role("button", name="Go on").click()
        refused = page.get_by_role("heading", name="This page is the operator's")
        await expect(refused).to_be_visible()
        await expect(page.locator("#sales")).to_be_hidden()
        await page.get_by_role("button", name="Give another token").click()
        await operator.dialog.get_by_label("Token").fill(owner)
        await operator.dialog.get_by_role("button", name="Go on").click()
        await operator.visitor.sees_connection("live")
        await operator.press("Pause")
        await operator.confirm()
        await operator.is_done("Paused Flash sale.")
        await page.get_by_role("button", name="Forget the token").click()
        await expect(operator.dialog).to_contain_text("The operator's page asks for the token")
        await operator.dialog.get_by_role("button", name="Not now").click()
        await expect(refused).to_be_visible()


async def test_a_token_for_metrics_may_look_and_change_nothing(operator: Operator) -> None:
    token, line = new_token(Role.METRICS, "screens")
    operator.visitor.explain(REFUSED + "403")
    async with open_shop(stock="5", tokens=str(line)) as shop:
        await operator.page.add_init_script(f"sessionStorage['flash-sale.token'] ??= '{token}'")
        await operator.follow(shop.server.url)
        await operator.sees("default", "5 of 5 left")
        note = operator.page.locator("#no-entries")
        await expect(note).to_have_text("This token does not allow that.")
        await operator.press("Pause")
        await operator.confirm()
        await expect(operator.dialog.get_by_role("alert")).to_have_text(
            "This token does not allow that; an admin's does."
        )


async def test_one_of_many_sales_is_found(operator: Operator) -> None:
    async with open_shop(stock="5") as shop:
        for number in range(25):
            await shop.make(f"s-{number:02}", title=f"Sale no. {number}")
        await operator.follow(shop.server.url)
        await expect(operator.page.locator("#sales-count")).to_have_text("26")
        await expect(operator.page.locator("#sales-body tr")).to_have_count(20)
        await operator.page.get_by_label("Find").fill("no. 24")
        await expect(operator.page.locator("#sales-body tr")).to_have_count(1)
        await operator.choose("Sale no. 24")
        await expect(operator.page.locator("#entries-sale")).to_have_text("Sale no. 24")
        await operator.page.get_by_label("Find").fill("hat")
        await expect(operator.page.locator("#no-sales")).to_have_text("No sale is called that.")
        await operator.page.get_by_label("Find").fill("")
        await operator.page.get_by_role("button", name=re.compile("Show all 26")).click()
        await expect(operator.page.locator("#sales-body tr")).to_have_count(26)

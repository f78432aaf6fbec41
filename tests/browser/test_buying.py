"""Buying as a person does: what the page says, at once, and in every window."""

import json

import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from playwright.async_api import Route, expect

from tests.browser.conftest import NewVisitor
from tests.browser.shop import open_shop
from tests.browser.visitor import AWAY, REFUSED, Visitor
from tests.checkout.troubled_ledger import Fate, TroubledLedger


async def test_who_buys_is_told_at_once_and_everybody_sees_the_number_fall(
    new_visitor: NewVisitor,
) -> None:
    async with open_shop(stock="5", title="Blue boots") as shop:
        buyer, other = await new_visitor(), await new_visitor()
        await buyer.follow(shop.server.url)
        await other.follow(shop.server.url)
        await other.sees_left(5)
        await buyer.buy("ann")
        await buyer.sees_result("You got it")
        await buyer.sees_left(4)
        await other.sees_left(4)
        await expect(other.page).to_have_title("4 left · Blue boots")
        bought = (await shop.buyer.GetPurchase(_of("ann"))).purchases[0]
        for fact in (bought.purchase_id, str(bought.position)):
            await expect(buyer.result.get_by_text(fact, exact=True)).to_be_visible()
        await expect(buyer.result).to_contain_text(f"Ledger entry{bought.position}")
        await expect(buyer.result).not_to_contain_text("Position")
        at = bought.create_time.ToDatetime()
        await expect(buyer.result).to_contain_text(f"{at:%M:%S}.{at.microsecond // 1000:03}")


async def test_it_sells_out_while_somebody_looks(visitor: Visitor) -> None:
    async with open_shop(stock="2") as shop:
        await visitor.follow(shop.server.url)
        await expect(visitor.page.locator("#buy")).to_have_text("Buy")
        await shop.buy("ann", sale_id="default")
        await shop.buy("bob", sale_id="default")
        await visitor.sees_left(0)
        await visitor.sees_state("Sold out")
        buy = visitor.page.locator("#buy")
        await expect(buy).to_have_text("Sold out")
        await expect(buy).to_have_attribute("aria-disabled", "true")
        await expect(visitor.page).to_have_title("Sold out · Flash sale")
        assert "Sold out." in await visitor.announced()
        await buy.click(force=True)
        await expect(visitor.result).to_be_hidden()


async def test_who_is_too_late_is_told_so(visitor: Visitor) -> None:
    async with open_shop(stock="1") as shop:
        visitor.explain(AWAY)
        await visitor.follow(shop.server.url)
        # The news that it is sold out does not reach this window.
        await visitor.page.context.set_offline(offline=True)
        await shop.buy("ann", sale_id="default")
        await visitor.sees_connection("reconnecting")
        await visitor.page.route("**/status*", lambda route: route.abort())
        await visitor.page.context.set_offline(offline=False)
        await visitor.sees_left(1)
        await visitor.buy("bob")
        await visitor.sees_result("Sold out")
        await expect(visitor.result).to_contain_text("nothing is left")


async def test_more_than_is_left_and_more_than_allowed_are_refused_in_words(
    visitor: Visitor,
) -> None:
    async with open_shop(stock="2", per_user_limit="3") as shop:
        await visitor.follow(shop.server.url)
        await visitor.buy("ann", 3)
        await visitor.sees_result("Not enough left")
        await expect(visitor.result).to_contain_text("You asked for 3, and 2 are left.")
        await visitor.buy("ann", 4)
        await expect(
            visitor.page.get_by_text("A whole number from 1 to 3, please.")
        ).to_be_visible()
        await expect(visitor.page.get_by_label("How many")).to_be_focused()
        await visitor.buy("ann", 2)
        await visitor.sees_result("You got it")
        await expect(visitor.result).to_contain_text("2 units are yours.")


async def test_a_second_unit_where_there_is_one_for_each_shows_the_first(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        first = (await shop.buy("ann", sale_id="default")).purchase
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.sees_result("You have yours already")
        await expect(visitor.result.get_by_text(first.purchase_id)).to_be_visible()
        await visitor.sees_left(4)


@pytest.mark.parametrize(
    ("user_id", "words"),
    [("x" * 129, "That is too long for a user id."), ("..", "Dots alone are no user id here.")],
)
async def test_what_is_no_user_id_is_said_and_never_mended(
    visitor: Visitor, user_id: str, words: str
) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await visitor.buy(user_id)
        await expect(visitor.page.get_by_text(words)).to_be_visible()
        await expect(visitor.page.get_by_label("Your user id")).to_have_value(user_id)
        await visitor.sees_left(5)


async def test_nobody_buys_without_saying_for_whom(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await visitor.buy("  ")
        await expect(visitor.page.get_by_text("Whose? Give a user id.")).to_be_visible()
        user = visitor.page.get_by_label("Your user id")
        await expect(user).to_be_focused()
        await expect(user).to_have_attribute("aria-invalid", "true")
        await visitor.buy("ann")
        await expect(user).to_have_attribute("aria-invalid", "false")
        await visitor.sees_result("You got it")


async def test_too_many_attempts_are_told_how_long_to_wait(visitor: Visitor) -> None:
    async with open_shop(stock="5", rate_limit_per_minute="1") as shop:
        visitor.explain(REFUSED + "429")
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.sees_result("You got it")
        await visitor.buy("ann")
        await visitor.sees_result("Nothing was bought")
        await expect(visitor.result).to_contain_text("Too many attempts within a minute.")
        await expect(visitor.result.get_by_role("timer")).to_contain_text("Try again in")


async def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_bought_twice(
    visitor: Visitor,
) -> None:
    async with open_shop(stock="5", per_user_limit="5") as shop:
        visitor.explain(AWAY)
        sent: list[dict[str, object]] = []

        async def lose_the_first_answer(route: Route) -> None:
            sent.append(json.loads(route.request.post_data or ""))
            if len(sent) > 1:
                await route.continue_()
                return
            await route.fetch()  # the server decides
            await route.abort("connectionreset")

        await visitor.follow(shop.server.url)
        await visitor.page.route("**/purchase", lose_the_first_answer)
        await visitor.buy("ann", 2)
        await visitor.sees_result("You got it")
        await expect(visitor.result).to_contain_text("The answer to your first try was lost")
        await visitor.sees_left(3)
        assert len((await shop.buyer.GetPurchase(_of("ann"))).purchases) == 1
        first, *others = sent
        assert "retry" not in first
        assert others == [{**first, "retry": True}]


async def test_an_attempt_outlives_the_page_that_made_it(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        visitor.explain(AWAY)
        await visitor.follow(shop.server.url)
        await visitor.page.route("**/purchase", lambda route: route.abort())
        await visitor.buy("ann")
        await visitor.sees_result("The answer was lost")
        # Only then, or the first page might ask again in between, and get the answer itself.
        await visitor.page.reload(wait_until="domcontentloaded")
        await visitor.page.unroute("**/purchase")
        await visitor.sees_result("You got it")
        await visitor.sees_left(4)
        await expect(visitor.attempts).to_have_count(1)


async def test_this_browser_remembers_the_user_and_what_was_tried(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await expect(visitor.page.get_by_text("None yet.")).to_be_visible()
        await visitor.buy("ann")
        await visitor.sees_result("You got it")
        await visitor.buy("ann")
        await visitor.sees_result("You have yours already")
        await visitor.page.reload(wait_until="domcontentloaded")
        await expect(visitor.page.get_by_label("Your user id")).to_have_value("ann")
        await expect(visitor.attempts).to_have_count(2)
        await expect(visitor.attempts.first).to_contain_text("You have yours already")
        await expect(visitor.attempts.last).to_contain_text("You got it")


async def test_did_i_get_one_is_answered_for_any_user(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        user_id = "ann/../<b>&?#%41 é"
        bought = (await shop.buy(user_id, sale_id="default")).purchase
        await visitor.follow(shop.server.url)
        await visitor.look_up(user_id)
        await expect(visitor.found.get_by_role("heading")).to_have_text("Yes")
        await expect(visitor.found).to_contain_text(f"{user_id} has 1 unit.")
        await expect(visitor.found.get_by_text(bought.purchase_id)).to_be_visible()
        await visitor.look_up("bob")
        await expect(visitor.found.get_by_role("heading")).to_have_text("No")
        await expect(visitor.found).to_contain_text("bob has nothing of this sale.")


def _of(user_id: str) -> pb.GetPurchaseRequest:
    return pb.GetPurchaseRequest(user_id=user_id)


@pytest.mark.parametrize("fate", [Fate.UNKNOWN_AND_LANDED, Fate.UNKNOWN_AND_LOST])
async def test_what_the_server_could_not_know_is_asked_until_it_does(
    visitor: Visitor, fate: Fate
) -> None:
    ledger = TroubledLedger()
    async with open_shop(ledger, stock="5", per_user_limit="5") as shop:
        visitor.explain(REFUSED + "503")
        await visitor.follow(shop.server.url)
        ledger.fates.append(fate)
        await visitor.buy("ann", 2)
        await visitor.sees_result("You got it")
        await visitor.sees_left(3)
        assert len((await shop.buyer.GetPurchase(_of("ann"))).purchases) == 1


async def test_a_shop_that_cannot_record_says_that_nothing_was_bought(visitor: Visitor) -> None:
    ledger = TroubledLedger()
    async with open_shop(ledger, stock="5") as shop:
        visitor.explain(REFUSED + "503")
        await visitor.follow(shop.server.url)
        ledger.fates.append(Fate.REJECTED)
        await visitor.buy("ann")
        await visitor.sees_result("Nothing was bought")
        await expect(visitor.result).to_contain_text("The shop could not record the purchase.")
        await visitor.buy("ann")
        await visitor.sees_result("You got it")


async def test_what_people_write_is_shown_and_never_run(visitor: Visitor) -> None:
    title = "<img src=x onerror=console.error(1)>"
    async with open_shop(stock="5", title=title) as shop:
        await visitor.follow(shop.server.url)
        await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(title)
        await visitor.buy(title)
        await visitor.sees_result("You got it")
        await visitor.look_up(title)
        await expect(visitor.found).to_contain_text(f"{title} has 1 unit.")
        await expect(visitor.attempts.first).to_contain_text(title)


async def test_a_script_that_got_into_the_page_would_not_run(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        visitor.explain("This document requires 'Trusted", "uncaught: .*TrustedHTML")
        await visitor.follow(shop.server.url)
        await visitor.page.evaluate(
            """() => {
              const script = document.createElement("script");
              script.append("window.hasRun = true");
              document.head.append(script);
            }"""
        )
        async with visitor.page.expect_event("pageerror"):
            await visitor.page.evaluate("setTimeout(() => { document.body.innerHTML = '<b>'; })")
        assert await visitor.page.evaluate("window.hasRun") is None
        await visitor.sees_left(5)
        assert len(visitor.said) >= 2


async def test_an_attempt_of_long_ago_is_asked_again_only_when_its_buyer_says_so(
    visitor: Visitor,
) -> None:
    async with open_shop(stock="5") as shop:
        attempt = {
            "requestId": "r-1",
            "userId": "ann",
            "quantity": 1,
            "state": "asking",
            "madeAt": "2026-01-01T00:00:00Z",
            "startedAt": 0,
        }
        kept = json.dumps(json.dumps([attempt]))
        await visitor.page.add_init_script(
            f"localStorage['flash-sale.attempts.default'] ??= {kept}"
        )
        await visitor.follow(shop.server.url)
        await expect(visitor.attempts.first).to_contain_text("The answer was lost")
        await visitor.sees_left(5)
        await visitor.attempts.first.get_by_role("button", name="Ask again").click()
        await visitor.sees_result("You got it")
        await expect(visitor.attempts).to_have_count(1)
        bought = (await shop.buyer.GetPurchase(_of("ann"))).purchases
        assert [purchase.request_id for purchase in bought] == ["r-1"]


async def test_what_this_browser_keeps_may_be_damaged(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.page.add_init_script(
            "localStorage['flash-sale.attempts.default'] = '[{broken'"
        )
        await visitor.follow(shop.server.url)
        await visitor.buy("ann")
        await visitor.sees_result("You got it")

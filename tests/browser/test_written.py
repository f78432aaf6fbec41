"""What people write is seen as it is: nothing in it is unseen, or turns other text around."""

import json

from playwright.async_api import Locator, expect

from tests.browser.operators import Operator
from tests.browser.shop import open_shop
from tests.browser.visitor import Visitor

OVERRIDE = "\N{RIGHT-TO-LEFT OVERRIDE}"
EVIL = f"ev{OVERRIDE}il"
SHOWN = r"ev\u202eil"
HEBREW = "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"
TITLE = f"Bo{OVERRIDE}o\N{LINE SEPARATOR}ts"
TITLE_SHOWN = r"Bo\u202eo\u2028ts"
UNSEEN = "\u202a\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\ufeff\u00ad"


def written_in(place: Locator, text: str) -> Locator:
    """Where this text stands apart from its sentence."""
    return place.locator("bdi").get_by_text(text, exact=True)


async def test_a_buyer_who_turns_text_around_sees_what_they_typed(visitor: Visitor) -> None:
    async with open_shop(stock="5", title=TITLE) as shop:
        await visitor.follow(shop.server.url)
        await visitor.buy(EVIL)
        await visitor.sees_result("You got it")
        await expect(visitor.page.get_by_label("Your user id")).to_have_value(EVIL)
        await expect(visitor.page).to_have_title(f"4 left · {TITLE_SHOWN}")
        await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(TITLE_SHOWN)
        await visitor.look_up(EVIL)
        await expect(visitor.found).to_contain_text(f"{SHOWN} has 1 unit.")
        line = visitor.attempts.first
        await expect(line).to_contain_text(f"1 unit for {SHOWN} · number")
        purchase_id = await visitor.page.locator(".facts bdi.mono").first.inner_text()
        for place, text in ((visitor.found, SHOWN), (line, SHOWN), (line, purchase_id)):
            await expect(written_in(place, text)).to_be_visible()
        assert OVERRIDE not in await visitor.page.locator("body").inner_text()
        assert (await visitor.announced())[-1] == f"Yes {SHOWN} has 1 unit."
        assert (await shop.sale("default")).sold_stock == 1


async def test_the_user_id_that_is_sent_is_the_one_that_was_typed(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        async with visitor.page.expect_request("**/purchase") as asked:
            await visitor.buy(EVIL)
        assert json.loads((await asked.value).post_data or "")["userId"] == EVIL
        await visitor.sees_result("You got it")
        async with visitor.page.expect_request("**/purchase/*") as looked_up:
            await visitor.look_up(EVIL)
        assert (await looked_up.value).url.endswith("/purchase/ev%E2%80%AEil")


async def test_a_bad_link_turns_nothing_around(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.go_to(f"{shop.server.url}/?sale={EVIL}")
        await expect(visitor.page.locator("#elsewhere-text bdi")).to_have_text(SHOWN)


async def test_an_operator_sees_who_it_was_and_which_sale(visitor: Visitor) -> None:
    operator = Operator(visitor)
    async with open_shop(stock="5", title=TITLE) as shop:
        await shop.buy(f"bad{OVERRIDE}name", sale_id="default")
        await operator.follow(shop.server.url)
        entry = operator.entries.first
        await expect(entry).to_contain_text(r"Purchased bad\u202ename")
        await expect(written_in(entry, r"bad\u202ename")).to_be_visible()
        await expect(operator.page.locator("#entries-sale bdi")).to_have_text(TITLE_SHOWN)
        await expect(operator.row("default").locator("bdi")).to_have_text(TITLE_SHOWN)
        await operator.press(f"Pause {TITLE_SHOWN}")
        await expect(operator.dialog.get_by_role("heading").locator("bdi")).to_have_text(
            TITLE_SHOWN
        )
        await expect(operator.dialog.locator("#change-about")).to_contain_text(
            f"“{TITLE_SHOWN}” (default)"
        )
        await operator.confirm()
        await operator.is_done(f"Paused {TITLE_SHOWN}.")
        await operator.begin_new_sale(id="hats", title=TITLE, stock="1")
        await expect(operator.dialog.locator("#change-about bdi")).to_have_text(TITLE_SHOWN)


async def test_names_that_run_from_right_to_left_leave_their_sentence_alone(
    visitor: Visitor,
) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await visitor.look_up(HEBREW)
        await expect(written_in(visitor.found, HEBREW)).to_be_visible()
        await expect(visitor.found).to_contain_text(f"{HEBREW} has nothing of this sale.")


async def test_no_character_is_unseen(visitor: Visitor) -> None:
    async with open_shop(stock="50") as shop:
        for character in UNSEEN:
            await shop.buy(f"a{character}b", sale_id="default")
        operator = Operator(visitor)
        await operator.follow(shop.server.url)
        seen = [f"Purchased a\\u{ord(character):04x}b" for character in reversed(UNSEEN)]
        await expect(operator.entries).to_contain_text(seen)


async def test_a_joiner_is_left_where_it_joins_and_shown_where_it_would_be_unseen(
    visitor: Visitor,
) -> None:
    persian = "\u06a9\u062a\u0627\u0628\u200c\u0647\u0627"
    family = "\U0001f468\u200d\U0001f469"
    heart = "\u2764\ufe0f\u200d\U0001f525"
    joined = f"{persian} {family} {heart}"
    cyrillic = "\u0430\u043d"
    title = f"{joined} an\u200cn {cyrillic}\u200d{cyrillic} ann\ufe0f \u3164"
    shown = rf"{joined} an\u200cn {cyrillic}\u200d{cyrillic} ann\ufe0f \u3164"
    async with open_shop(stock="5", title=title) as shop:
        await visitor.follow(shop.server.url)
        await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(shown)

"""Following a sale through whatever becomes of the connection, and of the server."""

import asyncio
import base64
import contextlib
import json
import secrets
import time
from pathlib import Path

import httpx
import jwt
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale_server.access import Role, new_token
from playwright.async_api import expect

from tests.browser.shop import open_shop
from tests.browser.visitor import AWAY, REFUSED, Visitor
from tests.servers import ServerProcess, server_process

# A browser without a window has no tabs to change, so it is told that one has.
LOOK_AWAY = "Object.defineProperty(document, 'hidden', {{value: {}, configurable: true}});"
HIDE = LOOK_AWAY.format("true") + "document.dispatchEvent(new Event('visibilitychange'))"
SHOW = LOOK_AWAY.format("false") + "document.dispatchEvent(new Event('visibilitychange'))"


async def started(stack: contextlib.ExitStack, folder: Path, *flags: str) -> ServerProcess:
    """A server process; the loop goes on meanwhile, for the browser is driven by it."""
    process = server_process(folder, *flags)
    return await asyncio.to_thread(stack.enter_context, process)


async def test_a_killed_server_is_missed_said_and_found_again(
    visitor: Visitor, tmp_path: Path
) -> None:
    visitor.explain(AWAY)
    with contextlib.ExitStack() as stack:
        server = await started(stack, tmp_path, "--stock", "5")
        await visitor.follow(server.url)
        await visitor.buy("ann")
        await visitor.sees_result("You got it")
        await visitor.sees_left(4)
        server.kill()
        await visitor.sees_connection("reconnecting")
        notice = visitor.page.locator("#connection-notice")
        await expect(notice).to_contain_text("The shop does not answer; trying again and again.")
        address = server.url.removeprefix("http://")
        await started(stack, tmp_path, "--http-address", address)
        await visitor.sees_connection("live")
        await expect(notice).to_be_hidden()
        await visitor.sees_left(4)
        await visitor.buy("bob")
        await visitor.sees_result("You got it")
        await visitor.sees_left(3)
        assert "Connected again." in await visitor.announced()


async def test_an_attempt_goes_on_through_a_restart_of_the_server(
    visitor: Visitor, tmp_path: Path
) -> None:
    visitor.explain(AWAY)
    with contextlib.ExitStack() as stack:
        server = await started(stack, tmp_path, "--stock", "5")
        await visitor.follow(server.url)
        server.kill()
        await visitor.buy("ann")
        await visitor.sees_result("The answer was lost")
        await expect(visitor.page.locator("#buy")).to_have_text("Asking…")
        await started(stack, tmp_path, "--http-address", server.url.removeprefix("http://"))
        await visitor.sees_result("You got it")
        await visitor.sees_left(4)


async def test_where_events_do_not_come_through_the_page_asks_instead(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        visitor.explain(AWAY)
        await visitor.page.route("**/status:watch", lambda route: route.abort())
        await visitor.go_to(shop.server.url)
        await visitor.sees_connection("polling")
        await visitor.sees_left(5)
        notice = visitor.page.locator("#connection-notice")
        await expect(notice).to_contain_text("asking every five seconds instead")
        await shop.buy("ann", sale_id="default")
        await visitor.sees_left(4)
        await visitor.page.unroute("**/status:watch")
        await visitor.page.evaluate("dispatchEvent(new Event('online'))")
        await visitor.sees_connection("live")
        await expect(notice).to_be_hidden()


async def test_a_server_with_too_many_watchers_is_asked_instead(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        visitor.explain(REFUSED + "503")
        shop.server.server._watching._capacity = 0
        await visitor.go_to(shop.server.url)
        await visitor.sees_connection("polling")
        await visitor.sees_left(5)


async def test_a_page_that_cannot_show_its_sale_says_so_on_the_console(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        visitor.explain("uncaught: the page has no #available")
        await visitor.follow(shop.server.url)
        await visitor.sees_left(5)
        await visitor.page.evaluate("document.getElementById('available').remove()")
        async with visitor.page.expect_event("pageerror"):
            await shop.buy("ann", sale_id="default")
        await visitor.sees_connection("live")


async def test_a_browser_that_goes_offline_says_so_and_comes_back(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        visitor.explain(AWAY)
        await visitor.follow(shop.server.url)
        await visitor.page.context.set_offline(offline=True)
        await visitor.sees_connection("reconnecting")
        await shop.buy("ann", sale_id="default")
        await visitor.page.context.set_offline(offline=False)
        await visitor.sees_connection("live")
        await visitor.sees_left(4)


async def test_a_tab_that_nobody_looks_at_keeps_no_stream(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        await visitor.follow(shop.server.url)
        await visitor.page.evaluate(HIDE)
        while (await shop.buyer.Metrics(pb.MetricsRequest())).watchers:
            pass
        await shop.buy("ann", sale_id="default")
        await visitor.sees_left(4)
        await visitor.page.evaluate(SHOW)
        await shop.buy("bob", sale_id="default")
        await visitor.sees_left(3)
        assert (await shop.buyer.Metrics(pb.MetricsRequest())).watchers == 1
        await visitor.sees_connection("live")


async def test_a_link_to_no_sale_is_met_kindly(visitor: Visitor) -> None:
    async with open_shop(stock="5") as shop:
        visitor.explain(REFUSED + "404")
        await visitor.go_to(f"{shop.server.url}/?sale=spring-2019")
        heading = visitor.page.get_by_role("heading", name="There is no such sale")
        await expect(heading).to_be_visible()
        await expect(visitor.page.get_by_text("“spring-2019”")).to_be_visible()
        await visitor.go_to(f"{shop.server.url}/?sale=../<b>")
        await expect(visitor.page.get_by_text("“../<b>”")).to_be_visible()
        await visitor.page.get_by_role("link", name="Go to the shop").click()
        await visitor.sees_left(5)


async def test_a_shop_with_tokens_asks_for_one_and_keeps_it_for_the_tab(visitor: Visitor) -> None:
    token, line = new_token(Role.BUYER, "web")
    visitor.explain(REFUSED + "401", REFUSED + "403")
    async with open_shop(stock="5", tokens=str(line)) as shop:
        await visitor.go_to(shop.server.url)
        dialog = visitor.page.get_by_role("dialog", name="A token, please")
        await dialog.get_by_label("Token").fill("flashsale_wrong")
        await dialog.get_by_role("button", name="Go on").click()
        dialog = visitor.page.get_by_role("dialog", name="This token does not open anything")
        await dialog.get_by_label("Token").fill(token)
        await dialog.get_by_label("Token").press("Enter")
        await visitor.sees_connection("live")
        await visitor.buy("ann")
        await visitor.sees_result("You got it")
        await visitor.sees_left(4)
        await visitor.page.reload(wait_until="domcontentloaded")
        await visitor.sees_connection("live")
        await expect(visitor.page.get_by_role("dialog")).to_have_count(0)


async def test_who_has_no_token_yet_can_give_one_later(visitor: Visitor) -> None:
    token, line = new_token(Role.BUYER, "web")
    visitor.explain(REFUSED + "401", REFUSED + "403")
    async with open_shop(stock="5", tokens=str(line)) as shop:
        await visitor.go_to(shop.server.url)
        await visitor.page.get_by_role("button", name="Not now").click()
        await expect(
            visitor.page.get_by_role("heading", name="This shop asks for a token")
        ).to_be_visible()
        await visitor.page.get_by_role("button", name="Give a token").click()
        await visitor.page.get_by_role("dialog").get_by_label("Token").fill(token)
        await visitor.page.get_by_role("button", name="Go on").click()
        await visitor.sees_connection("live")
        await visitor.sees_left(5)


async def test_a_token_that_is_taken_away_is_asked_for_again(
    visitor: Visitor, tmp_path: Path
) -> None:
    old, old_line = new_token(Role.BUYER, "web")
    new, new_line = new_token(Role.BUYER, "web")
    visitor.explain(REFUSED + "401", REFUSED + "403")
    tokens = tmp_path / "tokens"
    tokens.write_text(str(old_line))
    async with open_shop(stock="5", tokens=str(tokens)) as shop:
        await visitor.page.add_init_script(f"sessionStorage['flash-sale.token'] ??= '{old}'")
        await visitor.follow(shop.server.url)
        tokens.write_text(str(new_line))
        await until_refused(shop.server.url, old)
        await visitor.look_up("ann")
        dialog = visitor.page.get_by_role("dialog", name="This token does not open anything")
        await dialog.get_by_label("Token").fill(new)
        await dialog.get_by_role("button", name="Go on").click()
        await expect(dialog).to_have_count(0)
        await expect(visitor.found).to_contain_text("ann has nothing of this sale.")


async def until_refused(url: str, token: str) -> None:
    """Wait until a token opens nothing more; the file of tokens is read again within a second."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as web:
        while (await web.get("/v1/sales/default/status")).status_code != httpx.codes.UNAUTHORIZED:
            pass


async def test_a_jwt_buys_for_its_own_user_and_for_nobody_else(
    visitor: Visitor, tmp_path: Path
) -> None:
    secret = secrets.token_bytes(32)
    encoded = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"kty": "oct", "k": encoded, "alg": "HS256"}))
    token = jwt.encode({"sub": "ann", "exp": time.time() + 600}, secret, "HS256")
    visitor.explain(REFUSED + "403")
    async with open_shop(stock="5", jwt_keys=str(keys)) as shop:
        await visitor.page.add_init_script(f"sessionStorage['flash-sale.token'] ??= '{token}'")
        await visitor.follow(shop.server.url)
        await visitor.buy("bob")
        await visitor.sees_result("Nothing was bought")
        await expect(visitor.result).to_contain_text("This token does not allow that.")
        await visitor.buy("ann")
        await visitor.sees_result("You got it")

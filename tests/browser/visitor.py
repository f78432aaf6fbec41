"""A visitor: a person at a page, who does what people do and sees what people see.

Whatever a page says on its console as a warning or an error, each exception that nobody caught, and
each breach of the page's policy is kept; a test that leaves any of them unexplained fails.
"""

import re
from pathlib import Path
from typing import Any, Final, cast

from playwright.async_api import ConsoleMessage, Locator, Page, expect

AXE: Final = Path(__file__).with_name("node_modules") / "axe-core" / "axe.min.js"
NO_AXE: Final = "there is no axe-core; `npm ci --prefix tests/browser --ignore-scripts` installs it"

# An answer that is no 2xx, or none at all, is on the console whatever the page does about it.
REFUSED: Final = r"Failed to load resource: the server responded with a status of "
AWAY: Final = r"Failed to load resource: net::ERR_"

_WIDER_THAN_IT_SEEMS: Final = """() => {
  const width = document.documentElement.clientWidth;
  const shown = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility()
    && !one.closest(".visually-hidden, .bar, .skip, .scrolls"));
  const told = (one) => `${one.tagName} ${one.id}: ${one.textContent.slice(0, 40)}`;
  const beyond = shown.filter((one) => {
    const { left, right } = one.getBoundingClientRect();
    return left < -0.5 || right > width + 0.5;
  });
  const cut = shown.filter((one) => one.tagName !== "SELECT" && one.tagName !== "INPUT"
    && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX !== "visible");
  const scrolls = document.documentElement.scrollWidth > width ? ["the page scrolls"] : [];
  return [...scrolls, ...beyond.map(told), ...cut.map(told)];
}"""

_AXE_RUN: Final = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)} ${node.failureSummary}`));
}"""


class Visitor:
    """A person at a page.

    Attributes:
        page: the page.
        said: what it has complained of so far.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.said: list[str] = []
        self._explained: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))

    def explain(self, *patterns: str) -> None:
        """Say which messages on the console belong to what the test does."""
        self._explained.extend(patterns)

    @property
    def troubles(self) -> list[str]:
        """What nobody has explained."""
        return [
            one
            for one in self.said
            if not any(re.match(pattern, one) for pattern in self._explained)
        ]

    async def go_to(self, url: str) -> None:
        """Open a page; an event stream never finishes loading, so that is not waited for."""
        await self.page.goto(url, wait_until="domcontentloaded")

    async def follow(self, url: str) -> None:
        """Open a buyers' page, and wait until it follows its sale."""
        await self.go_to(url)
        await self.sees_connection("live")

    async def sees_connection(self, connection: str) -> None:
        pattern = re.compile(f"^{connection}$")
        found = self.page.locator("#connection")
        await expect(found).to_have_attribute("data-connection", pattern, timeout=20_000)

    async def sees_left(self, units: int, within_ms: int = 10_000) -> None:
        await expect(self.page.locator("#available")).to_have_text(f"{units:,}", timeout=within_ms)
        await expect(self.page.get_by_role("progressbar")).to_have_attribute(
            "aria-valuenow", str(units)
        )

    async def sees_state(self, words: str) -> None:
        await expect(self.page.locator("#state")).to_have_text(words, timeout=10_000)

    async def buy(self, user_id: str, quantity: int | None = None) -> None:
        await self.page.get_by_label("Your user id").fill(user_id)
        if quantity is not None:
            await self.page.get_by_label("How many").fill(str(quantity))
        await self.page.locator("#buy").click()

    async def look_up(self, user_id: str) -> None:
        await self.page.get_by_label("Any user id").fill(user_id)
        await self.page.get_by_role("button", name="Look up").click()

    @property
    def result(self) -> Locator:
        """What the latest attempt came to."""
        return self.page.get_by_role("group", name="Your latest attempt")

    @property
    def found(self) -> Locator:
        """What a look-up found."""
        return self.page.get_by_role("group", name="What was found")

    @property
    def attempts(self) -> Locator:
        """The attempts of this browser."""
        return self.page.get_by_role("list", name="Your attempts").get_by_role("listitem")

    async def sees_result(self, headline: str) -> None:
        await expect(self.result.get_by_role("heading")).to_have_text(headline, timeout=10_000)

    async def announced(self) -> list[str]:
        """What a screen reader has said by itself, as far as it is still there."""
        return await self.page.locator("#announcer p").all_text_contents()

    async def beyond_the_window(self) -> list[str]:
        """What does not fit into the window."""
        return cast("list[str]", await self.page.evaluate(_WIDER_THAN_IT_SEEMS))

    async def axe_violations(self) -> list[str]:
        """What axe-core finds in the page as it is now."""
        # The page's policy allows no script of others, so this one comes as the browser's own.
        await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        return cast("list[str]", await self.page.evaluate(_AXE_RUN))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"warning", "error", "assert"}:
            self.said.append(message.text)


def options_for(width: int, scheme: str = "light") -> dict[str, Any]:
    """A window of this width where nothing moves, so that it can be judged at once."""
    return {
        "viewport": {"width": width, "height": 900},
        "color_scheme": scheme,
        "reduced_motion": "reduce",
    }

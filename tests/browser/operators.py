"""An operator: a visitor at /operator, who sees sales in rows and changes them in dialogs."""

import re

from playwright.async_api import Locator, Page, expect

from tests.browser.visitor import Visitor


class Operator:
    """Whoever runs the shop, at their page."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.page: Page = visitor.page

    async def follow(self, url: str) -> None:
        """Open the page, and wait until it follows the sales and the server."""
        await self.visitor.follow(f"{url}/operator")
        await expect(self.page.locator(".legend li").first).to_be_visible()

    def row(self, sale_id: str) -> Locator:
        return self.page.locator(f"#sales tr[data-sale='{sale_id}']")

    async def sees(self, sale_id: str, *words: str) -> None:
        """See these words in a sale's row."""
        for said in words:
            await expect(self.row(sale_id)).to_contain_text(said)

    async def press(self, button: str, sale_id: str = "default") -> None:
        """Press a button of a sale's row, which opens a dialog."""
        await self.row(sale_id).get_by_role("button", name=button).click()
        await expect(self.dialog).to_be_visible()

    async def begin_new_sale(self, **values: str) -> None:
        """Open the dialog for a new sale, and fill in fields, each by its label: "_" is " "."""
        await self.page.get_by_role("button", name="New sale").click()
        for label, value in values.items():
            name = label.replace("_", " ").capitalize()
            await self.dialog.get_by_label(name, exact=True).fill(value)

    async def confirm(self) -> None:
        """Press the button of the open dialog that does it."""
        await self.dialog.locator("button[type=submit]").click()

    async def is_done(self, words: str) -> None:
        """See that the dialog has closed, and what is said of it."""
        await expect(self.dialog).to_have_count(0)
        await expect(self.page.locator("#said")).to_contain_text(words)

    async def choose(self, title: str) -> None:
        name = re.compile(f"^{re.escape(title)} ")
        await self.page.get_by_role("button", name=name, pressed=False).click()

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def problem_at(self, label: str) -> Locator:
        """What is wrong with a field of the dialog."""
        field = self.dialog.locator(".field").filter(has=self.page.get_by_label(label, exact=True))
        return field.locator(".problem")

    def chart(self, title: str) -> Locator:
        return self.page.get_by_role("figure", name=title)

    @property
    def entries(self) -> Locator:
        """The latest entries of the chosen sale, newest first."""
        return self.page.locator("#entries li")

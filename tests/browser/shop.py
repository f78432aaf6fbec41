"""A shop that visitors come to, and leave before it closes: a page is right to complain of a server
that is gone, and no test wants to hear of that.
"""

import contextlib
from collections.abc import AsyncIterator

from flashsale_server.ledger import Ledger

from tests import sale_admin
from tests.browser.visitor import Visitor

present: list[Visitor] = []
"""The visitors of the test that runs."""


@contextlib.asynccontextmanager
async def open_shop(
    ledger: Ledger | None = None, **settings: str
) -> AsyncIterator[sale_admin.Shop]:
    """A server, and the shop's way to it."""
    async with sale_admin.open_shop(ledger, **settings) as shop:
        try:
            yield shop
        finally:
            for visitor in present:
                await visitor.page.context.close()

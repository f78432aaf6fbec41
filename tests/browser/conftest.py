"""What every browser test starts from: one Chromium for all of them, and visitors who come and go.

A browser belongs to the event loop that it was started in, so these tests share one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.chromium import HOW_TO_GET_IT, chromium, chromium_path
from tests.browser.shop import present
from tests.browser.visitor import AXE, NO_AXE, Visitor

HERE = Path(__file__).parent
NewVisitor = Callable[..., Awaitable[Visitor]]

expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    loop = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(loop, append=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    missing = [*([] if chromium_path() else [HOW_TO_GET_IT]), *([] if AXE.exists() else [NO_AXE])]
    for reason in missing:
        terminalreporter.write_line(f"browser tests were skipped: {reason}", yellow=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if chromium_path() is None:
        pytest.skip(HOW_TO_GET_IT)
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def new_visitor(browser: Browser) -> AsyncIterator[NewVisitor]:
    """Makes visitors, each with a browser profile of its own; all must leave without trouble."""
    present.clear()

    async def come(**options: Any) -> Visitor:
        context = await browser.new_context(**options)
        present.append(Visitor(await context.new_page()))
        return present[-1]

    yield come
    for visitor in present:
        await visitor.page.context.close()
    assert [visitor.troubles for visitor in present if visitor.troubles] == []


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(new_visitor: NewVisitor) -> Visitor:
    return await new_visitor()


@pytest.fixture
def axe() -> None:
    """Skips the test where there is no axe-core."""
    if not AXE.exists():
        pytest.skip(NO_AXE)

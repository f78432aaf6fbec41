"""The live view on a terminal, and what stands in its place where there is none.

A view is drawn on the terminal's alternate screen, so that nothing wraps when the window changes,
and what was there before is there again afterwards. Its last picture is left behind.
"""

import asyncio
import contextlib
import os
import select
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final

from rich.console import Console, ConsoleDimensions, Group
from rich.live import Live

from flashsale_server.cli.crowd import CrowdSeen
from flashsale_server.cli.following import Seen, following
from flashsale_server.cli.live_view import picture
from flashsale_server.cli.server_options import Server

_TICK_SECONDS: Final = 0.5
_DRAWING_SECONDS_MIN: Final = 0.25
_SHELL_LINES: Final = 2
"""Lines that are left to the shell below the last picture."""


def can_be_drawn_on() -> bool:
    """Whether standard output is a terminal that knows more than lines."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


@contextlib.asynccontextmanager
async def shown_live(
    server: Server, sale_id: str, crowd: Callable[[], CrowdSeen] | None = None
) -> AsyncIterator[Seen]:
    """Draw a sale while the body runs, and leave the last picture behind."""
    console = Console(highlight=False)

    def drawn(*, is_last: bool = False) -> Group:
        console.size = _window()
        return picture(
            seen,
            now=time.monotonic(),
            width=console.size.width,
            height=console.size.height - (_SHELL_LINES if is_last else 0),
            crowd=None if crowd is None else crowd(),
            is_last=is_last,
        )

    async def draw(live: Live) -> None:
        while True:
            news = seen.news
            live.update(drawn(), refresh=True)
            await asyncio.sleep(_DRAWING_SECONDS_MIN)
            # asyncio.wait_for would miss a cancellation that comes together with news.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TICK_SECONDS):
                    await news.wait()

    async with following(server, sale_id) as seen:
        try:
            with Live(console=console, screen=True, auto_refresh=False) as live:
                async with _meanwhile(draw(live)):
                    yield seen
        finally:
            if seen.status is not None:
                console.print(drawn(is_last=True))


@contextlib.asynccontextmanager
async def _meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do endless work while the body runs; when it fails, as when the terminal goes, so does all.

    Raises:
        Exception: what the work raised.
    """
    body = asyncio.current_task()
    assert body is not None  # noqa: S101  # this runs in one
    working = asyncio.create_task(work)
    working.add_done_callback(lambda task: task.cancelled() or body.cancel())
    try:
        yield
    finally:
        working.cancel()
        await asyncio.wait((working,))
        if not working.cancelled():
            working.result()


def _window() -> ConsoleDimensions:
    """How large the terminal is now, whatever COLUMNS and LINES said when the command began."""
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    return ConsoleDimensions(columns or 80, lines or 24)


async def until_nobody_reads() -> None:
    """Wait until whoever read standard output has gone; for ever where that cannot be known."""
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):
        await asyncio.Event().wait()
    while not any(events & select.POLLERR for _, events in poll.poll(0)):  # noqa: ASYNC110  # see below
        await asyncio.sleep(_TICK_SECONDS)  # nothing tells of it

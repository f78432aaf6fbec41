"""What is known of a sale and its server, kept up to date while somebody looks.

Three questions are asked side by side, over a connection of their own: the sale's status as it
changes, the server's samples second by second, and once a second how the server is. When the server
is away each is asked again until it is back; what was known stays, with the trouble beside it.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from flashsale import (
    AsyncClient,
    FlashSaleError,
    Health,
    Metrics,
    MetricsSample,
    PermissionDenied,
    Retries,
    SaleState,
    SaleStatus,
    Unavailable,
)

from flashsale_server.cli.server_options import Server

MINUTE_SECONDS: Final = 60
_ASK_EACH_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 2.0
_SILENCE_SECONDS: Final = 5.0
_LONGEST_WAIT_SECONDS: Final = 1.0


@dataclass(slots=True)
class Link:
    """Whether the server is heard.

    Attributes:
        address: where it is.
        trouble: what is wrong; "" when nothing is.
        heard_at: when it was heard last, by the monotonic clock; None before the first time.
    """

    address: str
    trouble: str = ""
    heard_at: float | None = None

    def hear(self) -> None:
        """Note that the server has said something."""
        self.trouble = ""
        self.heard_at = time.monotonic()

    def note(self, error: FlashSaleError) -> None:
        """Note why the server is not heard."""
        self.trouble = in_short(error)

    def silence_seconds(self, now: float) -> float:
        """For how long nothing was heard; 0 while that is nothing unusual."""
        if self.heard_at is None:
            return 0.0
        silence = now - self.heard_at
        return silence if self.trouble or silence > _SILENCE_SECONDS else 0.0

    def is_up(self, now: float) -> bool:
        """Whether the server is heard."""
        return self.heard_at is not None and not self.trouble and not self.silence_seconds(now)


@dataclass(slots=True)
class Seen:
    """What is known of a sale and its server.

    Attributes:
        sale_id: the sale.
        link: whether the server is heard.
        status: the sale as it was last seen.
        clock_ahead: how far the server's clock is ahead of this machine's.
        samples: what the server did in the last minute, second by second.
        no_samples: why there are none, where it will not say.
        health: how the server was when it was last asked.
        totals: what it had done since it started.
        refusal: why the sale cannot be followed at all.
        news: set, and replaced by another, when anything of this is new.
    """

    sale_id: str
    link: Link
    status: SaleStatus | None = None
    clock_ahead: timedelta = timedelta()
    samples: deque[MetricsSample] = field(default_factory=lambda: deque(maxlen=MINUTE_SECONDS))
    no_samples: str = ""
    health: Health | None = None
    totals: Metrics | None = None
    refusal: FlashSaleError | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Wake everybody who waits for news."""
        told, self.news = self.news, asyncio.Event()
        told.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what is known is so."""
        while not condition():
            await self.news.wait()

    @property
    def has_ended(self) -> bool:
        """Whether the sale is over."""
        return self.status is not None and self.status.state is SaleState.ENDED

    @property
    def tells_of_seconds(self) -> bool:
        """Whether it is known what the server did second by second, or why not."""
        return bool(self.samples or self.no_samples)

    def server_time(self) -> datetime:
        """The time by the server's clock."""
        return datetime.now(UTC) + self.clock_ahead

    def by_second(self, figure: Callable[[MetricsSample], float]) -> list[float | None]:
        """A figure of the last minute's samples, one a second, the newest last."""
        figures: list[float | None] = [None] * MINUTE_SECONDS
        if not self.samples:
            return figures
        newest = self.samples[-1].end_time
        for sample in self.samples:
            age = round((newest - sample.end_time).total_seconds())
            if 0 <= age < MINUTE_SECONDS:
                figures[-1 - age] = figure(sample)
        return figures


@dataclass(frozen=True, slots=True)
class ToldRetries(Retries):
    """Retries that tell what was in the way, so that a wait is no silence."""

    tell: Callable[[FlashSaleError], None] = lambda _: None

    def wait_seconds(
        self,
        error: FlashSaleError,
        tried: int,
        left_seconds: float,
        drawn: float | None = None,
    ) -> float | None:
        """How long to wait; see Retries."""
        wait = Retries.wait_seconds(self, error, tried, left_seconds, drawn)
        if wait is not None:
            self.tell(error)
        return wait


@contextlib.asynccontextmanager
async def following(server: Server, sale_id: str) -> AsyncIterator[Seen]:
    """What is known of a sale, kept up to date while the body runs."""
    seen = Seen(sale_id, Link(server.address))

    def lost(error: FlashSaleError) -> None:
        seen.link.note(error)
        seen.tell()

    retries = ToldRetries(longest_seconds=_LONGEST_WAIT_SECONDS, tell=lost)
    async with server.client(sale_id, retries=retries) as client:
        questions = (_follow_status, _follow_samples, _ask_how_it_is)
        followers = [asyncio.create_task(question(client, seen)) for question in questions]
        try:
            yield seen
        finally:
            for follower in followers:
                follower.cancel()
            await asyncio.wait(followers)


def in_short(error: FlashSaleError) -> str:
    """What is wrong, in as few words as tell it."""
    if error.reason:
        return error.message
    refused = "connection refused", "connect to all addresses", "server ended the stream"
    if any(words in error.message.lower() for words in refused):
        return "nobody answers there"
    return error.message.splitlines()[0] if error.message else type(error).__name__


async def _follow_status(client: AsyncClient, seen: Seen) -> None:
    try:
        async for status in client.watch_status(min_interval_seconds=0.25):
            seen.link.hear()
            seen.status = status
            seen.clock_ahead = status.server_time - datetime.now(UTC)
            seen.tell()
    except FlashSaleError as error:
        seen.refusal = error
        seen.tell()


async def _follow_samples(client: AsyncClient, seen: Seen) -> None:
    try:
        async for sample in client.admin.watch_metrics():
            seen.link.hear()
            seen.samples.append(sample)
            seen.tell()
    except PermissionDenied:
        seen.no_samples = "no rates: they are for tokens with the role metrics or admin"
        seen.tell()
    except FlashSaleError as error:
        seen.no_samples = f"no rates: {in_short(error)}"
        seen.tell()


async def _ask_how_it_is(client: AsyncClient, seen: Seen) -> None:
    """Ask once a second; what is in the way is noted by the retries, or here."""
    while True:
        begun = time.monotonic()
        try:
            seen.health = await client.health(timeout=_ANSWER_SECONDS)
            seen.totals = await client.metrics(timeout=_ANSWER_SECONDS)
            seen.link.hear()
        except Unavailable as error:
            seen.link.note(error)
        except FlashSaleError:  # it speaks, and the other questions are told why not of this
            pass
        seen.tell()
        await asyncio.sleep(max(0.0, begun + _ASK_EACH_SECONDS - time.monotonic()))

"""Watching: tells those who follow a sale when to look again.

A watcher looks now, then at each change, never more often than it asked for, always once more after
the last change, and after some quiet time, so that both ends know that the other is there. What it
sees is the lane's to show.

Others may write to the same ledger, and nothing tells this process when they do. So while anybody
watches a sale, its ledger is looked at several times a second; an engine that owns its ledger
answers that without any I/O. While anybody watches all sales, the ledger is gone through as often
for sales that others have made or changed.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Final

import structlog

from flashsale_server.checkout.broadcast import Broadcast
from flashsale_server.checkout.checkout import Checkout
from flashsale_server.checkout.faults import Fault, TooManyWatchers
from flashsale_server.checkout.lane import Lane

HEARTBEAT_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.25
CAPACITY: Final = 2000

_log = structlog.get_logger(__name__)


class Watching:
    """The watchers of all sales of one server process.

    Args:
        capacity: how many streams may watch at once.
        heartbeat_seconds: quiet time after which a watcher looks again.
    """

    def __init__(
        self,
        checkout: Checkout,
        *,
        capacity: int = CAPACITY,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._checkout = checkout
        self._capacity = capacity
        self._heartbeat_seconds = heartbeat_seconds
        self._watchers: Counter[str] = Counter()
        self._followed: Counter[Broadcast] = Counter()
        self._followers: dict[str, asyncio.Task[None]] = {}
        self._watchers_of_all = 0
        self._follower_of_all: asyncio.Task[None] | None = None
        self._left_out: set[str] = set()
        self._closing = asyncio.Event()

    @property
    def count(self) -> int:
        """Streams that watch now."""
        return self._watchers.total() + self._watchers_of_all + self._followed.total()

    async def looks(self, lane: Lane, min_interval_seconds: float) -> AsyncGenerator[None, None]:
        """Yield whenever it is time to look at the lane; end when the server is about to stop.

        Raises:
            TooManyWatchers: as many watch as may.
        """
        self._check_room()
        self._enter(lane)
        try:
            async with contextlib.aclosing(
                self._looks(lane.changes, min_interval_seconds)
            ) as looks:
                async for _ in looks:
                    yield
        finally:
            self._leave(lane)

    async def looks_at_all(self, min_interval_seconds: float) -> AsyncGenerator[None, None]:
        """Yield whenever it is time to look at all lanes of the checkout; end as `looks` does.

        Raises:
            TooManyWatchers: as many watch as may.
            LedgerRefused: the ledger cannot say now which sales there are.
        """
        self._check_room()
        self._enter_all()
        try:
            await self._go_through()
            async with contextlib.aclosing(
                self._looks(self._checkout.changes, min_interval_seconds)
            ) as looks:
                async for _ in looks:
                    yield
        finally:
            self._leave_all()

    async def news_of(self, changes: Broadcast) -> AsyncGenerator[None, None]:
        """Yield now and whenever something that is no sale changes; end as `looks` does.

        Raises:
            TooManyWatchers: as many watch as may.
        """
        self._check_room()
        self._followed[changes] += 1
        try:
            async with contextlib.aclosing(self._looks(changes, 0.0)) as looks:
                async for _ in looks:
                    yield
        finally:
            self._followed[changes] -= 1
            if not self._followed[changes]:
                del self._followed[changes]

    def close(self) -> None:
        """Let every watcher look once more, and end."""
        self._closing.set()
        for lane in self._checkout.lanes:
            lane.changes.changed()
        self._checkout.changes.changed()
        for changes in self._followed:
            changes.changed()

    async def _looks(
        self, changes: Broadcast, min_interval_seconds: float
    ) -> AsyncGenerator[None, None]:
        is_last = False
        while not is_last:
            is_last = self._closing.is_set()
            seen = changes.version
            yield
            if not self._closing.is_set():
                if min_interval_seconds:
                    await self._pause(min_interval_seconds)
                await changes.beyond(seen, self._heartbeat_seconds - min_interval_seconds)

    def _check_room(self) -> None:
        if self.count >= self._capacity:
            raise TooManyWatchers(self._capacity)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), seconds)

    def _enter(self, lane: Lane) -> None:
        self._watchers[lane.sale_id] += 1
        if lane.sale_id not in self._followers:
            self._followers[lane.sale_id] = asyncio.create_task(self._follow(lane))

    def _leave(self, lane: Lane) -> None:
        self._watchers[lane.sale_id] -= 1
        if not self._watchers[lane.sale_id]:
            del self._watchers[lane.sale_id]
            self._followers.pop(lane.sale_id).cancel()

    async def _follow(self, lane: Lane) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._checkout.refresh(lane)
            except Exception as error:  # noqa: BLE001  # the next look may go better
                _log.warning("cannot follow the ledger", sale=lane.sale_id, why=str(error))

    def _enter_all(self) -> None:
        self._watchers_of_all += 1
        if self._follower_of_all is None:
            self._follower_of_all = asyncio.create_task(self._follow_all())

    def _leave_all(self) -> None:
        self._watchers_of_all -= 1
        if not self._watchers_of_all and self._follower_of_all is not None:
            self._follower_of_all.cancel()
            self._follower_of_all = None

    async def _follow_all(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._go_through()
            except Exception as error:  # noqa: BLE001  # the next look may go better
                _log.warning("cannot follow the ledger", why=str(error))

    async def _go_through(self) -> None:
        """Bring the lanes of all sales to the end of the ledger, as far as they can be read."""
        for sale_id in await self._checkout.sale_ids():
            try:
                await self._checkout.refresh(await self._checkout.lane(sale_id))
            except Fault as fault:
                if sale_id not in self._left_out:
                    _log.warning("cannot follow the sale", sale=sale_id, why=str(fault))
                self._left_out.add(sale_id)
            else:
                self._left_out.discard(sale_id)

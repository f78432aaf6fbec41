"""A ledger that fails at a moment of the test's choice, behind the Ledger protocol.

To the fates of appends it adds what happens around them: other writers, landings in the middle of a
recovery, reads that hang or break off, appends that are cancelled, and rows that are lost.
"""

import asyncio
import enum
from collections.abc import AsyncIterator, Awaitable, Callable

from flashsale_server.checkout.replica import Replica
from flashsale_server.domain import Entry, EntryKind
from flashsale_server.ledger import Append, LedgerUnavailable, PositionConflict
from flashsale_server.ledger.memory import MemoryLedger

from tests.checkout.shops import START_US
from tests.checkout.troubled_ledger import TroubledLedger


class Moment(enum.Enum):
    """When a lost append lands, seen from the recovery that looks for it."""

    BEFORE_THE_READ = enum.auto()
    BEFORE_THE_FENCE = enum.auto()
    AFTER_THE_FENCE = enum.auto()


class FaultyLedger(TroubledLedger):
    """A troubled ledger with hooks around each question.

    Attributes:
        before_append: called with every append before it meets its fate.
        before_tail: called before every look at the tail.
        after_tail: called after every look at the tail, before its answer is given.
        lands_at: when the late appends land by themselves.
        landings: of every append that tried to land late, whether it did.
        read_breaks_off: whether the next read fails after its last row.
        append_is_cancelled: whether the next append ends as if somebody had cancelled it.
        tail_asked: set when a look at the tail has begun.
    """

    def __init__(self) -> None:
        super().__init__()
        self.before_append: Callable[[Append], Awaitable[None]] | None = None
        self.before_tail: Callable[[], Awaitable[None]] | None = None
        self.after_tail: Callable[[], Awaitable[None]] | None = None
        self.lands_at: Moment | None = None
        self.landings: list[bool] = []
        self.read_breaks_off = False
        self.append_is_cancelled = False
        self.tail_asked = asyncio.Event()
        self._tails_may_go_on = asyncio.Event()
        self._tails_may_go_on.set()

    def hold_tails(self) -> None:
        """Let no look at the tail end until `release_tails`."""
        self._tails_may_go_on.clear()
        self.tail_asked.clear()

    def release_tails(self) -> None:
        """Let the looks at the tail end."""
        self._tails_may_go_on.set()

    def go_on_with_appends(self) -> None:
        """Let the stalled appends go on, and no look at the tail."""
        super().go_on()

    def go_on(self) -> None:
        self.go_on_with_appends()
        self.release_tails()

    async def land_late(self) -> None:
        """Have every append that is on its way land, or be turned away, now."""
        while self.late:
            try:
                await self.truth.append(self.late.pop(0))
            except PositionConflict:
                self.landings.append(False)
            else:
                self.landings.append(True)

    async def forget_after(self, sale_id: str, position: int) -> None:
        """Lose every row after `position`, as a backup that was put back would."""
        kept = MemoryLedger()
        async for append in self.truth.read(sale_id, 0):
            if append.last_position <= position:
                await kept.append(append)
        self.truth = kept

    async def append(self, append: Append) -> None:
        is_fence = append.decoded()[0].kind == EntryKind.FENCED
        if is_fence and self.lands_at is Moment.BEFORE_THE_FENCE:
            await self.land_late()
        if self.before_append is not None:
            await self.before_append(append)
        if self.append_is_cancelled:
            self.append_is_cancelled = False
            raise asyncio.CancelledError
        await super().append(append)
        if is_fence and self.lands_at is Moment.AFTER_THE_FENCE:
            await self.land_late()

    async def tail(self, sale_id: str) -> int:
        self.tail_asked.set()
        await self._tails_may_go_on.wait()
        if self.lands_at is Moment.BEFORE_THE_READ:
            await self.land_late()
        if self.before_tail is not None:
            await self.before_tail()
        found = await super().tail(sale_id)
        if self.after_tail is not None:
            await self.after_tail()
        return found

    async def read(self, sale_id: str, after: int) -> AsyncIterator[Append]:
        async for append in super().read(sale_id, after):
            yield append
        if self.read_breaks_off:
            self.read_breaks_off = False
            raise LedgerUnavailable("the connection broke")


async def append_elsewhere(
    ledger: TroubledLedger, *entries: Entry, sale_id: str = "sale", at_us: int = START_US
) -> None:
    """Append entries as another node does, of which this one has not heard."""
    replica = Replica(sale_id, ledger.truth, "elsewhere")
    await replica.catch_up()
    now_us = max(at_us, replica.inventory.recorded_at_us)
    await ledger.truth.append(replica.append_of(entries, now_us))


async def sell_elsewhere(ledger: TroubledLedger, user_id: str) -> None:
    """Sell one unit to `user_id` at another node."""
    entry = Entry(EntryKind.PURCHASED.value, -1, user_id, f"p-{user_id}", f"r-{user_id}", 1)
    await append_elsewhere(ledger, entry)

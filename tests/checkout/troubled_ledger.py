"""A ledger in trouble, on order: it stalls, fails, loses races and lands late, behind the Ledger
protocol.

What it stores it stores in a real ledger in memory. Each append waits for its `Fate`; without one
it simply lands.
"""

import asyncio
import enum
from collections import deque
from collections.abc import AsyncIterator

from flashsale_server.ledger import (
    Append,
    AppendRejected,
    AppendUnknown,
    LedgerUnavailable,
)
from flashsale_server.ledger.memory import MemoryLedger


class Fate(enum.Enum):
    """What becomes of an append."""

    LANDS = enum.auto()
    REJECTED = enum.auto()
    UNKNOWN_AND_LOST = enum.auto()
    UNKNOWN_AND_LANDED = enum.auto()
    UNKNOWN_AND_LATE = enum.auto()
    BREAKS = enum.auto()


class TroubledLedger:
    """A ledger whose appends meet the fates that a test has ordered."""

    def __init__(self) -> None:
        self.truth = MemoryLedger()
        self.fates: deque[Fate] = deque()
        self.appends: list[Append] = []
        self.late: list[Append] = []
        self.reads_fail = False
        self.tails = 0
        self.asked = asyncio.Event()
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self.landed = asyncio.Event()
        self._may_answer = asyncio.Event()
        self._may_answer.set()

    @property
    def location(self) -> str:
        return "memory:"

    def stall(self) -> None:
        """Let no append go on until `go_on`."""
        self._may_go_on.clear()
        self.asked.clear()

    def go_on(self) -> None:
        """Let the stalled appends go on."""
        self._may_go_on.set()

    def hush(self) -> None:
        """Let appends land, but tell nobody until `speak`."""
        self._may_answer.clear()
        self.landed.clear()

    def speak(self) -> None:
        """Tell of the appends that have landed."""
        self._may_answer.set()

    def order(self, *fates: Fate) -> None:
        """The fates of the next appends."""
        self.fates.extend(fates)

    async def append(self, append: Append) -> None:
        self.appends.append(append)
        self.asked.set()
        await self._may_go_on.wait()
        fate = self.fates.popleft() if self.fates else Fate.LANDS
        match fate:
            case Fate.LANDS:
                await self.truth.append(append)
                self.landed.set()
                await self._may_answer.wait()
            case Fate.REJECTED:
                raise AppendRejected("the disk is full")
            case Fate.UNKNOWN_AND_LOST:
                raise AppendUnknown("the connection broke")
            case Fate.UNKNOWN_AND_LANDED:
                await self.truth.append(append)
                raise AppendUnknown("the connection broke")
            case Fate.UNKNOWN_AND_LATE:
                self.late.append(append)
                raise AppendUnknown("the connection broke")
            case Fate.BREAKS:
                raise RuntimeError("a bug in the engine")

    async def tail(self, sale_id: str) -> int:
        self.tails += 1
        if self.reads_fail:
            raise LedgerUnavailable("the disk does not answer")
        return await self.truth.tail(sale_id)

    async def read(self, sale_id: str, after: int) -> AsyncIterator[Append]:
        if self.reads_fail:
            raise LedgerUnavailable("the disk does not answer")
        async for append in self.truth.read(sale_id, after):
            yield append

    async def sale_ids(self) -> list[str]:
        return await self.truth.sale_ids()

    async def close(self) -> None:
        await self.truth.close()

"""The ledger in memory: for trying things out, and for tests. What it keeps dies with the process.

It is the protocol's plainest reading, so the other engines are compared with it. It belongs to one
process by nature; every call finishes without giving way to another, which makes compare-and-append
a plain `if`.
"""

from bisect import bisect_right
from collections.abc import AsyncIterator
from operator import attrgetter

from flashsale_server.ledger.append import Append
from flashsale_server.ledger.errors import AppendRejected, LedgerUnavailable, PositionConflict

_last_position = attrgetter("last_position")


class MemoryLedger:
    """A ledger that lives as long as its process."""

    def __init__(self) -> None:
        self._appends: dict[str, list[Append]] = {}
        self._is_closed = False

    @property
    def location(self) -> str:
        """The ledger's URL."""
        return "memory:"

    async def append(self, append: Append) -> None:
        """Store `append` if it follows the sale's last position; see `Ledger.append`."""
        if self._is_closed:
            raise AppendRejected("the ledger in memory is closed")
        last_position = self._last_position(append.sale_id)
        if append.first_position != last_position + 1:
            raise PositionConflict(
                f"sale {append.sale_id!r} ends at position {last_position}, "
                f"not at {append.first_position - 1}"
            )
        self._appends.setdefault(append.sale_id, []).append(append)

    async def tail(self, sale_id: str) -> int:
        """The sale's last position; see `Ledger.tail`."""
        self._check_open()
        return self._last_position(sale_id)

    async def read(self, sale_id: str, after: int) -> AsyncIterator[Append]:
        """The sale's appends after position `after`; see `Ledger.read`."""
        self._check_open()
        appends = self._appends.get(sale_id, [])
        # A slice, so that what is appended between two steps of the reader does not move under it.
        for append in appends[bisect_right(appends, after, key=_last_position) :]:
            yield append

    async def sale_ids(self) -> list[str]:
        """The sales that the ledger knows, sorted."""
        self._check_open()
        return sorted(self._appends)

    async def close(self) -> None:
        """Refuse whatever comes from now on."""
        self._is_closed = True

    def _last_position(self, sale_id: str) -> int:
        appends = self._appends.get(sale_id)
        return appends[-1].last_position if appends else 0

    def _check_open(self) -> None:
        if self._is_closed:
            raise LedgerUnavailable("the ledger in memory is closed")

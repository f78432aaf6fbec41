"""The ledger in a SQLite file: the default, with nothing to install and nothing to run.

One process owns the file, and then knows each sale's last position without asking. With `?shared=1`
several processes share it, and every question goes to the file. Either way one thread writes and
one reads, and the event loop waits for neither.

The parts: sqlite_file recognises and opens, sqlite_owner locks, sqlite_schema has the statements,
sqlite_writer and sqlite_reader are the threads, sqlite_faults says what an error means.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

from flashsale_server.ledger.append import Append
from flashsale_server.ledger.errors import AppendRejected
from flashsale_server.ledger.sqlite_faults import opening_fault
from flashsale_server.ledger.sqlite_file import check_usable, connect_to_read, connect_to_write
from flashsale_server.ledger.sqlite_owner import Ownership
from flashsale_server.ledger.sqlite_reader import SqliteReader
from flashsale_server.ledger.sqlite_schema import TAILS
from flashsale_server.ledger.sqlite_writer import SqliteWriter


@dataclass(frozen=True, slots=True)
class _OpenedFile:
    ownership: Ownership
    writing: sqlite3.Connection
    reading: sqlite3.Connection
    tails: dict[str, int] | None


class SqliteLedger:
    """A ledger in one SQLite file; `open` makes one."""

    def __init__(self, location: str, opened: _OpenedFile) -> None:
        self._location = location
        self._ownership = opened.ownership
        self._writer = SqliteWriter(opened.writing, location, opened.tails)
        self._reader = SqliteReader(opened.reading, location)
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, node: str, shared: bool = False) -> Self:
        """Open the ledger at `path`, or make it.

        Arguments:
            path: the file; a relative one is looked for from the current folder.
            node: what this server calls itself; whoever finds the file taken is told.
            shared: whether other processes may write to it at the same time.

        Raises:
            LedgerUnusable: it is owned by another process, is another kind of file, or cannot be
                read and written.
            LedgerDamaged: it was a ledger once.
            LedgerTooNew: a later version made it.
        """
        location = f"sqlite:///{quote(str(path))}" + ("?shared=1" if shared else "")
        opened = await asyncio.to_thread(_opened, path, node=node, shared=shared)
        return cls(location, opened)

    @property
    def location(self) -> str:
        """The ledger's URL."""
        return self._location

    async def append(self, append: Append) -> None:
        """Store `append` if it follows the sale's last position; see `Ledger.append`.

        A caller who is cancelled leaves the append under way: it becomes durable, or not, without
        him.
        """
        if self._closing is not None:
            raise AppendRejected(f"{self._location} is closed")
        await self._writer.append(append)

    async def tail(self, sale_id: str) -> int:
        """The sale's last position; see `Ledger.tail`."""
        known = None if self._closing is not None else self._writer.cached_tail(sale_id)
        return await self._reader.tail(sale_id) if known is None else known

    async def read(self, sale_id: str, after: int) -> AsyncIterator[Append]:
        """The sale's appends after position `after`; see `Ledger.read`.

        Raises:
            LedgerDamaged: the file is not what SQLite wrote.
        """
        while chunk := await self._reader.chunk(sale_id, after):
            for append in chunk:
                yield append
            after = chunk[-1].last_position

    async def sale_ids(self) -> list[str]:
        """The sales that the ledger knows, sorted."""
        return await self._reader.sale_ids()

    async def close(self) -> None:
        """Finish the appends that were begun, and let go of the file; twice does no harm."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        # The last connection to leave copies the log into the file, which a reading one could not.
        await self._reader.close()
        await self._writer.close()
        self._ownership.release()


def _opened(path: Path, *, node: str, shared: bool) -> _OpenedFile:
    # SQLite names the files beside a ledger after what a symbolic link points to; so must the lock.
    path = path.resolve()
    check_usable(path)
    is_new = not path.exists()
    ownership = Ownership.take(path, shared=shared, node=node)
    try:
        return _connected(path, ownership, shared=shared)
    except BaseException:
        if is_new and not shared:
            _remove_if_empty(path)
        ownership.release()
        raise


def _connected(path: Path, ownership: Ownership, *, shared: bool) -> _OpenedFile:
    writing = connect_to_write(path)
    try:
        tails = None if shared else dict(writing.execute(TAILS))
        reading = connect_to_read(path)
    except sqlite3.Error as error:
        writing.close()
        raise opening_fault(path.name, error) from error
    return _OpenedFile(ownership, writing, reading, tails)


def _remove_if_empty(path: Path) -> None:
    if path.exists() and path.stat().st_size == 0:
        path.unlink()

"""The thread that reads a ledger file, beside the one that writes it.

A ledger may be longer than the memory, and an open query holds up the copying of the log into the
file. So a sale is read in chunks of bounded size, each a query of its own that starts where the
last one ended; rows never change, so the chunks fit together.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flashsale_server.ledger.append import Append
from flashsale_server.ledger.errors import LedgerUnavailable
from flashsale_server.ledger.sqlite_faults import reading_fault
from flashsale_server.ledger.sqlite_schema import READ, TAIL, TAILS

_CHUNK_ROWS_MAX = 2_000
_CHUNK_BYTES_MAX = 1024 * 1024

_Answer = TypeVar("_Answer")


class SqliteReader:
    """Reads on a thread of its own.

    Arguments:
        connection: to the ledger, for reading; the reader uses it alone and closes it.
        location: the ledger's URL, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, location: str) -> None:
        self._connection = connection
        self._location = location
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger-reader")
        self._is_closed = False

    async def tail(self, sale_id: str) -> int:
        """The sale's last position as it is in the file now; 0 for an unknown sale."""
        return await self._on_thread(lambda: self._tail(sale_id))

    async def chunk(self, sale_id: str, after: int) -> list[Append]:
        """The first appends of the sale after position `after`, as many as fit; none at its end."""
        return await self._on_thread(lambda: self._chunk(sale_id, after))

    async def sale_ids(self) -> list[str]:
        """The sales in the file, sorted."""
        return await self._on_thread(
            lambda: [sale_id for sale_id, _ in self._connection.execute(TAILS)]
        )

    async def close(self) -> None:
        """Finish what is being read, then end the thread and close the connection."""
        self._is_closed = True
        await asyncio.to_thread(self._thread.shutdown)
        self._connection.close()

    async def _on_thread(self, query: Callable[[], _Answer]) -> _Answer:
        if self._is_closed:
            raise LedgerUnavailable(f"{self._location} is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, query)
        except sqlite3.Error as error:
            raise reading_fault(self._location, error) from error

    def _tail(self, sale_id: str) -> int:
        row = self._connection.execute(TAIL, (sale_id,)).fetchone()
        return row[0] if row else 0

    def _chunk(self, sale_id: str, after: int) -> list[Append]:
        appends: list[Append] = []
        chunk_bytes = 0
        cursor = self._connection.execute(READ, (sale_id, after))
        for row in cursor:
            append = Append(*row)
            appends.append(append)
            chunk_bytes += len(append.entries)
            if chunk_bytes >= _CHUNK_BYTES_MAX or len(appends) == _CHUNK_ROWS_MAX:
                break
        # An unfinished query would pin the log until the cursor is collected.
        cursor.close()
        return appends

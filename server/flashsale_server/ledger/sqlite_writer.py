"""The one thread that writes to a ledger file: it commits everything that waits as one group.

Rule 1: a group is one commit. While it is on its way to the disk the next group gathers by itself,
so groups grow with load and nothing waits for a timer.

Rule 2: few calls into SQLite. Each gives the interpreter's lock away and has to win it back from a
busy event loop, which takes longer than the statement itself. So a group of rows is one INSERT, and
where nothing has to be asked within the transaction, that INSERT is the transaction.

Rule 3: an append is tried once. What became of it is one of: durable, PositionConflict,
AppendRejected (it surely did not happen), AppendUnknown.

Rule 4: whoever owns the file alone keeps the last position of each sale in `tails`, and forgets
those that a failed commit put in doubt; whoever shares it asks the file each time.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Iterable, Sequence

import structlog

from flashsale_server.ledger.append import Append
from flashsale_server.ledger.errors import (
    AppendRejected,
    AppendUnknown,
    LedgerError,
    PositionConflict,
)
from flashsale_server.ledger.sqlite_faults import surely_not_committed
from flashsale_server.ledger.sqlite_schema import INSERT_IF_NEXT, TAIL, insert_rows, row_of

_log = structlog.get_logger(__name__)

_GROUP_ROWS_MAX = 200
# Checkpoints copy the log into the file. Rare enough not to sync the file for every commit, often
# enough for the log to stay small and each copy short.
_CHECKPOINT_AFTER_BYTES = 4 * 1024 * 1024
# A row dirties at least a page of the table and one of its index.
_ROW_OVERHEAD_BYTES = 8_192

Waiting = tuple[Append, asyncio.Future[None]]


class SqliteWriter:
    """Appends in groups, on a thread of its own.

    Arguments:
        connection: to the ledger; the writer uses it alone and closes it.
        location: the ledger's URL, for messages.
        tails: the last position of each sale, when the file has no other writer; else None.
    """

    def __init__(
        self, connection: sqlite3.Connection, location: str, tails: dict[str, int] | None
    ) -> None:
        self._connection = connection
        self._location = location
        self._tails = tails
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._uncopied_bytes = 0
        # A daemon: a program that ends without closing its ledger must not hang on it. Its commits
        # are safe anyway.
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def append(self, append: Append) -> asyncio.Future[None]:
        """Queue `append`; the future ends when it is durable, or with what became of it."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put((append, future))
        return future

    def cached_tail(self, sale_id: str) -> int | None:
        """The sale's last position, if it is known without asking the file."""
        return None if self._tails is None else self._tails.get(sale_id)

    async def close(self) -> None:
        """Finish what was queued before, then end the thread and close the connection."""
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        more = True
        while more:
            group, more = self._next_group()
            if group:
                self._wake(group, self._fates(group))
                self._copy_log_sometimes(group)
        self._connection.close()

    def _next_group(self) -> tuple[list[Waiting], bool]:
        """What waits now, at least one; and whether more may come."""
        group: list[Waiting] = []
        waiting = self._waiting.get()
        with contextlib.suppress(queue.Empty):
            while waiting is not None:
                group.append(waiting)
                if len(group) == _GROUP_ROWS_MAX:
                    return group, True
                waiting = self._waiting.get_nowait()
        return group, waiting is not None

    def _fates(self, group: Sequence[Waiting]) -> list[LedgerError | None]:
        """What became of each append of `group`; None is durable."""
        appends = [append for append, _ in group]
        try:
            return self._write(appends)
        except Exception as error:  # noqa: BLE001 - a thread that died would leave callers waiting
            self._roll_back()
            self._forget_tails(appends)
            kind = AppendRejected if surely_not_committed(error) else AppendUnknown
            return [kind(f"{self._location} could not be written: {error}") for _ in group]

    def _write(self, appends: Sequence[Append]) -> list[LedgerError | None]:
        if self._connection.in_transaction:
            # A rollback failed. Inside the old transaction nothing would become durable.
            self._connection.execute("ROLLBACK")
        if self._tails is not None:
            return self._write_owned(appends, self._tails)
        if len(appends) == 1:
            return [self._write_guarded(appends[0])]
        return self._write_shared(appends)

    def _write_owned(
        self, appends: Sequence[Append], tails: dict[str, int]
    ) -> list[LedgerError | None]:
        known = {
            sale: tails[sale] if sale in tails else self._tail(sale) for sale in _sales(appends)
        }
        landing, fates = _judged(appends, known)
        if landing:
            self._insert(landing)
            tails.update((append.sale_id, append.last_position) for append in landing)
        return fates

    def _write_guarded(self, append: Append) -> LedgerError | None:
        if self._connection.execute(INSERT_IF_NEXT, row_of(append)).rowcount == 1:
            return None
        return PositionConflict(
            f"sale {append.sale_id!r} does not end at position {append.first_position - 1}"
        )

    def _write_shared(self, appends: Sequence[Append]) -> list[LedgerError | None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            known = {sale: self._tail(sale) for sale in _sales(appends)}
            landing, fates = _judged(appends, known)
            if landing:
                self._insert(landing)
        except sqlite3.Error as error:
            # Nothing was committed, whatever the code says: COMMIT had not begun.
            raise AppendRejected(str(error)) from error
        self._connection.execute("COMMIT")
        return fates

    def _insert(self, appends: Sequence[Append]) -> None:
        values = [value for append in appends for value in row_of(append)]
        self._connection.execute(insert_rows(len(appends)), values)

    def _tail(self, sale_id: str) -> int:
        row = self._connection.execute(TAIL, (sale_id,)).fetchone()
        return row[0] if row else 0

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _forget_tails(self, appends: Iterable[Append]) -> None:
        if self._tails is not None:
            for append in appends:
                self._tails.pop(append.sale_id, None)

    def _wake(self, group: Sequence[Waiting], fates: Sequence[LedgerError | None]) -> None:
        # A loop that is closed has nobody left to wake.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(_settle, group, fates)

    def _copy_log_sometimes(self, group: Sequence[Waiting]) -> None:
        self._uncopied_bytes += sum(
            len(append.entries) + _ROW_OVERHEAD_BYTES for append, _ in group
        )
        if self._uncopied_bytes < _CHECKPOINT_AFTER_BYTES:
            return
        self._uncopied_bytes = 0
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as error:
            # The log still has everything; the next copy takes it along.
            _log.warning("checkpoint failed", ledger=self._location, error=str(error))


def _sales(appends: Iterable[Append]) -> set[str]:
    return {append.sale_id for append in appends}


def _judged(
    appends: Iterable[Append], last_positions: dict[str, int]
) -> tuple[list[Append], list[LedgerError | None]]:
    """The appends that follow their sale's last position, and each one's fate if those land."""
    landing: list[Append] = []
    fates: list[LedgerError | None] = []
    for append in appends:
        last_position = last_positions[append.sale_id]
        if append.first_position == last_position + 1:
            last_positions[append.sale_id] = append.last_position
            landing.append(append)
            fates.append(None)
        else:
            fates.append(
                PositionConflict(
                    f"sale {append.sale_id!r} ends at position {last_position}, "
                    f"not at {append.first_position - 1}"
                )
            )
    return landing, fates


def _settle(group: Sequence[Waiting], fates: Sequence[LedgerError | None]) -> None:
    for (_, future), fate in zip(group, fates, strict=True):
        if future.done():
            # Its caller has left; the append is what it is.
            continue
        if fate is None:
            future.set_result(None)
        else:
            future.set_exception(fate)

"""A ledger file read by somebody who does not own it, as it was when the reading began.

Rule 1: nothing is written, neither to the file nor beside it, and no lock is held for longer than a
chunk of rows is read; so a server that sells from the file does not notice.

Rule 2: the rows are given as they are. What a ledger promises about them is for the reader to find
out, so none is left out for being in the wrong place.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from flashsale_server.ledger.append import Append
from flashsale_server.ledger.errors import LedgerError, LedgerUnavailable
from flashsale_server.ledger.sqlite_faults import is_damage, reading_fault
from flashsale_server.ledger.sqlite_file import connect_to_look
from flashsale_server.ledger.sqlite_schema import TAILS, Row

_CHUNK_ROWS = 100

_ROWS = f"""
SELECT sale_id, first_position, last_position, recorded_at, node, schema_version, entries, digest
FROM appends WHERE sale_id = ?1 AND first_position > ?2 AND first_position <= ?3
ORDER BY first_position LIMIT {_CHUNK_ROWS}
"""  # noqa: S608 - a number, nothing else

_LAST_ROW = "SELECT max(first_position) FROM appends WHERE sale_id = ?"


def log_of(path: Path) -> Path:
    """The log beside the ledger at `path`; there is none when the ledger is at rest."""
    return path.with_name(path.name + "-wal")


def check_still_at_rest(path: Path) -> None:
    """Check that nobody has begun to write to the ledger at `path`, which was at rest.

    Raises:
        LedgerUnavailable: somebody has, so what was read may not fit together.
    """
    if log_of(path).exists():
        raise LedgerUnavailable(f"a server has begun to write to {path.name} meanwhile; try again")


class LedgerSnapshot:
    """The ledger file at `path`, as it is now.

    Attributes:
        tails: the last position of each sale, by its id, sorted.

    Raises:
        LedgerUnusable: it cannot be opened, or is no ledger.
        LedgerTooNew: a later version made it.
        LedgerDamaged: it was a ledger once.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()
        self._has_log = log_of(self._path).exists()
        self._connection = connect_to_look(self._path, is_at_rest=not self._has_log)
        # Bytes that are no text are a row that was changed, and its digest will say so.
        self._connection.text_factory = lambda text: text.decode("utf-8", "replace")
        try:
            tails = self._connection.execute(TAILS)
            # None for a name that is no text, which no row can be asked for by.
            self.tails: dict[str, int] = {sale_id: tail or 0 for sale_id, tail in tails}
            self._last_rows = {sale_id: self._last_row(sale_id) for sale_id in self.tails}
        except sqlite3.Error as error:
            self._connection.close()
            raise self._fault(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def appends(self, sale_id: str) -> Iterator[Append]:
        """The sale's rows in order, up to the one that was its last when the reading began.

        Raises:
            LedgerUnavailable: the file could not be read now.
            LedgerDamaged: it is not what SQLite wrote.
        """
        after = -1
        while rows := self._rows(sale_id, after):
            for row in rows:
                yield Append(*row)
            after = rows[-1][1]

    def check_still(self) -> None:
        """Check that nobody has begun to write to a file that was at rest.

        Raises:
            LedgerUnavailable: somebody has, so what was read may not fit together.
        """
        if not self._has_log:
            check_still_at_rest(self._path)

    def _last_row(self, sale_id: str) -> int:
        row = self._connection.execute(_LAST_ROW, (sale_id,)).fetchone()
        return int(row[0] or 0)  # none for a name that is no text

    def _rows(self, sale_id: str, after: int) -> list[Row]:
        try:
            bounds = (sale_id, after, self._last_rows.get(sale_id, 0))
            return self._connection.execute(_ROWS, bounds).fetchall()
        except sqlite3.Error as error:
            raise self._fault(error) from error

    def _fault(self, error: sqlite3.Error) -> LedgerError:
        if is_damage(error):
            self.check_still()
        return reading_fault(self._path.name, error)

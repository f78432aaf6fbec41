"""A ledger file on disk: recognising it, making it, and opening connections to it.

Rule 1: a file that is not ours is not touched. What a file is, is asked of SQLite with
`immutable=1`: it takes no lock, writes nothing, makes no file beside it, and unlike a plain open()
and close() leaves alone the locks that this process may have on the same file.

Rule 2: a new file gets its table and its mark in one transaction under a rollback journal, before
it is switched to WAL. Whoever dies on the way leaves an empty file, or one that SQLite rolls back
to empty; both open again.

Rule 3: what cannot be opened is said in one sentence, with the name that people know the file by.
"""

import os
import sqlite3
import stat
from pathlib import Path

from flashsale_server.ledger import sqlite_schema
from flashsale_server.ledger.errors import LedgerDamaged, LedgerTooNew, LedgerUnusable
from flashsale_server.ledger.sqlite_faults import is_damage, opening_fault

BUSY_TIMEOUT_SECONDS = 5.0
"""How long a statement waits for another process that is writing."""

_OLDEST_SQLITE = (3, 38, 0)
_SMALLEST_DATABASE_BYTES = 512  # one page of the smallest size; SQLite takes less for an empty file


def check_usable(path: Path) -> None:
    """Check, without leaving a trace, that `path` is a ledger or a place to make one.

    Raises:
        LedgerUnusable: it is neither.
        LedgerTooNew: a later version made it.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise LedgerUnusable(
            f"this Python has SQLite {sqlite3.sqlite_version}; a ledger needs at least "
            + ".".join(map(str, _OLDEST_SQLITE))
        )
    try:
        size_bytes = _size_bytes(path)
    except OSError as error:
        raise LedgerUnusable(f"{path} cannot be opened: {error.strerror}") from error
    if 0 < size_bytes < _SMALLEST_DATABASE_BYTES:
        raise LedgerUnusable(f"{path} is not a SQLite database; it was left as it is")
    if size_bytes:
        _check_mark(path)


def connect_to_write(path: Path) -> sqlite3.Connection:
    """A connection that may write to the ledger at `path`, made if it is missing or empty.

    Raises:
        LedgerUnusable, LedgerDamaged, LedgerTooNew: it cannot be used.
    """
    connection = _connect(path, "rwc", cached_statements=256)
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise opening_fault(path.name, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, to the ledger at `path`."""
    return _connect(path, "ro")


def connect_to_look(path: Path, *, is_at_rest: bool) -> sqlite3.Connection:
    """A connection to the ledger at `path` that leaves no trace.

    One that is at rest has no log, so nobody writes to it; of any other the log is read as well.

    Raises:
        LedgerUnusable, LedgerTooNew: there is none, or it cannot be read.
    """
    if not path.is_file():
        raise LedgerUnusable(f"there is no ledger file {path}")
    if not os.access(path, os.R_OK):
        raise LedgerUnusable(f"{path} cannot be read by this user")
    if path.stat().st_size < _SMALLEST_DATABASE_BYTES and is_at_rest:
        raise LedgerUnusable(f"{path} is not a ledger")
    if path.stat().st_size:
        _check_mark(path)
    try:
        # SQLite would make files beside one that is at rest.
        return _connect(path, "ro", "&immutable=1" if is_at_rest else "")
    except sqlite3.Error as error:
        raise opening_fault(path.name, error) from error


def _size_bytes(path: Path) -> int:
    """The size of the file at `path`; 0 when there is none and one can be made."""
    folder = path.parent
    if not folder.is_dir():
        raise LedgerUnusable(f"{path} cannot be made: there is no folder {folder}")
    try:
        status = path.stat()
    except FileNotFoundError:
        status = None
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise LedgerUnusable(f"{path} is a folder, not a ledger file")
    if status is not None and not stat.S_ISREG(status.st_mode):
        raise LedgerUnusable(f"{path} is not a regular file")
    if status is not None and not os.access(path, os.R_OK | os.W_OK):
        raise LedgerUnusable(f"{path} cannot be read and written by this user")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise LedgerUnusable(
            f"the folder {folder} cannot be written by this user, "
            f"and {path.name} needs a log and a lock beside it"
        )
    return 0 if status is None else status.st_size


def _check_mark(path: Path) -> None:
    try:
        connection = _connect(path, "ro", "&immutable=1")
        try:
            # A ledger whose owner was killed while the log was being copied into it may be shorter
            # than its header says: the rest is in the log, which is not looked at here. Otherwise
            # SQLite would call it malformed.
            connection.execute("PRAGMA writable_schema = ON")
            application_id, file_format = _mark(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        if is_damage(error):
            raise LedgerUnusable(
                f"{path} is not a SQLite database; it was left as it is"
            ) from error
        raise opening_fault(path.name, error) from error
    if application_id != sqlite_schema.APPLICATION_ID:
        raise LedgerUnusable(
            f"{path} is a SQLite database of another application; it was left as it is"
        )
    _check_format(path, file_format)


def _check_format(path: Path, file_format: int) -> None:
    if file_format > sqlite_schema.FILE_FORMAT:
        raise LedgerTooNew(
            f"{path} was made by a later version: it has file format {file_format}, "
            f"and this version reads up to {sqlite_schema.FILE_FORMAT}"
        )


def _mark(connection: sqlite3.Connection) -> tuple[int, int]:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (file_format,) = connection.execute("PRAGMA user_version").fetchone()
    return application_id, file_format


def _connect(
    path: Path, mode: str, options: str = "", *, cached_statements: int = 16
) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.as_uri()}?mode={mode}{options}",
        uri=True,
        timeout=BUSY_TIMEOUT_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=cached_statements,
    )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # Every write of a rollback journal and of the log is on disk before it counts.
    connection.execute("PRAGMA synchronous = FULL")
    if _mark(connection) == (0, 0):
        _create(connection)
    application_id, file_format = _mark(connection)
    if application_id != sqlite_schema.APPLICATION_ID:
        raise LedgerUnusable(f"{path} is a SQLite database of another application")
    _check_format(path, file_format)
    (journal_mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if journal_mode != "wal":
        raise LedgerUnusable(f"{path} lies on a disk where SQLite cannot keep a write-ahead log")
    # The writer does it itself, after it has answered.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    try:
        # Asks for every column of the table, and for no row.
        connection.execute(sqlite_schema.READ, ("", 0))
    except sqlite3.OperationalError as error:
        raise LedgerDamaged(f"{path} is damaged: {error}") from error


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Somebody who shares the file may have made it since it was looked at.
        (objects,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if objects == 0:
            for statement in sqlite_schema.CREATE:
                connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")

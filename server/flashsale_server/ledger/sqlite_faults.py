"""What SQLite's error codes mean to a ledger.

The one question that matters after a failed write: is it certain that it was not committed? Only
codes that SQLite gives before a commit record can be complete on disk say so; with every other code
it is unknown.
"""

import sqlite3

from flashsale_server.ledger.errors import (
    LedgerDamaged,
    LedgerError,
    LedgerUnavailable,
    LedgerUnusable,
)

# SQLITE_FULL is among them because it is the failure of a write, not of a sync: the frame that
# would commit is then not whole, and recovery ignores it.
_NOT_COMMITTED = frozenset(
    {
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_RANGE,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_SCHEMA,
        sqlite3.SQLITE_TOOBIG,
    }
)
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


def surely_not_committed(error: Exception) -> bool:
    """Whether the statement that raised `error`, its own commit included, left nothing behind."""
    if isinstance(error, sqlite3.Error):
        return _code(error) in _NOT_COMMITTED
    # Anything else was raised before SQLite was asked, about a value that it cannot store; but for
    # MemoryError, which is how Python passes on SQLITE_NOMEM.
    return not isinstance(error, MemoryError)


def reading_fault(location: str, error: sqlite3.Error) -> LedgerError:
    """What a reader is told when SQLite raised `error`."""
    if is_damage(error):
        return LedgerDamaged(f"{location} is damaged: {error}")
    return LedgerUnavailable(f"{location} could not be read: {error}")


def opening_fault(name: str, error: sqlite3.Error) -> LedgerError:
    """What somebody is told who opens the file called `name` when SQLite raised `error`."""
    if is_damage(error):
        return LedgerDamaged(f"{name} is damaged: {error}")
    return LedgerUnusable(f"{name} cannot be opened: {error}")


def is_damage(error: sqlite3.Error) -> bool:
    """Whether `error` says that the file is not what SQLite wrote."""
    return _code(error) in _DAMAGED


def _code(error: sqlite3.Error) -> int:
    # The lower byte is the primary code. Errors that Python raises by itself carry none: a misuse.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE)
    return code & 0xFF

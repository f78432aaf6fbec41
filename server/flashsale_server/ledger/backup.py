"""A copy of a ledger file, as it is at one moment, also while a server sells from it.

Rule 1: the whole copy is one read transaction. A writer does not wait for it, and it never begins
again because somebody wrote, as copies that take a transaction for each step do; meanwhile the
log beside the ledger grows, by what is sold in that time.

Rule 2: the copy has its name only when all of it is on disk, and no name that something else has.
Whoever sees the file sees a whole ledger.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from flashsale_server.ledger.errors import LedgerUnavailable, LedgerUnusable
from flashsale_server.ledger.snapshot import check_still_at_rest, log_of
from flashsale_server.ledger.sqlite_faults import reading_fault
from flashsale_server.ledger.sqlite_file import connect_to_look

_STEP_PAGES = 2_500  # some 10 MB: between steps progress is told, and whoever interrupts is heard
_BESIDE = ("", "-wal", "-shm", "-journal", ".lock")


def copy_file(source: Path, target: Path, copied: Callable[[int, int], None]) -> None:
    """Copy the ledger file at `source` to `target`, which must not exist.

    Args:
        source: the ledger, in use or not; it is only read.
        target: where the copy goes. Nothing may be there, nor what belongs to a ledger of that
            name: a log left behind by another would be taken for the copy's own.
        copied: told after each step how many pages are left, and of how many.

    Raises:
        LedgerUnusable: there is no such ledger, or there is no place for the copy.
        LedgerTooNew: a later version made it.
        LedgerDamaged: it was a ledger once.
        LedgerUnavailable: it could not be read now, or the copy could not be written.
    """
    source = source.resolve()
    _check_free(target)
    with _partial(target) as partial:
        has_log = log_of(source).exists()
        with contextlib.closing(connect_to_look(source, is_at_rest=not has_log)) as reading:
            _copy(reading, source, partial, copied)
        if not has_log:
            check_still_at_rest(source)
        _give_name(partial, target)


def _copy(
    reading: sqlite3.Connection, source: Path, partial: Path, copied: Callable[[int, int], None]
) -> None:
    try:
        reading.execute("BEGIN")
        reading.execute("SELECT 1 FROM appends LIMIT 1").fetchone()
    except sqlite3.Error as error:
        raise reading_fault(source.name, error) from error
    try:
        with contextlib.closing(sqlite3.connect(partial)) as writing:
            reading.backup(
                writing,
                pages=_STEP_PAGES,
                progress=lambda _, remaining, total: copied(remaining, total),
            )
    except sqlite3.Error as error:
        raise LedgerUnavailable(f"{source.name} could not be copied: {error}") from error


def _check_free(target: Path) -> None:
    for name in (target.name + suffix for suffix in _BESIDE):
        path = target.with_name(name)
        if path.exists() or path.is_symlink():
            raise LedgerUnusable(f"{path} exists; a copy takes the place of nothing")
    if not target.parent.is_dir():
        raise LedgerUnusable(f"{target} cannot be made: there is no folder {target.parent}")


@contextlib.contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """A file beside `target`, which its owner alone may read; it is gone in the end."""
    path = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise LedgerUnusable(f"{target} cannot be made: {error.strerror}") from error
    try:
        yield path
    finally:
        for left in (path, path.with_name(path.name + "-journal")):
            left.unlink(missing_ok=True)


def _give_name(partial: Path, target: Path) -> None:
    _check_free(target)  # once more: a rename would take its place
    try:
        _to_disk(partial)
        partial.rename(target)
        _to_disk(target.parent)
    except OSError as error:
        raise LedgerUnavailable(f"{target} could not be written: {error.strerror}") from error


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

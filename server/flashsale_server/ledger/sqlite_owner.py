"""Who has a ledger file: a lock beside it, which says who holds it.

Rule 1: the lock is flock() on a file of its own, `<ledger>.lock`. The kernel frees it however its
holder ends, kill -9 included, so what the file says is only ever read when the lock itself is held.

Rule 2: never on the ledger file itself. SQLite's own locks there are POSIX locks, which a process
loses when it closes any descriptor of the file.

Rule 3: the lock file is removed only by somebody who holds it alone, and whoever got the lock
checks that it is still the file of that name. Otherwise two could hold locks on two files, one of
them nameless.
"""

import contextlib
import fcntl
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import msgspec

from flashsale_server.ledger.errors import LedgerUnusable

_NOTE_BYTES_MAX = 65_536


class Owner(msgspec.Struct, frozen=True):
    """One line of a lock file.

    Attributes:
        pid: the process that has the ledger.
        node: what that server calls itself.
        started_at: when it took the ledger, UTC.
        shared: whether others may share it.
    """

    pid: int
    node: str
    started_at: datetime
    shared: bool


_decoder = msgspec.json.Decoder(Owner)


@dataclass(slots=True)
class Ownership:
    """A held lock; `release` lets go of it."""

    _path: Path
    _descriptor: int
    _shared: bool

    @classmethod
    def take(cls, ledger_path: Path, *, shared: bool, node: str) -> Self:
        """Own the ledger at `ledger_path`, alone or with others that share it too.

        Raises:
            LedgerUnusable: somebody else has it, or the lock file cannot be made.
        """
        path = ledger_path.with_name(ledger_path.name + ".lock")
        try:
            descriptor = _locked(path, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        except BlockingIOError as error:
            raise LedgerUnusable(_who_has(ledger_path, path)) from error
        except OSError as error:
            raise LedgerUnusable(
                f"{ledger_path.name} cannot be locked through {path}: {error.strerror}"
            ) from error
        ownership = cls(path, descriptor, shared)
        try:
            ownership._sign(node)
        except OSError as error:
            ownership.release()
            raise LedgerUnusable(f"{path} cannot be written: {error.strerror}") from error
        return ownership

    def release(self) -> None:
        """Let go of the ledger; a second time does nothing."""
        if self._descriptor < 0:
            return
        if not self._shared:
            with contextlib.suppress(OSError):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1

    def _sign(self, node: str) -> None:
        owner = Owner(os.getpid(), node, datetime.now(UTC).replace(microsecond=0), self._shared)
        if not self._shared:
            os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, msgspec.json.encode(owner) + b"\n")


def _locked(path: Path, mode: int) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
            if _is_file_at(path, descriptor):
                return descriptor
        except OSError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_file_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _who_has(ledger_path: Path, lock_path: Path) -> str:
    owners = _owners(lock_path)
    # Lines of those who shared it once and are gone stay until somebody owns it alone.
    present = [owner for owner in owners if _is_running(owner.pid)] or owners[-1:]
    whom = " and ".join(
        f"process {owner.pid} ({owner.node}) since {owner.started_at:%Y-%m-%dT%H:%M:%SZ}"
        for owner in present
    )
    if present and present[0].shared:
        return f"{ledger_path.name} is shared by {whom}; share it too, with ?shared=1, or stop them"
    return (
        f"{ledger_path.name} is owned by {whom or 'another process'}; "
        "stop it, or start both with ?shared=1"
    )


def _owners(lock_path: Path) -> list[Owner]:
    try:
        with lock_path.open("rb") as lines:
            written = lines.read(_NOTE_BYTES_MAX)
    except OSError:
        return []
    owners = []
    for line in written.splitlines():
        with contextlib.suppress(msgspec.MsgspecError):
            owners.append(_decoder.decode(line))
    return owners


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True

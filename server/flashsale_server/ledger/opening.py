"""From a URL to a ledger: the one place that knows which engines there are.

A further engine is one more case here, and nothing else outside its own file.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from flashsale_server.ledger.backup import copy_file
from flashsale_server.ledger.errors import LedgerUnusable
from flashsale_server.ledger.memory import MemoryLedger
from flashsale_server.ledger.protocol import Ledger
from flashsale_server.ledger.snapshot import LedgerSnapshot
from flashsale_server.ledger.sqlite import SqliteLedger

_ALLOWED = (
    "memory:, sqlite:///file.db (beside where the server runs), sqlite:////absolute/file.db, "
    "and either sqlite form with ?shared=1"
)


async def open_ledger(url: str, *, node: str) -> Ledger:
    """Open the ledger at `url`.

    Arguments:
        url: `memory:`, `sqlite:///relative/file.db` or `sqlite:////absolute/file.db`; a file that
            several processes write to ends in `?shared=1`. Characters that a URL gives a meaning
            to are percent-encoded.
        node: what this server calls itself.

    Raises:
        LedgerUnusable: the URL is not one of those, or what it names cannot be opened.
        LedgerDamaged: what it names was a ledger once.
        LedgerTooNew: a later version made it.
    """
    # Only the scheme is ever quoted back: what follows it may hold a password.
    scheme, _, rest = url.partition(":")
    match scheme.lower():
        case "memory" if url.endswith("memory:"):
            return MemoryLedger()
        case "sqlite":
            path, shared = _sqlite_address(rest)
            return await SqliteLedger.open(path, node=node, shared=shared)
        case "postgresql" | "postgres":
            raise LedgerUnusable(
                f"a ledger in PostgreSQL is not part of this version; allowed are {_ALLOWED}"
            )
        case _:
            raise LedgerUnusable(f"there is no ledger {scheme!r}; allowed are {_ALLOWED}")


def ledger_file(url: str) -> Path | None:
    """The file that a ledger's URL names; None where it names none."""
    scheme, _, rest = url.partition(":")
    return _sqlite_address(rest)[0] if scheme.lower() == "sqlite" else None


def open_snapshot(url: str) -> LedgerSnapshot:
    """The ledger at `url` as it is now, to be read by somebody who does not own it.

    Raises:
        LedgerUnusable: the URL names no ledger file, or one that cannot be read.
        LedgerDamaged: what it names was a ledger once.
        LedgerTooNew: a later version made it.
    """
    return LedgerSnapshot(_file_of(url))


def copy_ledger(url: str, target: Path, copied: Callable[[int, int], None]) -> None:
    """Copy the ledger at `url`, in use or not, to a file that does not exist; see `copy_file`.

    Raises:
        LedgerError: the URL names no ledger file, it cannot be read, or the copy not be written.
    """
    copy_file(_file_of(url), target, copied)


def _file_of(url: str) -> Path:
    """The file that somebody who does not own it can read a ledger from."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() != "sqlite":
        raise LedgerUnusable(
            f"a ledger {scheme!r} cannot be read from outside; allowed is sqlite:///file.db"
        )
    path, _ = _sqlite_address(rest)
    return path


def _sqlite_address(rest: str) -> tuple[Path, bool]:
    address, _, query = rest.partition("?")
    path = unquote(address.removeprefix("///"))
    if not address.startswith("///") or path in {"", "/", ":memory:"} or "\0" in path:
        raise LedgerUnusable(
            f"the ledger's address sqlite:{address} names no file; allowed are {_ALLOWED}"
        )
    settings = parse_qsl(query, keep_blank_values=True)
    if query and settings not in ([("shared", "0")], [("shared", "1")]):
        raise LedgerUnusable(
            f"the ledger's address ends in ?{query}; only ?shared=1 is allowed there"
        )
    return Path(path), settings == [("shared", "1")]

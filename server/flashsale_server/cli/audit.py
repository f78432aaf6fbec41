"""`flash-sale audit`: verifies a ledger without owning it, and says what it found.

Exits with 0 when there is nothing to say against the ledger, with 1 when there is, and with 2 when
it could not be read.
"""

import contextlib
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from flashsale_server.settings import PREFIX

if TYPE_CHECKING:
    from flashsale_server.domain import Finding
    from flashsale_server.ledger import ChainAudit, LedgerSnapshot

DEFAULT_LEDGER: Final = "sqlite:///flash-sale.db"
FOUND, UNREADABLE = 1, 2
FINDINGS_SHOWN: Final = 50
"""Findings of one sale that are printed; of the others it is said how many there are."""
NO_TEXT: Final = "\ufffd"
"""What stands for bytes that are no text."""
_HEAD_DIGITS_MIN = 16


@dataclass(slots=True)
class NotedHead:
    """A digest that was noted elsewhere, in hex or as its beginning, and where it was found."""

    digits: str
    places: list[tuple[str, int]] = field(default_factory=list)

    def look_at(self, sale_id: str, position: int, digest: bytes) -> None:
        """Note that a sale's row up to `position` has this digest, if it is the one."""
        if digest.hex().startswith(self.digits):
            self.places.append((sale_id, position))


def audit(
    ledger: Annotated[
        str, typer.Argument(envvar=PREFIX + "LEDGER", help="The ledger.", show_envvar=False)
    ] = DEFAULT_LEDGER,
    sale: Annotated[str | None, typer.Option(help="One sale alone.")] = None,
    head: Annotated[
        str | None,
        typer.Option(help="A head digest that was noted before, or its first 16 digits or more."),
    ] = None,
) -> None:
    """Verify that a ledger breaks no rule and that nobody has changed it.

    It may be in use, or a copy; it is only read.
    Exits with 0 when nothing was found, with 1 when something was, with 2 when it cannot be read.

    Examples:
      flash-sale audit
      flash-sale audit sqlite:///flash-sale.db --head 9f2c41d07be4a655
    """
    from flashsale_server.ledger import LedgerError, open_snapshot

    noted = None if head is None else _noted(head)
    try:
        with open_snapshot(ledger) as snapshot:
            if sale is not None and sale not in snapshot.tails:
                _cannot(f"the ledger has no sale {sale!r}")
            sale_ids = list(snapshot.tails) if sale is None else [sale]
            is_clean = audited_sales(snapshot, sale_ids, noted)
            snapshot.check_still()
    except LedgerError as error:
        _cannot(str(error))
    if not is_clean:
        raise typer.Exit(FOUND)


def _noted(head: str) -> NotedHead:
    digits = head.strip().lower()
    if not _HEAD_DIGITS_MIN <= len(digits) <= 64 or set(digits) - set(string.hexdigits):
        _cannot(f"--head takes {_HEAD_DIGITS_MIN} to 64 hexadecimal digits, not {head!r}")
    return NotedHead(digits)


def audited_sales(
    snapshot: "LedgerSnapshot", sale_ids: list[str], noted: NotedHead | None = None
) -> bool:
    """Audit sales and print what each came to; return whether there is nothing against any."""
    from flashsale_server.ledger import ChainAudit, LedgerTooNew

    is_clean = True
    too_new: list[str] = []
    positions: dict[str, int] = {}
    with _progress(sum(snapshot.tails[sale_id] for sale_id in sale_ids)) as looked_at:
        for sale_id in sale_ids:
            audited = ChainAudit(sale_id)
            found = 0
            if NO_TEXT in sale_id:
                found = 1
                typer.echo(f"sale {sale_id!r}: its name was changed into what is no text")
            try:
                for finding in _findings(snapshot, audited, noted, looked_at):
                    found += 1
                    if found <= FINDINGS_SHOWN:
                        typer.echo(str(finding))
            except LedgerTooNew as error:
                too_new.append(str(error))
            positions[sale_id] = audited.sale.last_position
            for line in _summary(audited, found):
                typer.echo(line)
            is_clean = is_clean and not found
    if not sale_ids:
        typer.echo("the ledger has no sales")
    if too_new:  # what was found in other sales, or before that row, is found all the same
        for sentence in too_new:
            typer.echo(f"flash-sale: {sentence}", err=True)
        raise typer.Exit(UNREADABLE if is_clean else FOUND)
    return _has(noted, positions) and is_clean


def _findings(
    snapshot: "LedgerSnapshot",
    audited: "ChainAudit",
    noted: NotedHead | None,
    looked_at: Callable[[int], None],
) -> Iterator["Finding"]:
    sale_id = audited.sale.sale_id
    for append in snapshot.appends(sale_id):
        yield from audited.findings(append)
        if noted is not None:
            noted.look_at(sale_id, append.last_position, append.digest)
        looked_at(append.last_position - append.first_position + 1)


def _summary(audited: "ChainAudit", found: int) -> Iterator[str]:
    """What a sale came to, in plain lines."""
    sale = audited.sale
    states = ", ".join(f"{count:,} {state}" for state, count in sale.purchases.items() if count)
    recorded_at = _written(audited.last_recorded_at_us)
    # A ledger that was tampered with may have any name, and must not write lines of its own.
    name = sale.sale_id if sale.sale_id.isprintable() else repr(sale.sale_id)
    if found > FINDINGS_SHOWN:
        yield f"sale {sale.sale_id!r}: {found - FINDINGS_SHOWN:,} more findings are not shown"
    yield f"{name}: {f'{found:,} findings' if found else 'nothing found'}"
    yield f"  entries    {sale.last_position:,}, the last of {recorded_at}"
    yield f"  purchases  {sum(sale.purchases.values()):,}{f': {states}' if states else ''}"
    yield (
        f"  stock      {sale.available:,} available, {sale.held:,} held, {sale.sold:,} sold "
        f"of {sale.total:,}"
    )
    yield f"  head       {audited.head.hex()}"


def _written(at_us: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at_us / 1e6, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{at_us} us, which is no time"


def _has(noted: NotedHead | None, positions: dict[str, int]) -> bool:
    """Say where the noted head is; return whether the ledger has it."""
    if noted is None:
        return True
    match noted.places:
        case []:
            typer.echo(
                f"head {noted.digits}: no row has this digest; the ledger is another one, was cut "
                "short, or was written anew"
            )
            return False
        case [(sale_id, position)]:
            grown = positions[sale_id] - position
            typer.echo(
                f"head {noted.digits}: sale {sale_id!r} at position {position:,}; "
                f"the ledger has grown by {grown:,} entries since"
            )
            return True
        case places:
            typer.echo(f"head {noted.digits}: {len(places)} rows begin so; give more digits")
            return False


@contextlib.contextmanager
def _progress(entries: int) -> Iterator[Callable[[int], None]]:
    """A bar over so many entries, where there is a terminal; told how many were looked at."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("verified"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=entries)
        yield lambda count: progress.advance(task, count)


def _cannot(sentence: str) -> NoReturn:
    typer.echo(f"flash-sale: {sentence}", err=True)
    raise typer.Exit(UNREADABLE)

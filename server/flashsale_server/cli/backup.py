"""`flash-sale backup`: copies a ledger, in use or not, and verifies the copy.

Exits with 0 when nothing is found against the copy, with 1 when something is or it cannot be read
(as the ledger then is, too; the copy is kept), and with 2 when there is no copy.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from flashsale_server.cli.audit import DEFAULT_LEDGER, FOUND, UNREADABLE, audited_sales
from flashsale_server.settings import PREFIX


def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; nothing may be there.")],
    ledger: Annotated[
        str, typer.Option(envvar=PREFIX + "LEDGER", help="The ledger.", show_envvar=False)
    ] = DEFAULT_LEDGER,
    verify: Annotated[
        bool,
        typer.Option(
            help="Audit the copy. For a million purchases that takes some 6 s and 600 MB."
        ),
    ] = True,
) -> None:
    """Copy a ledger to FILE as it is at one moment, also while a server sells from it.

    Then audits the copy: note the heads that it prints where those who can write the ledger cannot.
    Exits with 0 when nothing was found, with 1 when something was, with 2 when there is no copy.

    Examples:
      flash-sale backup /backups/flash-sale-2026-11-27.db
      flash-sale backup copy.db --ledger sqlite:///launch.db --no-verify
    """
    from flashsale_server.ledger import LedgerError, copy_ledger

    try:
        with _progress() as copied:
            copy_ledger(ledger, file, copied)
    except LedgerError as error:
        typer.echo(f"flash-sale: {error}", err=True)
        raise typer.Exit(UNREADABLE) from None
    typer.echo(f"copied to {file}, {file.stat().st_size:,} bytes")
    if verify and not _is_clean(file):
        raise typer.Exit(FOUND)


def _is_clean(copy: Path) -> bool:
    from flashsale_server.ledger import LedgerError, open_snapshot

    try:
        with open_snapshot(f"sqlite:///{quote(str(copy))}") as snapshot:
            return audited_sales(snapshot, list(snapshot.tails))
    except LedgerError as error:
        typer.echo(f"flash-sale: {error}", err=True)
        return False


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar of the pages copied, where there is a terminal; told how many are left, and of all."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("copied"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=None)
        yield lambda left, pages: progress.update(task, completed=pages - left, total=pages)

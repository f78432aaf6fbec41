"""The commands, one function each, and what they have in common."""

import inspect
import os
from collections.abc import Coroutine
from dataclasses import fields
from typing import Annotated, Any, NoReturn

import typer
from flashsale import AsyncClient, FlashSaleError, Outcome

from flashsale_server.settings import PREFIX, Settings, SettingsInvalid

cli = typer.Typer(
    name="flash-sale",
    help="Sells a small stock to a large crowd: every unit once, first come, first served.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

Address = Annotated[
    str,
    typer.Option(
        envvar=PREFIX + "GRPC_ADDRESS", help="The server's gRPC address.", show_envvar=False
    ),
]
Sale = Annotated[str, typer.Option(help="The sale.")]
DEFAULT_ADDRESS = "127.0.0.1:50051"


def main() -> None:
    """Run the command that the arguments name."""
    cli()


def _serve(**flags: str | None) -> None:
    """Run the service until it is told to stop.

    A setting is a flag, else an environment variable (FLASH_SALE_STOCK), else its default.

    Example: flash-sale serve --stock 500 --ledger sqlite:///launch.db
    """
    import uvloop

    from flashsale_server.access import CertificatesUnusable, FileUnusable
    from flashsale_server.app import serve
    from flashsale_server.cli.greeting import greet
    from flashsale_server.ledger import LedgerError
    from flashsale_server.logs import configure_logs

    try:
        settings = Settings.read(flags, os.environ)
    except SettingsInvalid as error:
        _fail(*error.problems)
    configure_logs(settings.log_level, settings.log_format)
    try:
        uvloop.run(serve(settings, started=greet))
    except (LedgerError, CertificatesUnusable, FileUnusable, OSError) as error:
        _fail(str(error))


def _serve_signature() -> inspect.Signature:
    """A flag for each setting, so that the settings are written down once."""
    return inspect.Signature(
        [
            inspect.Parameter(
                item.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=None,
                annotation=Annotated[
                    str | None,
                    typer.Option(
                        help=f"{item.metadata['about'][:1].upper()}{item.metadata['about'][1:]}.",
                        show_default=_shown(item.default),
                        metavar="VALUE",
                    ),
                ],
            )
            for item in fields(Settings)
            if item.metadata
        ]
    )


def _shown(default: object) -> str | bool:
    if default is None or default == ():
        return False
    return str(default).lower() if isinstance(default, bool) else str(default)


_serve.__signature__ = _serve_signature()  # type: ignore[attr-defined]  # functions take any attribute
_serve.__annotations__ = {
    name: parameter.annotation for name, parameter in _serve_signature().parameters.items()
}
cli.command("serve")(_serve)


@cli.command()
def status(address: Address = DEFAULT_ADDRESS, sale: Sale = "default") -> None:
    """Show a sale as it is now.

    Example: flash-sale status
    """
    from flashsale_server.cli.views import status_lines

    async def show() -> None:
        async with AsyncClient(address, sale_id=sale) as client:
            for line in status_lines(await client.status()):
                typer.echo(line)

    _run(show())


@cli.command()
def watch(address: Address = DEFAULT_ADDRESS, sale: Sale = "default") -> None:
    """Follow a sale until interrupted.

    Example: flash-sale watch --sale default
    """
    from rich.console import Console
    from rich.live import Live

    from flashsale_server.cli.views import status_lines, status_panel

    async def follow() -> None:
        console = Console()
        async with AsyncClient(address, sale_id=sale) as client:
            if not console.is_terminal:
                async for seen in client.watch_status():
                    typer.echo("  ".join(status_lines(seen)))
                return
            with Live(console=console, auto_refresh=False) as live:
                async for seen in client.watch_status():
                    live.update(status_panel(seen), refresh=True)

    _run(follow())


@cli.command()
def buy(
    user: Annotated[str, typer.Argument(help="Who buys.")],
    quantity: Annotated[int, typer.Option(help="Units.")] = 1,
    request_id: Annotated[
        str | None, typer.Option(help="Makes it safe to repeat; made up when not given.")
    ] = None,
    address: Address = DEFAULT_ADDRESS,
    sale: Sale = "default",
) -> None:
    """Try to buy for USER. Exits with 0 when it was bought, with 2 when it was refused.

    Example: flash-sale buy alice
    """
    from flashsale_server.cli.views import purchase_line

    async def purchase() -> Outcome:
        async with AsyncClient(address, sale_id=sale) as client:
            result = await client.purchase(user, quantity=quantity, request_id=request_id)
            typer.echo(purchase_line(result))
            return result.outcome

    outcome = _run(purchase())
    if outcome not in (Outcome.PURCHASED, Outcome.HELD):
        raise typer.Exit(2)


@cli.command()
def rush(
    users: Annotated[int, typer.Option(min=1, max=100_000, help="People in the crowd.")] = 1000,
    name: Annotated[
        str | None, typer.Option(help="What the crowd's user ids begin with; made up by default.")
    ] = None,
    address: Address = DEFAULT_ADDRESS,
    sale: Sale = "default",
) -> None:
    """Send a crowd in which everybody tries to buy one unit at the same moment.

    Exits with 1 when what was acknowledged is not what the server holds.

    Example: flash-sale rush --users 5000
    """
    from flashsale_server.cli.rush import rush_at

    if not _run(rush_at(address, sale, users, name)):
        raise typer.Exit(1)


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a client's work; what goes wrong is told in one sentence."""
    import uvloop

    try:
        return uvloop.run(work)
    except (FlashSaleError, ValueError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _fail(*sentences: str) -> NoReturn:
    for sentence in sentences:
        typer.echo(f"flash-sale: {sentence}", err=True)
    raise typer.Exit(1)

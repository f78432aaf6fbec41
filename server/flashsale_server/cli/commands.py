"""The commands, one function each, and what they have in common."""

import inspect
import os
from dataclasses import fields
from typing import Annotated

import typer

from flashsale_server.cli.audit import audit
from flashsale_server.cli.backup import backup
from flashsale_server.cli.connecting import AS_THEY_ARE, AsJson, SaleName, asks, fail
from flashsale_server.cli.export import export_purchases
from flashsale_server.cli.given import whole
from flashsale_server.cli.health import health
from flashsale_server.cli.purchases import confirm, purchases, release
from flashsale_server.cli.rush import rush
from flashsale_server.cli.sales import sale_commands
from flashsale_server.cli.server_options import Server
from flashsale_server.cli.teaching import teach
from flashsale_server.cli.tokens import tokens
from flashsale_server.cli.watch import watch
from flashsale_server.settings import Settings, SettingsInvalid

cli = typer.Typer(
    name="flash-sale",
    help="Sells a small stock to a large crowd: every unit once, first come, first served.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command that the arguments name."""
    cli()


def _serve(**flags: str | None) -> None:
    """Run the service until it is told to stop.

    A setting is a flag, else an environment variable (FLASH_SALE_STOCK), else its default.

    Examples:
      flash-sale serve
      flash-sale serve --stock 500 --ledger sqlite:///launch.db
      FLASH_SALE_STOCK=500 flash-sale serve --starts-at 2026-11-27T09:00:00Z
    """
    import uvloop

    from flashsale_server.access import CertificatesUnusable, FileUnusable
    from flashsale_server.app import serve
    from flashsale_server.cli.greeting import greet
    from flashsale_server.ledger import LedgerError
    from flashsale_server.logs import configure_logs
    from flashsale_server.telemetry import TracesUnusable

    try:
        settings = Settings.read(flags, os.environ)
    except SettingsInvalid as error:
        fail(*error.problems)
    configure_logs(settings.log_level, settings.log_format)
    try:
        uvloop.run(serve(settings, started=greet))
    except (
        LedgerError,
        CertificatesUnusable,
        FileUnusable,
        TracesUnusable,
        OSError,
    ) as error:
        fail(str(error))


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
                        show_default=_default_text(item.default),
                        metavar="VALUE",
                    ),
                ],
            )
            for item in fields(Settings)
            if item.metadata
        ]
    )


def _default_text(default: object) -> str | bool:
    if default is None or default == ():
        return False
    return str(default).lower() if isinstance(default, bool) else str(default)


_serve.__signature__ = _serve_signature()  # type: ignore[attr-defined]  # functions take any attribute
_serve.__annotations__ = {
    name: parameter.annotation for name, parameter in _serve_signature().parameters.items()
}
cli.command("serve")(_serve)


cli.command("audit")(audit)
cli.command("backup")(backup)
cli.command("health")(health)
purchases.command("export")(export_purchases)


@cli.command()
@asks
async def status(server: Server, sale: SaleName = "default", *, as_json: AsJson = False) -> None:
    """Show a sale as it is now.

    Examples:
      flash-sale status
      flash-sale status --sale shoes --address shop.example:50051 --tls
      flash-sale status --json | jq .availableStock
    """
    from flashsale_server.cli.json_lines import print_json, status_json
    from flashsale_server.cli.views import status_lines

    async with server.client(sale) as client:
        seen = await client.status()
    if as_json:
        print_json(status_json(seen))
        return
    for line in status_lines(seen):
        typer.echo(line)


cli.command()(watch)


@cli.command()
@asks
async def buy(
    server: Server,
    user: Annotated[str, typer.Argument(help="Who buys.")],
    quantity: Annotated[int, typer.Option(help="Units.")] = 1,
    request_id: Annotated[
        str | None, typer.Option(help="Makes it safe to repeat; made up when not given.")
    ] = None,
    sale: SaleName = "default",
    *,
    as_json: AsJson = False,
) -> None:
    """Try to buy for USER. Exits with 0 when it was bought or held, with 2 when it was refused.

    A sale that sells holds keeps the units until the time shown: see `confirm` and `release`.

    Examples:
      flash-sale buy alice
      flash-sale buy bob --quantity 2 --sale shoes
      flash-sale buy alice --request-id order-17 --json
    """
    from flashsale_server.cli.json_lines import print_json, result_json
    from flashsale_server.cli.views import purchase_line

    quantity = whole("--quantity", quantity)
    async with server.client(sale) as client:
        result = await client.purchase(user, quantity=quantity, request_id=request_id)
    if as_json:
        print_json(result_json(result))
    else:
        typer.echo(purchase_line(result))
    if not result.is_bought:
        raise typer.Exit(2)


cli.command()(rush)
cli.command(context_settings=AS_THEY_ARE)(confirm)
cli.command(context_settings=AS_THEY_ARE)(release)
cli.add_typer(purchases)
cli.add_typer(tokens)
cli.add_typer(sale_commands)
teach(cli)

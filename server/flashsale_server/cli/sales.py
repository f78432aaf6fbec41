"""`flash-sale sale`: what the shop does with its sales."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Final

import typer
from flashsale import UNCHANGED, Sale, Unchanged

from flashsale_server.cli.connecting import AS_THEY_ARE, AsJson, SaleId, asks
from flashsale_server.cli.given import TIME, instant, span, whole
from flashsale_server.cli.server_options import Server

NEVER: Final = "never"
ORDERS: Final = "--per-order-limit"
HOLDS: Final = "--hold-seconds"

Etag = Annotated[
    str | None,
    typer.Option(help="Change it only if nobody else has, since `show` told this etag."),
]

sale_commands = typer.Typer(
    name="sale", help="Make sales, see them, and change them.", no_args_is_help=True
)


@sale_commands.command("create")
@asks
async def create_sale(
    server: Server,
    sale_id: SaleId,
    *,
    stock: Annotated[int, typer.Option(help="Units on offer.")],
    title: Annotated[str, typer.Option(help="What is on offer, for people.")] = "",
    starts_at: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"When it opens, {TIME}; now by default.")
    ] = None,
    ends_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it ends; never by default.")
    ] = None,
    per_user_limit: Annotated[int, typer.Option(min=1, help="Units one user may have.")] = 1,
    per_order_limit: Annotated[
        int | None, typer.Option(help="Units one order may ask for; only the above by default.")
    ] = None,
    hold_seconds: Annotated[
        float | None,
        typer.Option(help="How long a buyer may take to confirm; sold at once by default."),
    ] = None,
) -> None:
    """Make a sale.

    Examples:
      flash-sale sale create shoes --stock 500
      flash-sale sale create shoes --stock 500 --starts-at 2026-11-27T09:00:00Z
      flash-sale sale create hats --stock 20 --title Hats --hold-seconds 600
    """
    async with server.client() as client:
        made = client.admin.create_sale(
            sale_id,
            total_stock=whole("--stock", stock),
            title=title,
            start_time=None if starts_at is None else instant("--starts-at", starts_at),
            end_time=None if ends_at is None else instant("--ends-at", ends_at),
            per_user_limit=whole("--per-user-limit", per_user_limit),
            per_order_limit=None if per_order_limit is None else whole(ORDERS, per_order_limit),
            hold_duration=None if hold_seconds is None else span(HOLDS, hold_seconds),
        )
        await _show(made)


@sale_commands.command("list")
@asks
async def list_sales(server: Server, *, as_json: AsJson = False) -> None:
    """Show all sales.

    Examples:
      flash-sale sale list
      flash-sale sale list --json | jq -r .saleId
    """
    from flashsale_server.cli.json_lines import print_json, sale_json
    from flashsale_server.cli.views import sales_table, show_table

    async with server.client() as client:
        sales = [sale async for sale in client.admin.list_sales()]
    if not as_json:
        show_table(sales_table(sales))
        return
    for sale in sales:
        print_json(sale_json(sale))


@sale_commands.command("show")
@asks
async def show_sale(server: Server, sale_id: SaleId) -> None:
    """Show a sale, with its terms and its etag.

    Examples:
      flash-sale sale show shoes
    """
    async with server.client() as client:
        await _show(client.admin.get_sale(sale_id))


@sale_commands.command("update")
@asks
async def update_sale(
    server: Server,
    sale_id: SaleId,
    *,
    title: Annotated[str | None, typer.Option(help="What is on offer, for people.")] = None,
    starts_at: Annotated[
        str | None, typer.Option(metavar="TIME", help=f"When it opens, {TIME}.")
    ] = None,
    ends_at: Annotated[
        str | None, typer.Option(metavar="TIME", help=f'When it ends; "{NEVER}" for no end.')
    ] = None,
    per_user_limit: Annotated[
        int | None, typer.Option(min=1, help="Units one user may have.")
    ] = None,
    per_order_limit: Annotated[
        int | None, typer.Option(help="Units one order may ask for; 0 for only the above.")
    ] = None,
    hold_seconds: Annotated[
        float | None,
        typer.Option(help="How long a buyer may take to confirm; 0 to sell at once."),
    ] = None,
    etag: Etag = None,
) -> None:
    """Change what is given of a sale. Purchases keep the terms that they were made under.

    Examples:
      flash-sale sale update shoes --title "Shoes, at last"
      flash-sale sale update shoes --ends-at never --per-user-limit 2
    """
    ends: datetime | Unchanged | None = UNCHANGED
    if ends_at is not None:
        ends = None if ends_at == NEVER else instant("--ends-at", ends_at)
    users, orders, holds = per_user_limit, per_order_limit, hold_seconds
    async with server.client() as client:
        changed = client.admin.update_sale(
            sale_id,
            title=UNCHANGED if title is None else title,
            start_time=UNCHANGED if starts_at is None else instant("--starts-at", starts_at),
            end_time=ends,
            per_user_limit=UNCHANGED if users is None else whole("--per-user-limit", users),
            per_order_limit=UNCHANGED if orders is None else whole(ORDERS, orders) or None,
            hold_duration=UNCHANGED if holds is None else span(HOLDS, holds) or None,
            etag=etag,
        )
        await _show(changed)


@sale_commands.command("pause")
@asks
async def pause_sale(server: Server, sale_id: SaleId, etag: Etag = None) -> None:
    """Stop selling for now. Holds can still be confirmed and released.

    Examples:
      flash-sale sale pause shoes
    """
    async with server.client() as client:
        await _show(client.admin.pause_sale(sale_id, etag=etag))


@sale_commands.command("resume")
@asks
async def resume_sale(server: Server, sale_id: SaleId, etag: Etag = None) -> None:
    """Sell again.

    Examples:
      flash-sale sale resume shoes
    """
    async with server.client() as client:
        await _show(client.admin.resume_sale(sale_id, etag=etag))


@sale_commands.command("end")
@asks
async def end_sale(server: Server, sale_id: SaleId, etag: Etag = None) -> None:
    """End a sale for good. Holds can still be confirmed and released until they expire.

    Examples:
      flash-sale sale end shoes
    """
    async with server.client() as client:
        await _show(client.admin.end_sale(sale_id, etag=etag))


@sale_commands.command("restock", context_settings=AS_THEY_ARE)
@asks
async def restock_sale(
    server: Server,
    sale_id: SaleId,
    units: Annotated[int, typer.Argument(help="Units to add; negative to take unsold ones away.")],
    etag: Etag = None,
) -> None:
    """Add units to a sale's stock, or take unsold ones away.

    Examples:
      flash-sale sale restock shoes 50
      flash-sale sale restock shoes -20
    """
    async with server.client() as client:
        await _show(client.admin.restock_sale(sale_id, whole("UNITS", units), etag=etag))


async def _show(sale: Awaitable[Sale]) -> None:
    from flashsale_server.cli.views import sale_lines

    for line in sale_lines(await sale):
        typer.echo(line)

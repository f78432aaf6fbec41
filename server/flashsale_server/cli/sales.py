"""`flash-sale sale`: what the shop does with its sales."""

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer
from flashsale import UNCHANGED, Sale, Unchanged

from flashsale_server.cli.connecting import AS_THEY_ARE, Server, asks

NEVER: Final = "never"

SaleId = Annotated[
    str, typer.Argument(metavar="SALE", help='The sale: 1 to 63 of a-z, 0-9 and "-".')
]
Etag = Annotated[
    str | None,
    typer.Option(help="Change it only if nobody else has, since `show` told this etag."),
]
TIME: Final = "a time such as 2026-11-27T09:00:00Z"

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

    Example: flash-sale sale create shoes --stock 500 --starts-at 2026-11-27T09:00:00Z
    """
    async with server.client() as client:
        made = client.admin.create_sale(
            sale_id,
            total_stock=stock,
            title=title,
            start_time=_instant("--starts-at", starts_at),
            end_time=_instant("--ends-at", ends_at),
            per_user_limit=per_user_limit,
            per_order_limit=per_order_limit,
            hold_duration=_span(hold_seconds),
        )
        await _show(made)


@sale_commands.command("list")
@asks
async def list_sales(server: Server) -> None:
    """Show all sales.

    Example: flash-sale sale list
    """
    from flashsale_server.cli.views import sales_table, show_table

    async with server.client() as client:
        show_table(sales_table([sale async for sale in client.admin.list_sales()]))


@sale_commands.command("show")
@asks
async def show_sale(server: Server, sale_id: SaleId) -> None:
    """Show a sale, with its terms and its etag.

    Example: flash-sale sale show shoes
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

    Example: flash-sale sale update shoes --title "Shoes, at last" --ends-at never
    """
    starts = _instant("--starts-at", starts_at)
    ends: datetime | Unchanged | None = UNCHANGED
    if ends_at is not None:
        ends = None if ends_at == NEVER else _instant("--ends-at", ends_at)
    async with server.client() as client:
        changed = client.admin.update_sale(
            sale_id,
            title=UNCHANGED if title is None else title,
            start_time=UNCHANGED if starts is None else starts,
            end_time=ends,
            per_user_limit=UNCHANGED if per_user_limit is None else per_user_limit,
            per_order_limit=UNCHANGED if per_order_limit is None else per_order_limit or None,
            hold_duration=UNCHANGED if hold_seconds is None else _span(hold_seconds or None),
            etag=etag,
        )
        await _show(changed)


@sale_commands.command("pause")
@asks
async def pause_sale(server: Server, sale_id: SaleId, etag: Etag = None) -> None:
    """Stop selling for now. Holds can still be confirmed and released.

    Example: flash-sale sale pause shoes
    """
    async with server.client() as client:
        await _show(client.admin.pause_sale(sale_id, etag=etag))


@sale_commands.command("resume")
@asks
async def resume_sale(server: Server, sale_id: SaleId, etag: Etag = None) -> None:
    """Sell again.

    Example: flash-sale sale resume shoes
    """
    async with server.client() as client:
        await _show(client.admin.resume_sale(sale_id, etag=etag))


@sale_commands.command("end")
@asks
async def end_sale(server: Server, sale_id: SaleId, etag: Etag = None) -> None:
    """End a sale for good. Holds can still be confirmed and released until they expire.

    Example: flash-sale sale end shoes
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

    Example: flash-sale sale restock shoes 50
    """
    async with server.client() as client:
        await _show(client.admin.restock_sale(sale_id, units, etag=etag))


async def _show(sale: Awaitable[Sale]) -> None:
    from flashsale_server.cli.views import sale_lines

    for line in sale_lines(await sale):
        typer.echo(line)


def _instant(option: str, text: str | None) -> datetime | None:
    """The time that an option gives.

    Raises:
        ValueError: it gives none.
    """
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise ValueError(f"{option} is {text!r}, but must be {TIME}")
    return instant


def _span(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)

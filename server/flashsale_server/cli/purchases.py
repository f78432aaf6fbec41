"""`flash-sale confirm`, `release` and `purchases`: what becomes of what was bought."""

from typing import Annotated

import typer

from flashsale_server.cli.connecting import AS_THEY_ARE, AsJson, SaleName, asks
from flashsale_server.cli.server_options import Server

User = Annotated[str, typer.Argument(metavar="USER", help="Whose purchase it is.")]
PurchaseId = Annotated[str, typer.Argument(metavar="PURCHASE", help="The purchase's id.")]

purchases = typer.Typer(
    name="purchases", help="See what was bought, and take it back.", no_args_is_help=True
)


@asks
async def confirm(
    server: Server, user: User, purchase_id: PurchaseId, sale: SaleName = "default"
) -> None:
    """Make USER's hold a purchase.

    Examples:
      flash-sale confirm alice hPV0Jc2bZ3kWm8sTqA1x
    """
    from flashsale_server.cli.views import changed_line

    async with server.client(sale) as client:
        typer.echo(changed_line(await client.confirm(user_id=user, purchase_id=purchase_id)))


@asks
async def release(
    server: Server, user: User, purchase_id: PurchaseId, sale: SaleName = "default"
) -> None:
    """Give USER's hold back; its units go on sale again.

    Examples:
      flash-sale release alice hPV0Jc2bZ3kWm8sTqA1x
    """
    from flashsale_server.cli.views import changed_line

    async with server.client(sale) as client:
        typer.echo(changed_line(await client.release(user_id=user, purchase_id=purchase_id)))


@purchases.command("list")
@asks
async def list_purchases(
    server: Server,
    sale: SaleName = "default",
    limit: Annotated[int, typer.Option(min=1, help="The most to show.")] = 100,
    *,
    as_json: AsJson = False,
) -> None:
    """Show a sale's purchases as they are now, in the order in which they were made.

    Examples:
      flash-sale purchases list
      flash-sale purchases list --sale shoes --limit 20
      flash-sale purchases list --json | jq -r .userId
    """
    from flashsale_server.cli.json_lines import print_json, purchase_json
    from flashsale_server.cli.views import purchases_table, show_table

    shown = []
    async with server.client() as client:
        async for purchase in client.admin.list_purchases(sale, page_size=min(limit + 1, 1000)):
            shown.append(purchase)
            if len(shown) > limit:
                break
    if as_json:
        for purchase in shown[:limit]:
            print_json(purchase_json(purchase))
    else:
        show_table(purchases_table(shown[:limit]))
    if len(shown) > limit:
        typer.echo(f"There are more than {limit:,}; see more with --limit.", err=as_json)


@purchases.command("cancel", context_settings=AS_THEY_ARE)
@asks
async def cancel_purchase(
    server: Server, user: User, purchase_id: PurchaseId, sale: SaleName = "default"
) -> None:
    """Take USER's purchase or hold back; its units go on sale again, and USER may buy again.

    Examples:
      flash-sale purchases cancel alice hPV0Jc2bZ3kWm8sTqA1x
    """
    from flashsale_server.cli.views import changed_line

    async with server.client() as client:
        cancelled = await client.admin.cancel_purchase(
            sale_id=sale, user_id=user, purchase_id=purchase_id
        )
    typer.echo(changed_line(cancelled))

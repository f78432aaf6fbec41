"""What the shell offers when a sale's id is to be completed: those that the server has.

Whoever presses Tab waits for it, so the server has a moment to answer; where it does not, or will
not tell this caller, nothing is offered and nothing is said.
"""

import asyncio
from dataclasses import fields
from typing import Any, Final

import typer
from flashsale import FlashSaleError, Retries

from flashsale_server.cli.server_options import Server

MOMENT_SECONDS: Final = 1.0


def sale_ids(ctx: typer.Context, incomplete: str) -> list[str]:
    """The ids of sales that begin with what was typed."""
    given: dict[str, Any] = {item.name: ctx.params.get(item.name) for item in fields(Server)}
    server = Server(**{name: value for name, value in given.items() if value is not None})
    try:
        return asyncio.run(asyncio.wait_for(_sale_ids(server, incomplete), MOMENT_SECONDS))
    except (FlashSaleError, OSError, ValueError, TimeoutError):
        return []


async def _sale_ids(server: Server, incomplete: str) -> list[str]:
    async with server.client(timeout=MOMENT_SECONDS, retries=Retries(attempts=1)) as client:
        sales = client.admin.list_sales(page_size=1000)
        return [sale.sale_id async for sale in sales if sale.sale_id.startswith(incomplete)]

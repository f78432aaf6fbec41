"""`flash-sale watch`: a sale followed until it has ended, as a picture, as lines or as JSON."""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import typer
from flashsale import AsyncClient, FlashSaleError, SaleState, SaleStatus

from flashsale_server.cli.connecting import AsJson, SaleName, asks
from flashsale_server.cli.server_options import Server


@asks
async def watch(server: Server, sale: SaleName = "default", *, as_json: AsJson = False) -> None:
    """Follow a sale until it has ended, or until Ctrl-C.

    On a terminal it is a live view: stock, rates, latencies, queue, outcomes, the server's health.
    Where the output goes elsewhere, it is a line at each change. When the server is away, it goes
    on by itself as soon as the server is back.

    Examples:
      flash-sale watch
      flash-sale watch --sale shoes --address shop.example:50051 --tls
      flash-sale watch --json | jq .availableStock
    """
    from flashsale_server.cli.drawing import can_be_drawn_on, until_nobody_reads

    if can_be_drawn_on() and not as_json:
        await _draw(server, sale)
    else:
        await _while_read(_in_lines(server, sale, as_json=as_json), until_nobody_reads())


async def _draw(server: Server, sale: str) -> None:
    from flashsale_server.cli.drawing import shown_live
    from flashsale_server.cli.views import last_line

    async with shown_live(server, sale) as seen:
        await seen.until(lambda: seen.has_ended or seen.refusal is not None)
    if seen.refusal is not None:
        raise seen.refusal
    if seen.status is not None:
        typer.echo(last_line(seen.status))


async def _in_lines(server: Server, sale: str, *, as_json: bool) -> None:
    from flashsale_server.cli.json_lines import print_json, status_json
    from flashsale_server.cli.views import last_line, sale_in_a_line

    before: tuple[object, ...] | None = None
    async for status in _statuses(server, sale):
        if as_json:
            print_json(status_json(status))
        elif before != (before := _what_a_line_shows(status)):
            typer.echo(sale_in_a_line(status))
        if status.state is SaleState.ENDED:
            if not as_json:
                typer.echo(last_line(status))
            return


async def _statuses(server: Server, sale: str) -> AsyncIterator[SaleStatus]:
    """A sale at each change; what keeps it from being seen is told once, until it is seen again."""
    from flashsale_server.cli.following import ToldRetries, in_short

    is_lost = False

    def lost(error: FlashSaleError) -> None:
        nonlocal is_lost
        if not is_lost:
            text = f"flash-sale: reconnecting to {server.address} ... {in_short(error)}"
            typer.echo(text, err=True)
        is_lost = True

    client: AsyncClient
    async with server.client(sale, retries=ToldRetries(longest_seconds=1.0, tell=lost)) as client:
        async for status in client.watch_status():
            if is_lost:
                typer.echo(f"flash-sale: connected to {server.address}", err=True)
            is_lost = False
            yield status


def _what_a_line_shows(status: SaleStatus) -> tuple[object, ...]:
    """What a line shows of a sale, without the time."""
    stock = (status.available_stock, status.held_stock, status.sold_stock, status.total_stock)
    return (status.state, status.system_health, *stock)


async def _while_read(
    work: Coroutine[Any, Any, None], nobody_reads: Coroutine[Any, Any, None]
) -> None:
    """Do the work, but no longer than somebody reads it.

    Raises:
        BrokenPipeError: nobody does.
    """
    working, reading = asyncio.create_task(work), asyncio.create_task(nobody_reads)
    try:
        await asyncio.wait((working, reading), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        working.result()
    finally:
        working.cancel()
        reading.cancel()
        await asyncio.wait((working, reading))

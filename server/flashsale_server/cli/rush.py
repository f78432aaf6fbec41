"""`flash-sale rush`: a crowd in which everybody tries to buy one unit at the same moment.

It goes through the SDK like any client, and believes nothing: afterwards it asks the server for
every purchase that was acknowledged, and counts what the sale says that it sold.
"""

import asyncio
import contextlib
from collections.abc import Callable
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Final

import typer
from flashsale import AsyncClient, FlashSaleError, SaleStatus

from flashsale_server.cli.connecting import AsJson, SaleName, asks
from flashsale_server.cli.server_options import Server

if TYPE_CHECKING:
    from flashsale_server.cli.crowd import Tally
    from flashsale_server.cli.following import Seen
    from flashsale_server.cli.verdict import Judged

_TIMEOUT_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 2.5
"""How long a view waits at most for its first figures, and for those of the crowd's last second."""


@asks
async def rush(
    server: Server,
    users: Annotated[int, typer.Option(min=1, max=100_000, help="People in the crowd.")] = 1000,
    name: Annotated[
        str | None, typer.Option(help="What the crowd's user ids begin with; made up by default.")
    ] = None,
    sale: SaleName = "default",
    *,
    as_json: AsJson = False,
) -> None:
    """Send a crowd in which everybody tries to buy one unit at the same moment.

    Exits with 1 when what was acknowledged is not what the server holds, or nobody was answered.

    Examples:
      flash-sale rush --users 5000
      flash-sale rush --sale shoes --name monday
      flash-sale rush --users 20000 --json | jq .latencyMsP99
    """
    from flashsale_server.cli.crowd import Tally
    from flashsale_server.cli.json_lines import print_json
    from flashsale_server.cli.verdict import result_json

    crowd = [f"{name or 'rush-' + token_hex(3)}-{number}" for number in range(users)]
    tally = Tally(users)
    async with server.client(sale, timeout=_TIMEOUT_SECONDS) as client:
        before = await client.status()
        if not as_json:
            _announce(before, users)
        await _send_crowd(server, client, crowd, tally, before, is_seen=not as_json)
        result = await _judge(client, tally, before)
    if as_json:
        print_json(result_json(before.sale_id, result))
    else:
        _show(result)
    if not result.verdict.is_good:
        raise typer.Exit(1)


def _announce(before: SaleStatus, users: int) -> None:
    from flashsale_server.cli.views import in_words

    typer.echo(
        f"{users:,} people want {before.available_stock:,} units of {before.sale_id!r} "
        f"({in_words(before.state.value)})"
    )


async def _send_crowd(
    server: Server,
    client: AsyncClient,
    crowd: list[str],
    tally: "Tally",
    before: SaleStatus,
    *,
    is_seen: bool,
) -> None:
    """Send the crowd, with the live view where there is a terminal."""
    from flashsale_server.cli.crowd import send
    from flashsale_server.cli.drawing import can_be_drawn_on, shown_live

    if not (is_seen and can_be_drawn_on()):
        await send(client, crowd, tally)
        return
    async with shown_live(server, before.sale_id, tally.seen) as seen:
        await _wait_until_shown(seen, lambda: seen.status is not None and seen.tells_of_seconds)
        await send(client, crowd, tally)
        done_at = seen.server_time()
        await _wait_until_shown(
            seen, lambda: not seen.samples or seen.samples[-1].end_time >= done_at
        )


async def _wait_until_shown(seen: "Seen", condition: Callable[[], bool]) -> None:
    """Wait until the view shows something, but not for long: the crowd matters more."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_SECONDS):
            await seen.until(condition)


async def _judge(client: AsyncClient, tally: "Tally", before: SaleStatus) -> "Judged":
    from flashsale_server.cli.crowd import look_up
    from flashsale_server.cli.following import in_short
    from flashsale_server.cli.verdict import Judged, Verdict, judged

    try:
        after = await client.status()
        lookups = await look_up(client, tally)
    except FlashSaleError as error:
        why = in_short(error)
        typer.echo(f"flash-sale: the server could not be asked afterwards: {why}", err=True)
        verdict = Verdict.NOBODY_ANSWERED if tally.is_lost else Verdict.UNCHECKED
        return Judged(tally, verdict)
    sold = after.sold_stock + after.held_stock - before.sold_stock - before.held_stock
    return judged(tally, sold, lookups)


def _show(result: "Judged") -> None:
    from flashsale_server.cli.verdict import result_table, verdict_lines
    from flashsale_server.cli.views import show_table

    tally = result.tally
    rate = tally.people / tally.took
    typer.echo(f"{tally.people:,} attempts in {tally.took:.2f} s: {rate:,.0f} a second")
    show_table(result_table(tally))
    for line in verdict_lines(result):
        typer.echo(line)

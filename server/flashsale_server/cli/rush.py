"""The rush: a crowd in which everybody tries to buy one unit at the same moment.

It goes through the SDK like any client, and believes nothing: afterwards it asks the server for
every purchase that was acknowledged, and counts what the sale says that it sold.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from secrets import token_hex

from flashsale import AsyncClient, FlashSaleError, Outcome, Purchase
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from flashsale_server.cli.connecting import Server
from flashsale_server.cli.views import in_words

LOOKUPS_AT_ONCE = 100


@dataclass(slots=True)
class Tally:
    """What the crowd was told."""

    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    bought: dict[str, Purchase] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)


async def rush_at(server: Server, sale_id: str, users: int, name: str | None) -> bool:
    """Send the crowd; return whether what was acknowledged is what the server holds."""
    console = Console(highlight=False)
    crowd = [f"{name or 'rush-' + token_hex(3)}-{number}" for number in range(users)]
    async with server.client(sale_id, timeout=60.0) as client:
        before = await client.status()
        console.print(
            f"{users:,} people want {before.available_stock:,} units of {sale_id!r} "
            f"({in_words(before.state.value)})"
        )
        started = time.perf_counter()
        tally = await _everybody(client, crowd, console)
        took = time.perf_counter() - started
        after = await client.status()
        console.print(f"{users:,} attempts in {took:.2f} s: {users / took:,.0f} a second")
        console.print(_table(tally))
        missing = await _missing(client, tally)
    sold = after.sold_stock - before.sold_stock
    return _verdict(console, tally, sold, missing)


async def _everybody(client: AsyncClient, crowd: list[str], console: Console) -> Tally:
    tally = Tally()
    columns = (
        TextColumn("answered"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("sold {task.fields[sold]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(crowd), sold=0)

        async def one(user_id: str) -> None:
            started = time.perf_counter()
            try:
                result = await client.purchase(user_id)
            except FlashSaleError as error:
                tally.errors[type(error).__name__] += 1
                tally.unanswered.add(user_id)
            else:
                tally.outcomes[result.outcome.value] += 1
                if result.outcome is Outcome.PURCHASED and result.purchase is not None:
                    tally.bought[user_id] = result.purchase
            tally.seconds.append(time.perf_counter() - started)

        async def redraw() -> None:
            while True:
                progress.update(task, completed=len(tally.seconds), sold=len(tally.bought))
                await asyncio.sleep(0.1)

        drawing = asyncio.create_task(redraw())
        await asyncio.gather(*(one(user_id) for user_id in crowd))
        drawing.cancel()
        progress.update(task, completed=len(tally.seconds), sold=len(tally.bought))
    return tally


async def _missing(client: AsyncClient, tally: Tally) -> int:
    """How many acknowledged purchases the server does not show as they were acknowledged."""
    limit = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def is_missing(user_id: str, purchase: Purchase) -> bool:
        async with limit:
            held = await client.get_purchase(user_id)
            return purchase.purchase_id not in [item.purchase_id for item in held.purchases]

    return sum(await asyncio.gather(*(is_missing(*item) for item in tally.bought.items())))


def _table(tally: Tally) -> Table:
    table = Table()
    table.add_column("what came of it")
    table.add_column("people", justify="right")
    for outcome, count in tally.outcomes.most_common():
        table.add_row("sold" if outcome == Outcome.PURCHASED else in_words(outcome), f"{count:,}")
    for error, count in tally.errors.most_common():
        table.add_row(f"error: {error}", f"{count:,}", style="red")
    table.add_section()
    ordered = sorted(tally.seconds)
    for percent in (50, 95, 99):
        at = min(len(ordered) - 1, len(ordered) * percent // 100)
        table.add_row(f"p{percent}", f"{ordered[at] * 1000:,.1f} ms")
    table.add_row("slowest", f"{ordered[-1] * 1000:,.1f} ms")
    return table


def _verdict(console: Console, tally: Tally, sold: int, missing: int) -> bool:
    acknowledged = len(tally.bought)
    if missing:
        console.print(f"WRONG: the server does not hold {missing:,} of what it acknowledged")
        return False
    console.print(
        f"Every one of the {acknowledged:,} acknowledged purchases is held by the server."
    )
    if sold == acknowledged:
        console.print(f"The sale sold {sold:,} units meanwhile: acknowledged equals held.")
        return True
    if sold < acknowledged:
        console.print(f"WRONG: {acknowledged:,} were acknowledged, but the sale sold {sold:,}")
        return False
    console.print(
        f"The sale sold {sold:,} units meanwhile, {sold - acknowledged:,} more than this crowd was "
        f"told of; {len(tally.unanswered):,} were not answered, and others may have bought too."
    )
    return sold <= acknowledged + len(tally.unanswered)

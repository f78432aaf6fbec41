"""How the terminal shows a sale and a purchase."""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from flashsale import Purchase, PurchaseResult, PurchaseState, Sale, SaleStatus
from rich.console import Console
from rich.table import Table
from rich.text import Text


def in_words(name: str) -> str:
    """A name of the contract as people write it: "SOLD_OUT" is "sold out"."""
    return name.lower().replace("_", " ")


def in_utc(instant: datetime) -> str:
    """A time to the second, as people write it."""
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def status_lines(status: SaleStatus) -> Iterator[str]:
    """A sale in plain lines."""
    yield f"{status.sale_id}: {status.title}" if status.title else status.sale_id
    yield f"state      {in_words(status.state.value)}"
    yield f"available  {status.available_stock} of {status.total_stock}"
    if status.held_stock:
        yield f"held       {status.held_stock}"
    yield f"sold       {status.sold_stock}"
    if status.start_time is not None:
        yield f"starts     {in_utc(status.start_time)}"
    if status.end_time is not None:
        yield f"ends       {in_utc(status.end_time)}"
    yield f"queue      {status.queue_length}"
    yield f"server     {in_words(status.system_health.value)}"


def sale_in_a_line(status: SaleStatus) -> str:
    """A sale in one plain line."""
    held = f", {status.held_stock:,} held" if status.held_stock else ""
    return (
        f"{status.server_time:%H:%M:%S}  {in_words(status.state.value)}  "
        f"{status.available_stock:,} of {status.total_stock:,} left{held}, "
        f"{status.sold_stock:,} sold  server {in_words(status.system_health.value)}"
    )


def last_line(status: SaleStatus) -> str:
    """What a sale that has ended came to."""
    held = f", {status.held_stock:,} still held" if status.held_stock else ""
    return (
        f"{status.sale_id} has ended: {status.sold_stock:,} of {status.total_stock:,} sold{held}, "
        f"{status.available_stock:,} left."
    )


def remaining(span: timedelta) -> str:
    """A span as a countdown: 00:12:41, or 2 d 03:04:05; nothing is less than none."""
    seconds = max(0, math.ceil(span.total_seconds()))
    days, seconds = divmod(seconds, 86_400)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{days:,} d {clock}" if days else clock


def purchase_line(result: PurchaseResult) -> str:
    """What a purchase came to, in a line."""
    purchase = result.purchase
    if purchase is None:
        return f"{in_words(result.outcome.value)} (request {result.request_id})"
    again = " already, before" if result.replayed else ""
    return (
        f"{in_words(result.outcome.value)}{again}: {_purchase(purchase)} "
        f"(request {result.request_id})"
    )


def changed_line(purchase: Purchase) -> str:
    """A purchase after a change of it, in a line."""
    return f"{in_words(purchase.state.value)}: {_purchase(purchase)}"


def _purchase(purchase: Purchase) -> str:
    expires = purchase.hold_expire_time if purchase.state is PurchaseState.HELD else None
    until = "" if expires is None else f", until {in_utc(expires)}"
    return (
        f"{purchase.quantity} for {purchase.user_id}, purchase {purchase.purchase_id}, "
        f"position {purchase.position}{until}"
    )


def sale_lines(sale: Sale) -> Iterator[str]:
    """A sale as the shop sees it, in plain lines."""
    terms = sale.terms
    yield f"{sale.sale_id}: {terms.title}" if terms.title else sale.sale_id
    yield f"state      {in_words(sale.state.value)}"
    yield (
        f"stock      {sale.total_stock}: {sale.available_stock} available, {sale.held_stock} held, "
        f"{sale.sold_stock} sold"
    )
    yield f"starts     {in_utc(terms.start_time)}"
    yield f"ends       {'never' if terms.end_time is None else in_utc(terms.end_time)}"
    order = "" if terms.per_order_limit is None else f", {terms.per_order_limit} an order"
    yield f"limit      {terms.per_user_limit} a user{order}"
    if terms.hold_duration is not None:
        yield f"holds      {terms.hold_duration.total_seconds():g} s"
    yield f"etag       {sale.etag}"


def sales_table(sales: Iterable[Sale]) -> Table:
    """Many sales, a line each."""
    table = Table()
    for name in ("sale", "title", "state"):
        table.add_column(name, overflow="fold")
    for name in ("available", "held", "sold", "total"):
        table.add_column(name, justify="right")
    table.add_column("starts")
    for sale in sales:
        stock = (sale.available_stock, sale.held_stock, sale.sold_stock, sale.total_stock)
        table.add_row(
            sale.sale_id,
            Text(sale.terms.title),
            in_words(sale.state.value),
            *(f"{count:,}" for count in stock),
            in_utc(sale.terms.start_time),
        )
    return table


def purchases_table(purchases: Iterable[Purchase]) -> Table:
    """Many purchases, a line each."""
    table = Table()
    table.add_column("position", justify="right")
    for name in ("user", "purchase"):
        table.add_column(name, overflow="fold")
    table.add_column("units", justify="right")
    for name in ("state", "bought"):
        table.add_column(name)
    for item in purchases:
        table.add_row(
            f"{item.position}",
            Text(item.user_id),
            item.purchase_id,
            f"{item.quantity}",
            in_words(item.state.value),
            in_utc(item.create_time),
        )
    return table


def show_table(table: Table) -> None:
    """Print a table, as wide as the terminal; where there is none, as wide as it needs to be."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=1000)
    console.print(table)

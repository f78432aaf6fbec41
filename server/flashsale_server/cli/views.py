"""How the terminal shows a sale and a purchase."""

from collections.abc import Iterator

from flashsale import PurchaseResult, SaleStatus
from rich.console import Group
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.text import Text


def in_words(name: str) -> str:
    """A name of the contract as people write it: "SOLD_OUT" is "sold out"."""
    return name.lower().replace("_", " ")


def status_lines(status: SaleStatus) -> Iterator[str]:
    """A sale in plain lines."""
    yield f"{status.sale_id}: {status.title}" if status.title else status.sale_id
    yield f"state      {in_words(status.state.value)}"
    yield f"available  {status.available_stock} of {status.total_stock}"
    yield f"sold       {status.sold_stock}"
    if status.start_time is not None:
        yield f"starts     {status.start_time:%Y-%m-%d %H:%M:%S} UTC"
    if status.end_time is not None:
        yield f"ends       {status.end_time:%Y-%m-%d %H:%M:%S} UTC"
    yield f"queue      {status.queue_length}"
    yield f"server     {in_words(status.system_health.value)}"


def status_panel(status: SaleStatus) -> Panel:
    """A sale as a live picture."""
    total = max(status.total_stock, 1)
    figure = Text(f"{status.available_stock}", style="bold", justify="center")
    figure.append(f" of {status.total_stock} left", style="dim")
    bar = ProgressBar(total=total, completed=status.available_stock)
    foot = Text(
        f"{in_words(status.state.value)} · {status.queue_length} waiting · "
        f"server {in_words(status.system_health.value)}",
        style="dim",
        justify="center",
    )
    return Panel(Group(figure, bar, foot), title=status.title or status.sale_id, width=80)


def purchase_line(result: PurchaseResult) -> str:
    """What a purchase came to, in a line."""
    purchase = result.purchase
    if purchase is None:
        return f"{in_words(result.outcome.value)} (request {result.request_id})"
    again = " already, before" if result.replayed else ""
    return (
        f"{in_words(result.outcome.value)}{again}: {purchase.quantity} for {purchase.user_id}, "
        f"purchase {purchase.purchase_id}, position {purchase.position} "
        f"(request {result.request_id})"
    )

"""The decisions: the only code that says who gets a unit.

Every function here looks at a sale and returns what to answer and what to write. None changes
anything. The order of the checks is the order in which a buyer would want to be told: over, not
yet, paused, your limit, the stock.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Final

from flashsale_server.domain.commands import (
    ChangeCommand,
    EndCommand,
    PauseCommand,
    PurchaseCommand,
    RestockCommand,
    ResumeCommand,
    UpdateCommand,
)
from flashsale_server.domain.entries import Entry, EntryDetail, EntryKind
from flashsale_server.domain.inventory import Inventory
from flashsale_server.domain.outcomes import (
    Answer,
    ChangeOutcome,
    Outcome,
    Purchase,
    ReusedRequestId,
)

_PURCHASED: Final = EntryKind.PURCHASED.value

Mint = Callable[[], str]
"""Makes a purchase id: opaque, unguessable, new at each call. The rules draw nothing themselves."""


def replayed_answer(sale: Inventory, command: PurchaseCommand) -> Answer | ReusedRequestId | None:
    """The answer that the command's request id has had already; None when it is new."""
    purchase = sale.purchase_for(command.user_id, command.request_id)
    if purchase is not None:
        if purchase.quantity != command.quantity:
            return ReusedRequestId(purchase.quantity)
        return Answer(Outcome.PURCHASED, True, purchase)
    if not sale.refusals:
        return None
    refusal = sale.refusal_for(command.user_id, command.request_id)
    if refusal is None:
        return None
    if refusal.quantity != command.quantity:
        return ReusedRequestId(refusal.quantity)
    return refused_answer(sale, refusal.outcome, command, is_replay=True)


def purchase_outcome(
    sale: Inventory, command: PurchaseCommand, purchases: Iterable[Purchase], now_us: int
) -> Outcome:
    """What a command with a new request id comes to; `purchases` are those of its user."""
    terms = sale.terms
    if sale.has_ended:
        return Outcome.ENDED
    if now_us < terms.starts_at_us:
        return Outcome.NOT_STARTED
    if sale.is_paused:
        return Outcome.PAUSED
    quantity = command.quantity
    units = 0
    for purchase in purchases:
        if purchase.counts:
            units += purchase.quantity
    if units + quantity > terms.per_user_limit:
        already = units and terms.per_user_limit == 1
        return Outcome.ALREADY_PURCHASED if already else Outcome.USER_LIMIT_REACHED
    if sale.available_stock >= quantity:
        return Outcome.PURCHASED
    return Outcome.INSUFFICIENT_STOCK if sale.available_stock else Outcome.SOLD_OUT


def purchased_entry(command: PurchaseCommand, purchase_id: str) -> Entry:
    """The entry that makes a purchase true."""
    return Entry(
        _PURCHASED,
        -command.quantity,
        command.user_id,
        purchase_id,
        command.request_id,
        command.quantity,
        command.arrival,
    )


def purchased_entries(
    commands: Sequence[PurchaseCommand],
    user_ids: Iterable[str],
    purchase_ids: Iterable[str],
    request_ids: Iterable[str],
) -> list[Entry]:
    """The entries that make purchases of one unit each true."""
    return list(
        map(
            Entry,
            repeat(_PURCHASED),
            repeat(-1),
            user_ids,
            purchase_ids,
            request_ids,
            repeat(1),
            [command.arrival for command in commands],
        )
    )


def refused_entry(command: PurchaseCommand, outcome: Outcome) -> Entry:
    """The entry that fixes the refusal of a request for as long as the sale lives."""
    return Entry(
        EntryKind.REFUSED.value,
        user_id=command.user_id,
        request_id=command.request_id,
        quantity=command.quantity,
        arrival=command.arrival,
        detail=EntryDetail(outcome=outcome.value),
    )


def refused_answer(
    sale: Inventory, outcome: Outcome, command: PurchaseCommand, *, is_replay: bool = False
) -> Answer:
    """What to tell a caller who is refused."""
    match outcome:
        case Outcome.ALREADY_PURCHASED:
            return Answer(outcome, is_replay, purchase=_counted_purchase(sale, command.user_id))
        case Outcome.NOT_STARTED:
            return Answer(outcome, is_replay, starts_at_us=sale.terms.starts_at_us)
        case Outcome.INSUFFICIENT_STOCK:
            return Answer(outcome, is_replay, available_stock=sale.available_stock)
        case _:
            return Answer(outcome, is_replay)


def decided_change(sale: Inventory, command: ChangeCommand) -> tuple[ChangeOutcome, Entry | None]:
    """What a shop's change comes to, and the entry that makes it true, if any."""
    if sale.has_ended:
        unchanged = isinstance(command, EndCommand)
        return (ChangeOutcome.UNCHANGED if unchanged else ChangeOutcome.SALE_ENDED), None
    match command:
        case PauseCommand():
            entry = None if sale.is_paused else Entry(EntryKind.PAUSED.value)
        case ResumeCommand():
            entry = Entry(EntryKind.RESUMED.value) if sale.is_paused else None
        case EndCommand():
            entry = Entry(EntryKind.ENDED.value)
        case RestockCommand(stock_change):
            if sale.available_stock + stock_change < 0:
                return ChangeOutcome.NOT_ENOUGH_UNSOLD, None
            entry = Entry(EntryKind.RESTOCKED.value, stock_change) if stock_change else None
        case UpdateCommand(terms):
            changed = terms != sale.terms
            entry = Entry(EntryKind.UPDATED.value, detail=EntryDetail(terms)) if changed else None
    return (ChangeOutcome.UNCHANGED if entry is None else ChangeOutcome.CHANGED), entry


def entries_due(sale: Inventory, now_us: int) -> list[Entry]:
    """What the clock alone makes true: whoever notices first writes it down."""
    ends_at_us = sale.terms.ends_at_us
    if ends_at_us is not None and now_us >= ends_at_us and not sale.has_ended:
        return [Entry(EntryKind.ENDED.value)]
    return []


def _counted_purchase(sale: Inventory, user_id: str) -> Purchase | None:
    return next((item for item in sale.purchases_of(user_id) if item.counts), None)

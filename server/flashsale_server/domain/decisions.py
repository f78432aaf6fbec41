"""The decisions: the only code that says who gets a unit.

Every function here looks at a sale and returns what to answer and what to write. None changes
anything. The order of the checks is the order in which a buyer would want to be told: over, not
yet, paused, your limit, the stock.
"""

from collections.abc import Callable

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

Mint = Callable[[], str]
"""Makes a purchase id: opaque, unguessable, new at each call. The rules draw nothing themselves."""


def replayed_answer(sale: Inventory, command: PurchaseCommand) -> Answer | ReusedRequestId | None:
    """The answer that the command's request id has had already; None when it is new."""
    purchase = sale.purchase_for(command.user_id, command.request_id)
    if purchase is not None:
        if purchase.quantity != command.quantity:
            return ReusedRequestId(purchase.quantity)
        return Answer(Outcome.PURCHASED, True, purchase)
    refusal = sale.refusal_for(command.user_id, command.request_id)
    if refusal is None:
        return None
    if refusal.quantity != command.quantity:
        return ReusedRequestId(refusal.quantity)
    return _refused(sale, refusal.outcome, command, is_replay=True)


def decided_purchase(
    sale: Inventory, command: PurchaseCommand, now_us: int, mint: Mint
) -> tuple[Answer, Entry | None]:
    """What to answer a command with a new request id, and the entry that makes it true, if any.

    The answer to a purchase has no `purchase` yet: its position is known once the entry is applied.
    """
    outcome = _outcome(sale, command, now_us)
    if outcome is Outcome.PURCHASED:
        return Answer(outcome), Entry(
            EntryKind.PURCHASED.value,
            -command.quantity,
            command.user_id,
            mint(),
            command.request_id,
            command.quantity,
            command.arrival,
        )
    refusal = _refused(sale, outcome, command, is_replay=False)
    if not command.is_retry:
        return refusal, None
    return refusal, Entry(
        EntryKind.REFUSED.value,
        user_id=command.user_id,
        request_id=command.request_id,
        quantity=command.quantity,
        arrival=command.arrival,
        detail=EntryDetail(outcome=outcome.value),
    )


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


def _outcome(sale: Inventory, command: PurchaseCommand, now_us: int) -> Outcome:
    terms = sale.terms
    if sale.has_ended:
        return Outcome.ENDED
    if now_us < terms.starts_at_us:
        return Outcome.NOT_STARTED
    if sale.is_paused:
        return Outcome.PAUSED
    quantity = command.quantity
    units = sum(item.quantity for item in sale.purchases_of(command.user_id) if item.counts)
    if units + quantity > terms.per_user_limit:
        already = units and terms.per_user_limit == 1
        return Outcome.ALREADY_PURCHASED if already else Outcome.USER_LIMIT_REACHED
    if sale.available_stock >= quantity:
        return Outcome.PURCHASED
    return Outcome.INSUFFICIENT_STOCK if sale.available_stock else Outcome.SOLD_OUT


def _refused(
    sale: Inventory, outcome: Outcome, command: PurchaseCommand, *, is_replay: bool
) -> Answer:
    match outcome:
        case Outcome.ALREADY_PURCHASED:
            return Answer(outcome, is_replay, purchase=_counted_purchase(sale, command.user_id))
        case Outcome.NOT_STARTED:
            return Answer(outcome, is_replay, starts_at_us=sale.terms.starts_at_us)
        case Outcome.INSUFFICIENT_STOCK:
            return Answer(outcome, is_replay, available_stock=sale.available_stock)
        case _:
            return Answer(outcome, is_replay)


def _counted_purchase(sale: Inventory, user_id: str) -> Purchase | None:
    return next((item for item in sale.purchases_of(user_id) if item.counts), None)

"""The decisions: the only code that says who gets a unit.

Every function here looks at a sale and returns what to answer or what to write. None changes
anything. The order of the checks is the order in which a buyer would want to be told: over, not
yet, paused, your limit, the stock.
"""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from flashsale_server.domain.commands import (
    PurchaseCommand,
)
from flashsale_server.domain.entries import Entry, EntryDetail, EntryKind
from flashsale_server.domain.inventory import Inventory
from flashsale_server.domain.outcomes import (
    Answer,
    Outcome,
    Purchase,
    ReusedRequestId,
)

EXPIRIES_AT_ONCE: Final = 200
"""Holds that are ended by one append, so that thousands ending together delay no purchase much."""

EXPIRIES_PAUSE_US: Final = 100_000
"""Holds that nobody asks about are ended so often, those of a tenth of a second together."""

_PURCHASED: Final = EntryKind.PURCHASED.value

Mint = Callable[[], str]
"""Makes a purchase id: opaque, unguessable, new at each call. The rules draw nothing themselves."""


def replayed_answer(sale: Inventory, command: PurchaseCommand) -> Answer | ReusedRequestId | None:
    """The answer that the command's request id has had already; None when it is new."""
    purchase = sale.purchase_for(command.user_id, command.request_id)
    if purchase is not None:
        if purchase.quantity != command.quantity:
            return ReusedRequestId(purchase.quantity)
        return Answer(purchase.first_outcome, True, purchase)
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
    most = terms.per_order_limit or quantity
    if units + quantity > terms.per_user_limit or quantity > most:
        already = units and terms.per_user_limit == 1
        return Outcome.ALREADY_PURCHASED if already else Outcome.USER_LIMIT_REACHED
    if sale.available_stock >= quantity:
        return Outcome.HELD if terms.hold_us else Outcome.PURCHASED
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


def held_entry(command: PurchaseCommand, purchase_id: str, expires_at_us: int) -> Entry:
    """The entry that keeps units for a user."""
    return Entry(
        EntryKind.HELD.value,
        -command.quantity,
        command.user_id,
        purchase_id,
        command.request_id,
        command.quantity,
        command.arrival,
        EntryDetail(expires_at_us=expires_at_us),
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
            itertools.repeat(_PURCHASED),
            itertools.repeat(-1),
            user_ids,
            purchase_ids,
            request_ids,
            itertools.repeat(1),
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
            return Answer(outcome, is_replay, purchase=_purchase_had(sale, command.user_id))
        case Outcome.NOT_STARTED:
            return Answer(outcome, is_replay, starts_at_us=sale.terms.starts_at_us)
        case Outcome.INSUFFICIENT_STOCK:
            return Answer(outcome, is_replay, available_stock=sale.available_stock)
        case _:
            return Answer(outcome, is_replay)


def expired_entry(hold: Purchase) -> Entry:
    """The entry that ends a hold whose time is over."""
    return Entry(
        EntryKind.EXPIRED.value,
        hold.quantity,
        hold.user_id,
        hold.purchase_id,
        quantity=hold.quantity,
    )


def entries_due(sale: Inventory, now_us: int) -> list[Entry]:
    """What the clock alone makes true: whoever notices first writes it down.

    Of the holds that are over not all are named at once, or nobody could buy meanwhile.
    """
    ends_at_us = sale.terms.ends_at_us
    has_to_end = ends_at_us is not None and now_us >= ends_at_us and not sale.has_ended
    due = [Entry(EntryKind.ENDED.value)] if has_to_end else []
    if not sale.has_holds:
        return due
    expired = itertools.islice(sale.holds_due(now_us), EXPIRIES_AT_ONCE)
    return due + [expired_entry(hold) for hold in expired]


def next_due_us(sale: Inventory) -> int | None:
    """When there is something to write down though nobody calls; None for never.

    It may be long ago, and is in microseconds since 1970 UTC.
    """
    instants = [] if sale.has_ended else [sale.terms.ends_at_us]
    expires_at_us = sale.next_expiry_us()
    if expires_at_us is not None:
        instants.append(-(-expires_at_us // EXPIRIES_PAUSE_US) * EXPIRIES_PAUSE_US)
    return min((instant for instant in instants if instant is not None), default=None)


def _purchase_had(sale: Inventory, user_id: str) -> Purchase | None:
    """The purchase that counts against the user's limit; when it is over meanwhile, the last."""
    purchases = sale.purchases_of(user_id)
    last = purchases[-1] if purchases else None
    return next((purchase for purchase in purchases if purchase.counts), last)

"""Transitions: what confirming, releasing or cancelling a single purchase comes to.

As with all decisions, a sale is looked at and nothing is changed.
"""

from typing import Final

from flashsale_server.domain.commands import (
    CancelCommand,
    ConfirmCommand,
    ReleaseCommand,
    TransitionCommand,
)
from flashsale_server.domain.decisions import expired_entry
from flashsale_server.domain.entries import Entry, EntryKind
from flashsale_server.domain.inventory import Inventory
from flashsale_server.domain.outcomes import PurchaseState, TransitionOutcome

# For each command: the entry that it writes, the states that it may change, and the state in which
# it is true already.
_TRANSITIONS: Final[
    dict[type[TransitionCommand], tuple[EntryKind, frozenset[PurchaseState], PurchaseState]]
] = {
    ConfirmCommand: (
        EntryKind.CONFIRMED,
        frozenset({PurchaseState.HELD}),
        PurchaseState.CONFIRMED,
    ),
    ReleaseCommand: (
        EntryKind.RELEASED,
        frozenset({PurchaseState.HELD}),
        PurchaseState.RELEASED,
    ),
    CancelCommand: (
        EntryKind.CANCELLED,
        frozenset({PurchaseState.HELD, PurchaseState.CONFIRMED}),
        PurchaseState.CANCELLED,
    ),
}

# What to say of a purchase that is in another state for good.
_OVER: Final = {
    PurchaseState.CONFIRMED: TransitionOutcome.PURCHASE_CONFIRMED,
    PurchaseState.RELEASED: TransitionOutcome.HOLD_RELEASED,
    PurchaseState.EXPIRED: TransitionOutcome.HOLD_EXPIRED,
    PurchaseState.CANCELLED: TransitionOutcome.PURCHASE_CANCELLED,
}


def decided_transition(
    sale: Inventory, command: TransitionCommand, now_us: int
) -> tuple[TransitionOutcome, Entry | None]:
    """What confirming, releasing or cancelling comes to, and the entry that makes it true.

    Whoever finds a hold over its time writes that down, before the clock's turn comes.
    """
    purchase = sale.purchase(command.user_id, command.purchase_id)
    if purchase is None:
        return TransitionOutcome.NOT_FOUND, None
    if purchase.state is PurchaseState.HELD and now_us >= (purchase.expires_at_us or 0):
        return TransitionOutcome.HOLD_EXPIRED, expired_entry(purchase)
    kind, allowed, done = _TRANSITIONS[type(command)]
    if purchase.state is done:
        return TransitionOutcome.DONE, None
    if purchase.state not in allowed:
        return _OVER[purchase.state], None
    is_final = kind is EntryKind.CONFIRMED
    return TransitionOutcome.DONE, Entry(
        kind.value,
        0 if is_final else purchase.quantity,
        purchase.user_id,
        purchase.purchase_id,
        quantity=purchase.quantity,
    )

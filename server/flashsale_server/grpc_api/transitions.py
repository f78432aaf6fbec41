"""Confirming, releasing and cancelling: what each came to, as a purchase or a fault."""

from flashsale_server.checkout import (
    Caller,
    Checkout,
    Fault,
    HoldExpired,
    HoldReleased,
    Lane,
    PurchaseCancelled,
    PurchaseConfirmed,
    PurchaseNotFound,
)
from flashsale_server.domain import Purchase, Transition, TransitionCommand, TransitionOutcome


async def changed_purchase(
    checkout: Checkout, lane: Lane, command: TransitionCommand, caller: Caller
) -> Purchase:
    """The purchase after a change of it.

    Raises:
        PurchaseNotFound: the user has no such purchase.
        NotAllowed: it is not in a state that allows the change.
        Fault: it was not decided, or its fate is unknown.
    """
    came_to = await checkout.came_to(lane, command, caller.deadline, caller.span)
    if not isinstance(came_to, Transition):
        raise TypeError(f"a transition cannot come to {came_to!r}")
    if came_to.outcome is TransitionOutcome.DONE and came_to.purchase is not None:
        return came_to.purchase
    raise _fault_of(came_to.outcome, command.purchase_id)


def _fault_of(outcome: TransitionOutcome, purchase_id: str) -> Fault:
    match outcome:
        case TransitionOutcome.HOLD_EXPIRED:
            return HoldExpired(purchase_id)
        case TransitionOutcome.HOLD_RELEASED:
            return HoldReleased(purchase_id)
        case TransitionOutcome.PURCHASE_CONFIRMED:
            return PurchaseConfirmed(purchase_id)
        case TransitionOutcome.PURCHASE_CANCELLED:
            return PurchaseCancelled(purchase_id)
        case TransitionOutcome.NOT_FOUND | TransitionOutcome.DONE:
            return PurchaseNotFound(purchase_id)

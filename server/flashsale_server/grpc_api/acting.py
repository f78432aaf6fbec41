"""Acting for users: whose credentials are bound to one user may act for that one alone.

The buyers' servicer asks here, so it holds at every door.
"""

from collections.abc import Sequence

from flashsale_server.checkout import Caller, Fault, Order, PermissionDenied


def check_acts_for(caller: Caller, user_id: str) -> None:
    """Check that a caller may act for a user.

    Raises:
        PermissionDenied: they may not.
    """
    if not caller.may_act_for(user_id):
        raise _denied()


def own_orders(orders: Sequence[Order | Fault], caller: Caller) -> Sequence[Order | Fault]:
    """Orders of a batch, with a fault in place of each that the caller may not place."""
    if caller.user_id is None:
        return orders
    return [
        order if isinstance(order, Fault) or caller.may_act_for(order.user_id) else _denied()
        for order in orders
    ]


def _denied() -> PermissionDenied:
    return PermissionDenied("these credentials are for another user")

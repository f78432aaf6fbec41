"""What an audit would ask of every entry of a ledger, given the sale just before it."""

from flashsale_server.domain import Entry, Inventory, PurchaseState

MAKES = ("purchased", "held")


def check_allowed(sale: Inventory, entry: Entry, recorded_at_us: int) -> None:
    """What an audit would ask of an entry, given the sale just before it."""
    assert sale.available_stock + entry.stock_change >= 0
    if entry.kind in MAKES:
        _check_new(sale, entry, recorded_at_us)
    elif entry.purchase_id:
        _check_transition(sale, entry, recorded_at_us)
    elif entry.kind not in {"fenced", "refused"}:
        assert not sale.has_ended


def _check_new(sale: Inventory, entry: Entry, recorded_at_us: int) -> None:
    terms = sale.terms
    mine = sale.purchases_of(entry.user_id)
    assert entry.stock_change == -entry.quantity < 0
    assert sum(item.quantity for item in mine if item.counts) + entry.quantity <= (
        terms.per_user_limit
    )
    assert entry.quantity <= (terms.per_order_limit or entry.quantity)
    assert entry.request_id not in {item.request_id for item in mine}
    assert sale.refusal_for(entry.user_id, entry.request_id) is None
    assert not sale.is_paused
    assert not sale.has_ended
    assert recorded_at_us >= terms.starts_at_us
    assert terms.ends_at_us is None or recorded_at_us < terms.ends_at_us
    assert (entry.kind == "held") == (terms.hold_us > 0)


def _check_transition(sale: Inventory, entry: Entry, recorded_at_us: int) -> None:
    purchase = sale.purchase(entry.user_id, entry.purchase_id)
    assert purchase is not None
    assert entry.stock_change == (0 if entry.kind == "confirmed" else purchase.quantity)
    if entry.kind == "cancelled" and purchase.state is PurchaseState.CONFIRMED:
        return
    assert purchase.state is PurchaseState.HELD, "a hold ended twice"
    assert purchase.expires_at_us is not None
    assert (entry.kind == "expired") == (recorded_at_us >= purchase.expires_at_us)

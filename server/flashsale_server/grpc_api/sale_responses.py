"""What the shop is told: sales and entries as messages of the contract."""

from typing import Final

from flashsale.v1 import sale_admin_pb2 as admin

from flashsale_server.checkout import Lane, Recorded
from flashsale_server.domain import EntryKind, Outcome, SaleTerms
from flashsale_server.grpc_api.responses import OUTCOMES, SALE_STATES, timestamp
from flashsale_server.grpc_api.sale_requests import etag_of

KINDS: Final = {kind.value: f"ENTRY_KIND_{kind.name}" for kind in EntryKind}


def sale_message(lane: Lane, now_us: int) -> admin.Sale:
    """A lane's sale as it is now."""
    sale = lane.inventory
    terms = terms_message(sale.terms)
    message = admin.Sale(
        sale_id=lane.sale_id,
        title=terms.title,
        state=SALE_STATES[sale.state_at(now_us)],
        total_stock=sale.total_stock,
        available_stock=sale.available_stock,
        held_stock=sale.held_stock,
        sold_stock=sale.sold_stock,
        start_time=terms.start_time,
        per_user_limit=terms.per_user_limit,
        per_order_limit=terms.per_order_limit,
        position=sale.last_position,
        etag=etag_of(sale.revision),
        create_time=timestamp(sale.opened_at_us),
        paused=sale.is_paused,
    )
    if terms.HasField("end_time"):
        message.end_time.CopyFrom(terms.end_time)
    if terms.HasField("hold_duration"):
        message.hold_duration.CopyFrom(terms.hold_duration)
    return message


def terms_message(terms: SaleTerms) -> admin.SaleTerms:
    """What the shop has fixed about a sale."""
    message = admin.SaleTerms(
        title=terms.title,
        start_time=timestamp(terms.starts_at_us),
        per_user_limit=terms.per_user_limit,
        per_order_limit=terms.per_order_limit or 0,
    )
    if terms.ends_at_us is not None:
        message.end_time.CopyFrom(timestamp(terms.ends_at_us))
    if terms.hold_us:
        message.hold_duration.FromMicroseconds(terms.hold_us)
    return message


def entry_message(recorded: Recorded) -> admin.Entry:
    """An entry of a ledger."""
    entry = recorded.entry
    message = admin.Entry(
        position=recorded.position,
        kind=KINDS.get(entry.kind),
        stock_change=entry.stock_change,
        user_id=entry.user_id,
        purchase_id=entry.purchase_id,
        request_id=entry.request_id,
        quantity=entry.quantity,
        record_time=timestamp(recorded.recorded_at_us),
        node=recorded.node,
        arrival=entry.arrival,
    )
    detail = entry.detail
    if detail is not None:
        if detail.terms is not None:
            message.terms.CopyFrom(terms_message(detail.terms))
        if detail.outcome is not None:
            message.outcome = OUTCOMES[Outcome(detail.outcome)]
        if detail.expires_at_us is not None:
            message.hold_expire_time.CopyFrom(timestamp(detail.expires_at_us))
    return message

"""Responses: the domain's values as messages of the contract."""

from functools import lru_cache
from typing import Final

from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from flashsale_server.checkout import Call, Fault, Lane, SystemHealth
from flashsale_server.domain import (
    Answer,
    CircuitState,
    Outcome,
    Purchase,
    PurchaseState,
    SaleState,
)
from flashsale_server.grpc_api.error_table import status_of

CameTo = Call | Fault
"""What a request came to: a call with its result, or the fault that kept it out."""

OUTCOMES: Final = {
    Outcome.PURCHASED: pb.OUTCOME_PURCHASED,
    Outcome.HELD: pb.OUTCOME_HELD,
    Outcome.SOLD_OUT: pb.OUTCOME_SOLD_OUT,
    Outcome.INSUFFICIENT_STOCK: pb.OUTCOME_INSUFFICIENT_STOCK,
    Outcome.ALREADY_PURCHASED: pb.OUTCOME_ALREADY_PURCHASED,
    Outcome.USER_LIMIT_REACHED: pb.OUTCOME_USER_LIMIT_REACHED,
    Outcome.NOT_STARTED: pb.OUTCOME_NOT_STARTED,
    Outcome.PAUSED: pb.OUTCOME_PAUSED,
    Outcome.ENDED: pb.OUTCOME_ENDED,
}
SALE_STATES: Final = {
    SaleState.UPCOMING: pb.SALE_STATE_UPCOMING,
    SaleState.LIVE: pb.SALE_STATE_LIVE,
    SaleState.PAUSED: pb.SALE_STATE_PAUSED,
    SaleState.SOLD_OUT: pb.SALE_STATE_SOLD_OUT,
    SaleState.ENDED: pb.SALE_STATE_ENDED,
}
PURCHASE_STATES: Final = {
    PurchaseState.HELD: pb.PURCHASE_STATE_HELD,
    PurchaseState.CONFIRMED: pb.PURCHASE_STATE_CONFIRMED,
    PurchaseState.RELEASED: pb.PURCHASE_STATE_RELEASED,
    PurchaseState.EXPIRED: pb.PURCHASE_STATE_RELEASED,
    PurchaseState.CANCELLED: pb.PURCHASE_STATE_CANCELLED,
}
CIRCUIT_STATES: Final = {
    CircuitState.CLOSED: pb.CIRCUIT_STATE_CLOSED,
    CircuitState.OPEN: pb.CIRCUIT_STATE_OPEN,
    CircuitState.HALF_OPEN: pb.CIRCUIT_STATE_HALF_OPEN,
}
HEALTH: Final = {
    SystemHealth.HEALTHY: pb.SYSTEM_HEALTH_HEALTHY,
    SystemHealth.DEGRADED: pb.SYSTEM_HEALTH_DEGRADED,
    SystemHealth.UNHEALTHY: pb.SYSTEM_HEALTH_UNHEALTHY,
}


def timestamp(instant_us: int) -> Timestamp:
    """An instant in microseconds since 1970 UTC as a Timestamp."""
    seconds, rest_us = divmod(instant_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest_us * 1000)


def write_purchase(message: pb.Purchase, sale_id: str, purchase: Purchase) -> None:
    """Make an empty message say what a purchase is now."""
    message.CopyFrom(
        _purchase_alike(sale_id, purchase.quantity, purchase.state, purchase.recorded_at_us)
    )
    message.purchase_id = purchase.purchase_id
    message.user_id = purchase.user_id
    message.request_id = purchase.request_id
    message.position = purchase.position
    if purchase.expires_at_us is not None:
        message.hold_expire_time.CopyFrom(timestamp(purchase.expires_at_us))


def write_response(
    message: pb.PurchaseResponse, sale_id: str, request_id: str, answer: Answer
) -> None:
    """Make an empty message say what a purchase request came to."""
    message.outcome = OUTCOMES[answer.outcome]
    message.request_id = request_id
    message.sale_id = sale_id
    if answer.replayed:
        message.replayed = True
    if answer.purchase is not None:
        write_purchase(message.purchase, sale_id, answer.purchase)
    if answer.starts_at_us is not None:
        message.start_time.CopyFrom(timestamp(answer.starts_at_us))
    if answer.available_stock is not None:
        message.available_stock = answer.available_stock


def response_of(call: Call) -> pb.PurchaseResponse:
    """What a purchase call came to.

    Raises:
        Fault: it was not answered.
    """
    result = call.result
    if isinstance(result, Answer):
        message = pb.PurchaseResponse()
        write_response(message, call.sale_id, call.request_id, result)
        return message
    if isinstance(result, Fault):
        raise result.with_traceback(None)  # a lane that has stopped has one for everybody
    raise TypeError(f"a purchase cannot come to {result!r}")


def write_result(message: pb.PurchaseResult, request_id: str, came_to: CameTo) -> None:
    """Make an empty message say what a request of a batch or a stream came to."""
    result = came_to if isinstance(came_to, Fault) else came_to.result
    if isinstance(came_to, Call):
        request_id = came_to.request_id
    message.request_id = request_id
    if isinstance(result, Answer) and isinstance(came_to, Call):
        write_response(message.response, came_to.sale_id, request_id, result)
    elif isinstance(result, Fault):
        message.error.CopyFrom(status_of(result))
    else:
        raise TypeError(f"a purchase cannot come to {result!r}")


@lru_cache(maxsize=64)
def _purchase_alike(
    sale_id: str, quantity: int, state: PurchaseState, recorded_at_us: int
) -> pb.Purchase:
    """What the purchases of one append have in common; copying it is quicker than saying it."""
    return pb.Purchase(
        sale_id=sale_id,
        quantity=quantity,
        state=PURCHASE_STATES[state],
        create_time=timestamp(recorded_at_us),
    )


def status_response(lane: Lane, now_us: int, health: SystemHealth) -> pb.StatusResponse:
    """The state of a lane's sale."""
    sale = lane.inventory
    terms = sale.terms
    response = pb.StatusResponse(
        sale_id=lane.sale_id,
        title=terms.title,
        state=SALE_STATES[sale.state_at(now_us)],
        total_stock=sale.total_stock,
        available_stock=sale.available_stock,
        held_stock=sale.held_stock,
        sold_stock=sale.sold_stock,
        sold_out=sale.available_stock == 0,
        start_time=timestamp(terms.starts_at_us),
        per_user_limit=terms.per_user_limit,
        queue_length=lane.queue_length,
        system_health=HEALTH[health],
        position=sale.last_position,
        server_time=timestamp(now_us),
        paused=sale.is_paused,
    )
    if terms.ends_at_us is not None:
        response.end_time.CopyFrom(timestamp(terms.ends_at_us))
    if terms.hold_us:
        response.hold_duration.FromMicroseconds(terms.hold_us)
    return response

"""Batches of purchases, as they come and as they are answered: by row, or by column.

By row, each request and each result is a message of its own, and can say everything. By column,
only what nearly all of them say is written, each kind in one list; what does not fit is a row among
`others`. A message costs more to read and to write than a purchase costs to decide on, so that is
what the SDK sends.
"""

from collections.abc import Sequence
from typing import Final

from flashsale.v1 import flash_sale_pb2 as pb

from flashsale_server.checkout import Call, Fault, InvalidFields, Order, Violation
from flashsale_server.domain import Answer, Outcome
from flashsale_server.grpc_api.requests import (
    DEFAULT_SALE,
    check_batch_size,
    check_sale_id,
    is_plain,
    order_of,
)
from flashsale_server.grpc_api.responses import OUTCOMES, CameTo, write_result

_REFUSALS_WITHOUT_MORE: Final = frozenset(
    {Outcome.SOLD_OUT, Outcome.USER_LIMIT_REACHED, Outcome.PAUSED, Outcome.ENDED}
)


def orders_of(request: pb.BatchPurchaseRequest) -> list[Order | Fault]:
    """The order that each request of a batch makes, or what is wrong with it.

    Raises:
        InvalidFields: the batch itself is malformed.
    """
    if not request.HasField("columns"):
        check_batch_size("requests", len(request.requests))
        return [_order_or_fault(item, request.sale_id) for item in request.requests]
    if request.requests:
        raise InvalidFields([Violation("columns", "must not be set beside requests")])
    return _orders_by_column(request.columns, request.sale_id or DEFAULT_SALE)


def batch_response(
    request: pb.BatchPurchaseRequest, came_to: Sequence[CameTo]
) -> pb.BatchPurchaseResponse:
    """The answer to a batch: what each of its requests came to."""
    response = pb.BatchPurchaseResponse()
    if request.HasField("columns"):
        _write_columns(response.columns, request.columns.request_ids, came_to)
    else:
        for item, came in zip(request.requests, came_to, strict=True):
            write_result(response.results.add(), item.request_id, came)
    return response


def _order_or_fault(request: pb.PurchaseRequest, sale_id: str) -> Order | Fault:
    try:
        return order_of(request, sale_id)
    except Fault as fault:
        return fault


def _orders_by_column(columns: pb.PurchaseColumns, sale_id: str) -> list[Order | Fault]:
    user_ids = list(columns.user_ids)
    request_ids = list(columns.request_ids)
    check_batch_size("columns.user_ids", len(user_ids))
    violations: list[Violation] = []
    check_sale_id(violations, "sale_id", sale_id)
    if len(request_ids) != len(user_ids):
        violations.append(Violation("columns.request_ids", "must be as many as user_ids"))
    if not all(request_ids):
        violations.append(Violation("columns.request_ids", "must not be empty"))
    if violations:
        raise InvalidFields(violations)
    if is_plain(*user_ids, *request_ids):
        return [
            Order(user_id, request_id, sale_id=sale_id)
            for user_id, request_id in zip(user_ids, request_ids, strict=True)
        ]
    return [
        _order_or_fault(pb.PurchaseRequest(user_id=user_id, request_id=request_id), sale_id)
        for user_id, request_id in zip(user_ids, request_ids, strict=True)
    ]


def _write_columns(
    columns: pb.ResultColumns, request_ids: Sequence[str], came_to: Sequence[CameTo]
) -> None:
    outcomes: list[pb.Outcome] = []
    purchases = []
    for place, came in enumerate(came_to):
        result = came.result if isinstance(came, Call) else came
        if isinstance(result, Answer) and not result.replayed:
            if result.outcome is Outcome.PURCHASED and result.purchase is not None:
                purchases.append(result.purchase)
                outcomes.append(pb.OUTCOME_PURCHASED)
                continue
            if result.outcome in _REFUSALS_WITHOUT_MORE:
                outcomes.append(OUTCOMES[result.outcome])
                continue
        write_result(columns.others.add(place=place).result, request_ids[place], came)
        outcomes.append(pb.OUTCOME_UNSPECIFIED)
    columns.outcomes.extend(outcomes)
    columns.purchase_ids.extend([purchase.purchase_id for purchase in purchases])
    columns.positions.extend([purchase.position for purchase in purchases])
    columns.create_times_us.extend([purchase.recorded_at_us for purchase in purchases])

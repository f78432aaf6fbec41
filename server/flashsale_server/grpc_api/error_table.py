"""The error table: how each fault looks on the wire. There is no other place that says so.

Every error status carries one google.rpc.ErrorInfo with domain "flashsale" and a reason of
ErrorReason. Where waiting helps there is a RetryInfo; malformed fields are listed in a BadRequest,
missing things in a ResourceInfo, a used-up quota in a QuotaFailure, and states that do not allow
what was asked in a PreconditionFailure.
"""

from collections.abc import Iterator
from typing import Final

import grpc
import structlog
from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from flashsale_server.checkout import (
    BodyTooLarge,
    CircuitOpen,
    DeadlineExceeded,
    EtagMismatch,
    Fault,
    HoldExpired,
    HoldReleased,
    InvalidFields,
    LedgerRefused,
    MethodNotAllowed,
    NotAllowed,
    NotEnoughUnsold,
    NotFound,
    OutcomeUnknown,
    PathNotFound,
    PermissionDenied,
    PurchaseCancelled,
    PurchaseConfirmed,
    PurchaseNotFound,
    QueueFull,
    RequestIdReused,
    SaleEnded,
    SaleExists,
    SaleNotFound,
    SaleUnreadable,
    ShuttingDown,
    TooManyConnections,
    TooManyWatchers,
    Unauthenticated,
    UserRateLimited,
)

DOMAIN: Final = "flashsale"

ERROR_TABLE: Final[dict[type[Fault], tuple[grpc.StatusCode, pb.ErrorReason]]] = {
    InvalidFields: (grpc.StatusCode.INVALID_ARGUMENT, pb.ERROR_REASON_INVALID_FIELD),
    RequestIdReused: (grpc.StatusCode.INVALID_ARGUMENT, pb.ERROR_REASON_REQUEST_ID_REUSED),
    SaleNotFound: (grpc.StatusCode.NOT_FOUND, pb.ERROR_REASON_SALE_NOT_FOUND),
    PurchaseNotFound: (grpc.StatusCode.NOT_FOUND, pb.ERROR_REASON_PURCHASE_NOT_FOUND),
    SaleExists: (grpc.StatusCode.ALREADY_EXISTS, pb.ERROR_REASON_SALE_EXISTS),
    HoldExpired: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_HOLD_EXPIRED),
    HoldReleased: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_HOLD_RELEASED),
    PurchaseConfirmed: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_PURCHASE_CONFIRMED),
    PurchaseCancelled: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_PURCHASE_CANCELLED),
    SaleEnded: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_SALE_ENDED),
    NotEnoughUnsold: (grpc.StatusCode.FAILED_PRECONDITION, pb.ERROR_REASON_NOT_ENOUGH_UNSOLD),
    EtagMismatch: (grpc.StatusCode.ABORTED, pb.ERROR_REASON_ETAG_MISMATCH),
    Unauthenticated: (grpc.StatusCode.UNAUTHENTICATED, pb.ERROR_REASON_UNAUTHENTICATED),
    PermissionDenied: (grpc.StatusCode.PERMISSION_DENIED, pb.ERROR_REASON_PERMISSION_DENIED),
    UserRateLimited: (grpc.StatusCode.RESOURCE_EXHAUSTED, pb.ERROR_REASON_USER_RATE_LIMITED),
    DeadlineExceeded: (grpc.StatusCode.DEADLINE_EXCEEDED, pb.ERROR_REASON_DEADLINE_EXCEEDED),
    QueueFull: (grpc.StatusCode.UNAVAILABLE, pb.ERROR_REASON_QUEUE_FULL),
    CircuitOpen: (grpc.StatusCode.UNAVAILABLE, pb.ERROR_REASON_CIRCUIT_OPEN),
    OutcomeUnknown: (grpc.StatusCode.UNAVAILABLE, pb.ERROR_REASON_OUTCOME_UNKNOWN),
    LedgerRefused: (grpc.StatusCode.UNAVAILABLE, pb.ERROR_REASON_LEDGER_UNAVAILABLE),
    SaleUnreadable: (grpc.StatusCode.UNAVAILABLE, pb.ERROR_REASON_SALE_UNREADABLE),
    ShuttingDown: (grpc.StatusCode.UNAVAILABLE, pb.ERROR_REASON_SHUTTING_DOWN),
    TooManyWatchers: (grpc.StatusCode.UNAVAILABLE, pb.ERROR_REASON_TOO_MANY_WATCHERS),
    TooManyConnections: (grpc.StatusCode.UNAVAILABLE, pb.ERROR_REASON_TOO_MANY_CONNECTIONS),
    PathNotFound: (grpc.StatusCode.UNIMPLEMENTED, pb.ERROR_REASON_PATH_NOT_FOUND),
    MethodNotAllowed: (grpc.StatusCode.UNIMPLEMENTED, pb.ERROR_REASON_METHOD_NOT_ALLOWED),
    BodyTooLarge: (grpc.StatusCode.RESOURCE_EXHAUSTED, pb.ERROR_REASON_BODY_TOO_LARGE),
}
"""A fault's status and reason, by its exact class."""

_REASON_PREFIX: Final = "ERROR_REASON_"

_log = structlog.get_logger(__name__)


def status_of(error: Exception) -> status_pb2.Status:
    """How an exception looks on the wire. One that is no fault is logged, not described."""
    if not isinstance(error, Fault):
        _log.error("unexpected error", exc_info=error)
        return _status(
            grpc.StatusCode.INTERNAL,
            "the server failed; its log says how",
            _error_info(pb.ERROR_REASON_INTERNAL),
        )
    code, reason = ERROR_TABLE[type(error)]
    metadata = {}
    if isinstance(error, OutcomeUnknown) and error.request_id:
        metadata["request_id"] = error.request_id
    return _status(code, error.message, _error_info(reason, metadata), *_details(error))


def reason_of(fault: type[Fault]) -> str:
    """The reason of a fault as ErrorInfo carries it: "QUEUE_FULL"."""
    return _reason_name(ERROR_TABLE[fault][1])


def _reason_name(reason: pb.ErrorReason) -> str:
    return pb.ErrorReason.Name(reason).removeprefix(_REASON_PREFIX)


def _details(fault: Fault) -> Iterator[Message]:
    match fault:
        case InvalidFields():
            yield error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=item.field, description=item.description
                    )
                    for item in fault.violations
                ]
            )
        case NotFound():
            yield error_details_pb2.ResourceInfo(
                resource_type=fault.resource_type, resource_name=fault.name
            )
        case SaleExists():
            yield error_details_pb2.ResourceInfo(resource_type="sale", resource_name=fault.name)
        case NotAllowed():
            yield error_details_pb2.PreconditionFailure(
                violations=[
                    error_details_pb2.PreconditionFailure.Violation(
                        type=reason_of(type(fault)),
                        subject=fault.subject,
                        description=fault.message,
                    )
                ]
            )
        case UserRateLimited():
            yield error_details_pb2.QuotaFailure(
                violations=[
                    error_details_pb2.QuotaFailure.Violation(
                        subject=f"user:{fault.user_id}",
                        description=f"{fault.limit_per_minute} attempts a minute",
                    )
                ]
            )
        case _:
            pass
    if fault.retry_after_seconds is not None:
        delay = Duration()
        delay.FromMicroseconds(max(1, int(fault.retry_after_seconds * 1e6)))
        yield error_details_pb2.RetryInfo(retry_delay=delay)


def _error_info(
    reason: pb.ErrorReason, metadata: dict[str, str] | None = None
) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(
        reason=_reason_name(reason), domain=DOMAIN, metadata=metadata or {}
    )


def _status(code: grpc.StatusCode, message: str, *details: Message) -> status_pb2.Status:
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status

"""Everything that this SDK raises. A refusal such as SOLD_OUT is a result, and not here.

FlashSaleError
|-- InvalidRequest          the request is malformed; `violations` names every field
|   `-- RequestIdReused     the request id was used before, with another quantity
|-- NotFound
|   |-- SaleNotFound
|   `-- PurchaseNotFound
|-- PreconditionFailed      not in this state of the sale or the purchase
|   |-- HoldExpired         the hold's time is over
|   |-- HoldReleased        the hold was given back
|   |-- PurchaseConfirmed   the purchase is final
|   |-- PurchaseCancelled   the shop has taken the purchase back
|   |-- SaleEnded           the sale is over, and cannot be changed any more
|   `-- NotEnoughUnsold     fewer units are unsold than were to be taken away
|-- Conflict                what somebody else has done is in the way
|   |-- EtagMismatch        the sale was changed since its etag was read
|   `-- SaleExists          there is a sale with this id
|-- RateLimited             too many attempts of this user within a minute
|-- DeadlineExceeded        no time was left, and nothing was decided
|-- Unauthenticated         no credentials, or bad ones
|-- PermissionDenied        these credentials do not allow it
|-- ServerFailed            a fault of the server, or an answer that nobody understands
|-- ClientClosed            the client was closed before the request was sent
`-- Unavailable             nothing was decided; try again later
    |-- ConnectionFailed    the server cannot be reached
    |-- QueueFull           too many calls wait already
    |-- CircuitOpen         the ledger failed several times in a row
    |-- LedgerUnavailable   the ledger did not take it
    |-- SaleUnreadable      the server cannot read the sale's ledger
    |-- ShuttingDown        the server is about to stop
    |-- TooManyWatchers     as many streams watch as the server allows
    `-- OutcomeUnknown      it may or may not have been done: ask again with the same id, or look
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one field, named by its path in the request."""

    field: str
    description: str


class FlashSaleError(Exception):
    """A call that was not answered.

    Attributes:
        message: why, in a sentence.
        reason: the server's ErrorReason without its prefix, such as "QUEUE_FULL"; "" when the
            error did not come from the server.
        request_id: the purchase request's id, where the error is about one.
        retry_after_seconds: how long to wait before asking again, where waiting helps.
        violations: what is wrong with the request's fields.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        request_id: str | None = None,
        retry_after_seconds: float | None = None,
        violations: Iterable[Violation] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.request_id = request_id
        self.retry_after_seconds = retry_after_seconds
        self.violations = tuple(violations)


class InvalidRequest(FlashSaleError):
    """The request is malformed; `violations` names every field."""


class RequestIdReused(InvalidRequest):
    """The request id was used before, with another quantity."""


class NotFound(FlashSaleError):
    """Something that the request names does not exist."""


class SaleNotFound(NotFound):
    """There is no such sale."""


class PurchaseNotFound(NotFound):
    """There is no such purchase."""


class PreconditionFailed(FlashSaleError):
    """The sale or the purchase is not in a state that allows this."""


class HoldExpired(PreconditionFailed):
    """The hold's time is over; its units are on sale again."""


class HoldReleased(PreconditionFailed):
    """The hold was given back; its units are on sale again."""


class PurchaseConfirmed(PreconditionFailed):
    """The purchase is final."""


class PurchaseCancelled(PreconditionFailed):
    """The shop has taken the purchase back."""


class SaleEnded(PreconditionFailed):
    """The sale is over, and cannot be changed any more."""


class NotEnoughUnsold(PreconditionFailed):
    """Fewer units are unsold than were to be taken away."""


class Conflict(FlashSaleError):
    """What somebody else has done is in the way."""


class EtagMismatch(Conflict):
    """The sale was changed since its etag was read; read it again and decide anew."""


class SaleExists(Conflict):
    """There is a sale with this id."""


class RateLimited(FlashSaleError):
    """Too many attempts of this user within a minute."""


class DeadlineExceeded(FlashSaleError):
    """No time was left, and nothing was decided."""


class Unauthenticated(FlashSaleError):
    """There are no credentials, or bad ones."""


class PermissionDenied(FlashSaleError):
    """These credentials do not allow it."""


class ServerFailed(FlashSaleError):
    """A fault of the server, or an answer that this version does not understand."""


class ClientClosed(FlashSaleError):
    """The client was closed before the request was sent."""


class Unavailable(FlashSaleError):
    """Nothing was decided; the same request may be tried again later."""


class ConnectionFailed(Unavailable):
    """The server cannot be reached; nothing was sent."""


class QueueFull(Unavailable):
    """Too many calls wait already."""


class CircuitOpen(Unavailable):
    """The ledger failed several times in a row."""


class LedgerUnavailable(Unavailable):
    """The ledger did not take it; nothing was done."""


class SaleUnreadable(Unavailable):
    """The server cannot read the sale's ledger."""


class ShuttingDown(Unavailable):
    """The server is about to stop."""


class TooManyWatchers(Unavailable):
    """As many streams watch as the server allows."""


class OutcomeUnknown(Unavailable):
    """It may or may not have been done.

    Of a purchase: ask again with the same request id and `retry`. Of a change: look, and ask again
    where it is not done; with an etag it is not done twice.
    """


REASONS: Final[dict[str, type[FlashSaleError]]] = {
    "INVALID_FIELD": InvalidRequest,
    "REQUEST_ID_REUSED": RequestIdReused,
    "SALE_NOT_FOUND": SaleNotFound,
    "PURCHASE_NOT_FOUND": PurchaseNotFound,
    "HOLD_EXPIRED": HoldExpired,
    "ETAG_MISMATCH": EtagMismatch,
    "USER_RATE_LIMITED": RateLimited,
    "QUEUE_FULL": QueueFull,
    "CIRCUIT_OPEN": CircuitOpen,
    "OUTCOME_UNKNOWN": OutcomeUnknown,
    "SHUTTING_DOWN": ShuttingDown,
    "LEDGER_UNAVAILABLE": LedgerUnavailable,
    "SALE_UNREADABLE": SaleUnreadable,
    "TOO_MANY_WATCHERS": TooManyWatchers,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "UNAUTHENTICATED": Unauthenticated,
    "PERMISSION_DENIED": PermissionDenied,
    "INTERNAL": ServerFailed,
    "PATH_NOT_FOUND": ServerFailed,
    "METHOD_NOT_ALLOWED": ServerFailed,
    "BODY_TOO_LARGE": InvalidRequest,
    "HOLD_RELEASED": HoldReleased,
    "PURCHASE_CONFIRMED": PurchaseConfirmed,
    "PURCHASE_CANCELLED": PurchaseCancelled,
    "SALE_EXISTS": SaleExists,
    "SALE_ENDED": SaleEnded,
    "NOT_ENOUGH_UNSOLD": NotEnoughUnsold,
    "TOO_MANY_CONNECTIONS": Unavailable,
}
"""The class of each of the server's reasons."""

# For errors without a reason: made by the transport, or by something between here and the server.
_CODES: Final[dict[int, type[FlashSaleError]]] = {
    code_pb2.INVALID_ARGUMENT: InvalidRequest,
    code_pb2.OUT_OF_RANGE: InvalidRequest,
    code_pb2.RESOURCE_EXHAUSTED: InvalidRequest,
    code_pb2.NOT_FOUND: NotFound,
    code_pb2.FAILED_PRECONDITION: PreconditionFailed,
    code_pb2.ABORTED: Conflict,
    code_pb2.UNAUTHENTICATED: Unauthenticated,
    code_pb2.PERMISSION_DENIED: PermissionDenied,
    code_pb2.UNAVAILABLE: ConnectionFailed,
    code_pb2.DEADLINE_EXCEEDED: DeadlineExceeded,
}

# What ended so may have been done before the connection, or the time, was over.
_OF_UNKNOWN_FATE: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
)

# Errors of one try that leave open what became of the tries before it.
SAYS_NOTHING_OF_EARLIER_TRIES: Final = (
    ClientClosed,
    DeadlineExceeded,
    RateLimited,
    ServerFailed,
    Unavailable,
)

# How the transport says that it never got through to anybody.
_NEVER_SENT: Final = ("failed to connect to all addresses", "DNS resolution failed")


def error_of_status(status: status_pb2.Status, request_id: str | None = None) -> FlashSaleError:
    """The error that a google.rpc.Status describes."""
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    bad = error_details_pb2.BadRequest()
    wait: float | None = None
    for detail in status.details:
        if detail.Unpack(retry):
            wait = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
        elif not detail.Unpack(info):
            detail.Unpack(bad)
    error = REASONS.get(info.reason) or _CODES.get(status.code, ServerFailed)
    return error(
        status.message,
        reason=info.reason,
        request_id=info.metadata.get("request_id") or request_id,
        retry_after_seconds=wait,
        violations=[Violation(item.field, item.description) for item in bad.field_violations],
    )


def error_of_call(
    error: grpc.RpcError, request_id: str | None = None, *, may_be_done: bool | None = None
) -> FlashSaleError:
    """The error that a failed call ended with.

    Args:
        error: how it failed.
        request_id: given where it was a purchase.
        may_be_done: whether the call could do anything; None for whether it was a purchase.
    """
    if may_be_done is None:
        may_be_done = request_id is not None
    if not isinstance(error, grpc.aio.AioRpcError):
        return ServerFailed(str(error), request_id=request_id)
    status = _status_of_call(error)
    if status is not None:
        return error_of_status(status, request_id)
    details = error.details() or error.code().name
    is_sent = not details.startswith(_NEVER_SENT)
    if may_be_done and is_sent and error.code() in _OF_UNKNOWN_FATE:
        return OutcomeUnknown(details, request_id=request_id)
    kind = _CODES.get(error.code().value[0], ServerFailed)
    return kind(details, request_id=request_id)


def _status_of_call(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    """What the server says of its error; None when it says nothing, or nothing readable."""
    try:
        return rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what is read of a call
    except (DecodeError, ValueError):
        return None

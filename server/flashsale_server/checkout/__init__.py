"""The checkout: all lanes.

It admits a call, queues it, decides a batch under the lock, appends, and answers.
"""

from flashsale_server.checkout.admission import Order
from flashsale_server.checkout.call import Call, CallResult, all_settled, result_of
from flashsale_server.checkout.caller import Caller, deadline_in
from flashsale_server.checkout.cancellation import is_being_cancelled
from flashsale_server.checkout.checkout import Checkout, CheckoutLimits
from flashsale_server.checkout.clock import Clock, SystemClock
from flashsale_server.checkout.faults import (
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
    Unavailable,
    UserRateLimited,
    Violation,
)
from flashsale_server.checkout.feed import Recorded
from flashsale_server.checkout.lane import Lane
from flashsale_server.checkout.meters import (
    BUCKET_BOUNDS_SECONDS,
    NOTED_MAX,
    OTHER_SALES,
    Durations,
    Meters,
)
from flashsale_server.checkout.metrics_history import MetricsHistory, MetricsSample
from flashsale_server.checkout.request_meters import RequestMeter, RequestMeters
from flashsale_server.checkout.tracing import TRACE_HEADERS, BatchTrace, BatchTracer, CallSpan
from flashsale_server.checkout.watching import Watching
from flashsale_server.checkout.wellness import SystemHealth, Wellness, wellness_of

__all__ = [
    "BUCKET_BOUNDS_SECONDS",
    "NOTED_MAX",
    "OTHER_SALES",
    "TRACE_HEADERS",
    "BatchTrace",
    "BatchTracer",
    "BodyTooLarge",
    "Call",
    "CallResult",
    "CallSpan",
    "Caller",
    "Checkout",
    "CheckoutLimits",
    "CircuitOpen",
    "Clock",
    "DeadlineExceeded",
    "Durations",
    "EtagMismatch",
    "Fault",
    "HoldExpired",
    "HoldReleased",
    "InvalidFields",
    "Lane",
    "LedgerRefused",
    "Meters",
    "MethodNotAllowed",
    "MetricsHistory",
    "MetricsSample",
    "NotAllowed",
    "NotEnoughUnsold",
    "NotFound",
    "Order",
    "OutcomeUnknown",
    "PathNotFound",
    "PermissionDenied",
    "PurchaseCancelled",
    "PurchaseConfirmed",
    "PurchaseNotFound",
    "QueueFull",
    "Recorded",
    "RequestIdReused",
    "RequestMeter",
    "RequestMeters",
    "SaleEnded",
    "SaleExists",
    "SaleNotFound",
    "SaleUnreadable",
    "ShuttingDown",
    "SystemClock",
    "SystemHealth",
    "TooManyConnections",
    "TooManyWatchers",
    "Unauthenticated",
    "Unavailable",
    "UserRateLimited",
    "Violation",
    "Watching",
    "Wellness",
    "all_settled",
    "deadline_in",
    "is_being_cancelled",
    "result_of",
    "wellness_of",
]

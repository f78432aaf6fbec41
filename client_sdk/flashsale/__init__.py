"""Flash Sale: the SDK.

    async with AsyncClient("127.0.0.1:50051") as client:
        result = await client.purchase("user-1")
        if result.outcome is Outcome.PURCHASED:
            print(result.purchase.purchase_id)

`client.admin` is for the shop. `Client` has the same methods for ordinary code and threads.
"""

from flashsale.admin import Admin
from flashsale.async_admin import AsyncAdmin
from flashsale.async_client import AsyncClient
from flashsale.async_hold import AsyncHold
from flashsale.channel import TLS
from flashsale.client import Client
from flashsale.errors import (
    CircuitOpen,
    ClientClosed,
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    EtagMismatch,
    FlashSaleError,
    HoldExpired,
    HoldReleased,
    InvalidRequest,
    LedgerUnavailable,
    NotEnoughUnsold,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    PreconditionFailed,
    PurchaseCancelled,
    PurchaseConfirmed,
    PurchaseNotFound,
    QueueFull,
    RateLimited,
    RequestIdReused,
    SaleEnded,
    SaleExists,
    SaleNotFound,
    SaleUnreadable,
    ServerFailed,
    ShuttingDown,
    TooManyWatchers,
    Unauthenticated,
    Unavailable,
    Violation,
)
from flashsale.hold import Hold
from flashsale.metrics import Metrics, MetricsSample
from flashsale.results import (
    Answered,
    CircuitState,
    Health,
    Order,
    Outcome,
    Purchase,
    PurchaseResult,
    PurchaseState,
    SaleState,
    SaleStatus,
    SystemHealth,
    UserPurchases,
)
from flashsale.retries import Retries
from flashsale.sales import UNCHANGED, Entry, EntryKind, Sale, SaleTerms, Unchanged

__all__ = [
    "TLS",
    "UNCHANGED",
    "Admin",
    "Answered",
    "AsyncAdmin",
    "AsyncClient",
    "AsyncHold",
    "CircuitOpen",
    "CircuitState",
    "Client",
    "ClientClosed",
    "Conflict",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Entry",
    "EntryKind",
    "EtagMismatch",
    "FlashSaleError",
    "Health",
    "Hold",
    "HoldExpired",
    "HoldReleased",
    "InvalidRequest",
    "LedgerUnavailable",
    "Metrics",
    "MetricsSample",
    "NotEnoughUnsold",
    "NotFound",
    "Order",
    "Outcome",
    "OutcomeUnknown",
    "PermissionDenied",
    "PreconditionFailed",
    "Purchase",
    "PurchaseCancelled",
    "PurchaseConfirmed",
    "PurchaseNotFound",
    "PurchaseResult",
    "PurchaseState",
    "QueueFull",
    "RateLimited",
    "RequestIdReused",
    "Retries",
    "Sale",
    "SaleEnded",
    "SaleExists",
    "SaleNotFound",
    "SaleState",
    "SaleStatus",
    "SaleTerms",
    "SaleUnreadable",
    "ServerFailed",
    "ShuttingDown",
    "SystemHealth",
    "TooManyWatchers",
    "Unauthenticated",
    "Unavailable",
    "Unchanged",
    "UserPurchases",
    "Violation",
]

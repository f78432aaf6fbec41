"""Flash Sale: the SDK.

    async with AsyncClient("127.0.0.1:50051") as client:
        result = await client.purchase("user-1")
        if result.outcome is Outcome.PURCHASED:
            print(result.purchase.purchase_id)

`Client` has the same methods for ordinary code and threads.
"""

from flashsale.async_client import AsyncClient
from flashsale.channel import TLS
from flashsale.client import Client
from flashsale.errors import (
    CircuitOpen,
    ClientClosed,
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    FlashSaleError,
    HoldExpired,
    InvalidRequest,
    LedgerUnavailable,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    PreconditionFailed,
    PurchaseNotFound,
    QueueFull,
    RateLimited,
    RequestIdReused,
    SaleNotFound,
    SaleUnreadable,
    ServerFailed,
    ShuttingDown,
    TooManyWatchers,
    Unauthenticated,
    Unavailable,
    Violation,
)
from flashsale.results import (
    Answered,
    CircuitState,
    Health,
    Metrics,
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

__all__ = [
    "TLS",
    "Answered",
    "AsyncClient",
    "CircuitOpen",
    "CircuitState",
    "Client",
    "ClientClosed",
    "Conflict",
    "ConnectionFailed",
    "DeadlineExceeded",
    "FlashSaleError",
    "Health",
    "HoldExpired",
    "InvalidRequest",
    "LedgerUnavailable",
    "Metrics",
    "NotFound",
    "Order",
    "Outcome",
    "OutcomeUnknown",
    "PermissionDenied",
    "PreconditionFailed",
    "Purchase",
    "PurchaseNotFound",
    "PurchaseResult",
    "PurchaseState",
    "QueueFull",
    "RateLimited",
    "RequestIdReused",
    "Retries",
    "SaleNotFound",
    "SaleState",
    "SaleStatus",
    "SaleUnreadable",
    "ServerFailed",
    "ShuttingDown",
    "SystemHealth",
    "TooManyWatchers",
    "Unauthenticated",
    "Unavailable",
    "UserPurchases",
    "Violation",
]

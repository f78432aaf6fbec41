"""Roles: which RPCs each kind of caller may ask. This is the one table of it.

    admin    everything
    buyer    what the contract gives to buyers: FlashSaleService
    metrics  looks at sales and servers, and changes nothing

An RPC that no row names is the admin's alone, so that a new one is not open by oversight.
"""

import enum
from typing import Final


class Role(enum.StrEnum):
    """What a caller is to the shop."""

    BUYER = "buyer"
    ADMIN = "admin"
    METRICS = "metrics"


_BUYERS: Final = "flashsale.v1.FlashSaleService"
_SHOPS: Final = "flashsale.v1.SaleAdminService"

BUYER_RPCS: Final = frozenset(
    f"{_BUYERS}/{method}"
    for method in (
        "Status",
        "WatchStatus",
        "Purchase",
        "BatchPurchase",
        "StreamPurchases",
        "GetPurchase",
        "ConfirmPurchase",
        "ReleasePurchase",
        "Metrics",
        "Health",
    )
)
METRICS_RPCS: Final = frozenset(
    {
        f"{_BUYERS}/Status",
        f"{_BUYERS}/WatchStatus",
        f"{_BUYERS}/Metrics",
        f"{_BUYERS}/Health",
        f"{_SHOPS}/GetSale",
        f"{_SHOPS}/ListSales",
        f"{_SHOPS}/WatchMetrics",
        f"{_SHOPS}/WatchSales",
    }
)
HEALTH_RPCS: Final = frozenset(
    {
        f"{_BUYERS}/Health",
        "grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/List",
        "grpc.health.v1.Health/Watch",
    }
)
"""What probes ask, which often have no token."""

REFLECTION_SERVICES: Final = frozenset(
    {"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
)
"""What tools ask to learn the contract."""


def may_ask(role: Role, rpc: str) -> bool:
    """Whether a role may ask an RPC, named as "package.Service/Method"."""
    if role is Role.ADMIN or rpc in HEALTH_RPCS or rpc.partition("/")[0] in REFLECTION_SERVICES:
        return True
    return rpc in (BUYER_RPCS if role is Role.BUYER else METRICS_RPCS)

"""The gRPC door: servicers, the error table, health and reflection.

The servicer here answers for every door: it takes a message and a caller, and returns a message or
raises a fault.
"""

from flashsale_server.grpc_api.error_table import ERROR_TABLE, reason_of, status_of
from flashsale_server.grpc_api.flash_sale_servicer import FlashSaleServicer
from flashsale_server.grpc_api.requests import DEFAULT_SALE
from flashsale_server.grpc_api.sale_admin_servicer import SaleAdminServicer
from flashsale_server.grpc_api.serving import GrpcServer

__all__ = [
    "DEFAULT_SALE",
    "ERROR_TABLE",
    "FlashSaleServicer",
    "GrpcServer",
    "SaleAdminServicer",
    "reason_of",
    "status_of",
]

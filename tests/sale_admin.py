"""What the tests of the shop's RPCs share: a server with a sale of holds, and what it refuses."""

import contextlib
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc
from flashsale.v1 import sale_admin_pb2 as apb
from flashsale.v1 import sale_admin_pb2_grpc as admin_rpc
from flashsale_server.ledger import Ledger
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.servers import Running, running

HOLD = Duration(seconds=30)


@dataclass(frozen=True, slots=True)
class Shop:
    """A server of this process, and stubs of a buyer's and of the shop's."""

    server: Running
    buyer: "rpc.FlashSaleServiceAsyncStub"
    admin: "admin_rpc.SaleAdminServiceAsyncStub"

    async def make(self, sale_id: str = "hats", **sale: object) -> apb.Sale:
        """A sale of 5 units unless told otherwise."""
        terms = apb.Sale(**{"total_stock": 5, **sale})  # type: ignore[arg-type]  # by name, whichever
        return await self.admin.CreateSale(apb.CreateSaleRequest(sale_id=sale_id, sale=terms))

    async def buy(
        self, user_id: str, quantity: int = 1, *, sale_id: str = "hats", request_id: str = ""
    ) -> pb.PurchaseResponse:
        return await self.buyer.Purchase(
            pb.PurchaseRequest(
                user_id=user_id, quantity=quantity, sale_id=sale_id, request_id=request_id
            )
        )

    async def sale(self, sale_id: str = "hats") -> apb.Sale:
        return await self.admin.GetSale(apb.GetSaleRequest(sale_id=sale_id))


@contextlib.asynccontextmanager
async def open_shop(ledger: Ledger | None = None, **settings: str) -> AsyncIterator[Shop]:
    """A server, and the shop's way to it."""
    async with running(ledger, **settings) as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield Shop(server, server.stub, admin_rpc.SaleAdminServiceStub(channel))


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error as it reached the caller."""

    code: grpc.StatusCode
    reason: str
    fields: list[str]
    subject: str


async def refusal(call: Awaitable[object]) -> Refusal:
    """The error that a call must end with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]  # it has what is read of a call
    assert status is not None
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    resource = error_details_pb2.ResourceInfo()
    state = error_details_pb2.PreconditionFailure()
    for detail in status.details:
        assert any(detail.Unpack(item) for item in (info, bad, resource, state)) or (
            detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
        )
    subject = state.violations[0].subject if state.violations else resource.resource_name
    fields = [item.field for item in bad.field_violations]
    return Refusal(caught.value.code(), info.reason, fields, subject)

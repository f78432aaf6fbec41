"""A real gRPC server for the shop, what happens to whose calls a test writes down beforehand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as rpc
from google.protobuf.message import Message

from tests.client_sdk.scripted_server import Context, Turn


class ScriptedAdmin(rpc.SaleAdminServiceServicer):
    """Says yes to every change, and remembers every call.

    Attributes:
        turns: what happens to the next calls, whichever they are; None lets a call through.
        entries: what the next streams of entries bring, each before it ends.
        calls: the names of the calls, as they came.
        watched: the positions after which entries were asked for.
        arrived: is told of each call.
    """

    def __init__(self) -> None:
        self.turns: list[Turn | None] = []
        self.entries: list[list[admin.Entry]] = []
        self.calls: list[str] = []
        self.watched: list[int] = []
        self.arrived: asyncio.Queue[str] = asyncio.Queue()

    async def CreateSale(  # noqa: N802  # the contract's names
        self, request: admin.CreateSaleRequest, context: Context
    ) -> admin.Sale:
        return await self._sale(request, context)

    async def GetSale(self, request: admin.GetSaleRequest, context: Context) -> admin.Sale:  # noqa: N802
        return await self._sale(request, context)

    async def UpdateSale(self, request: admin.UpdateSaleRequest, context: Context) -> admin.Sale:  # noqa: N802
        return await self._sale(request, context)

    async def PauseSale(self, request: admin.PauseSaleRequest, context: Context) -> admin.Sale:  # noqa: N802
        return await self._sale(request, context)

    async def ResumeSale(self, request: admin.ResumeSaleRequest, context: Context) -> admin.Sale:  # noqa: N802
        return await self._sale(request, context)

    async def EndSale(self, request: admin.EndSaleRequest, context: Context) -> admin.Sale:  # noqa: N802
        return await self._sale(request, context)

    async def RestockSale(self, request: admin.RestockSaleRequest, context: Context) -> admin.Sale:  # noqa: N802
        return await self._sale(request, context)

    async def CancelPurchase(  # noqa: N802
        self, request: admin.CancelPurchaseRequest, context: Context
    ) -> pb.Purchase:
        await self._take_turn(request, context)
        return pb.Purchase(purchase_id=request.purchase_id, state=pb.PURCHASE_STATE_CANCELLED)

    async def ListSales(  # noqa: N802
        self, request: admin.ListSalesRequest, context: Context
    ) -> admin.ListSalesResponse:
        await self._take_turn(request, context)
        return admin.ListSalesResponse(sales=[admin.Sale(sale_id="shoes")])

    async def ListPurchases(  # noqa: N802
        self, request: admin.ListPurchasesRequest, context: Context
    ) -> admin.ListPurchasesResponse:
        await self._take_turn(request, context)
        return admin.ListPurchasesResponse(purchases=[pb.Purchase(purchase_id="p-1")])

    async def WatchEntries(  # noqa: N802
        self, request: admin.WatchEntriesRequest, context: Context
    ) -> AsyncIterator[admin.WatchEntriesResponse]:
        self.watched.append(request.after_position)
        await self._take_turn(request, context)
        entries = self.entries.pop(0) if self.entries else []
        yield admin.WatchEntriesResponse(entries=entries)

    async def WatchSales(  # noqa: N802
        self, request: admin.WatchSalesRequest, context: Context
    ) -> AsyncIterator[admin.WatchSalesResponse]:
        await self._take_turn(request, context)
        yield admin.WatchSalesResponse()

    async def WatchMetrics(  # noqa: N802
        self, request: admin.WatchMetricsRequest, context: Context
    ) -> AsyncIterator[admin.WatchMetricsResponse]:
        await self._take_turn(request, context)
        yield admin.WatchMetricsResponse()

    async def _sale(self, request: Message, context: Context) -> admin.Sale:
        await self._take_turn(request, context)
        # Values of a later version, beside what every sale has.
        return admin.Sale(sale_id="shoes", state=77)  # type: ignore[arg-type]  # as told

    async def _take_turn(self, request: Message, context: Context) -> None:
        name = request.DESCRIPTOR.name.removesuffix("Request")
        self.calls.append(name)
        self.arrived.put_nowait(name)
        turn = self.turns.pop(0) if self.turns else None
        if turn is not None:
            await turn(context)


@contextlib.asynccontextmanager
async def scripted_admin() -> AsyncIterator[tuple[str, ScriptedAdmin]]:
    """The address of such a server, and its servicer."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    servicer = ScriptedAdmin()
    rpc.add_SaleAdminServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}", servicer
    finally:
        await server.stop(0)

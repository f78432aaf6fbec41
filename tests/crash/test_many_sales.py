"""Two hundred sales on one server, and kill -9: holds, pauses and restocks are as they were."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as admin_rpc
from google.protobuf.duration_pb2 import Duration

from tests.servers import ServerProcess, server_process

SALES = 200
LONG, SHORT = Duration(seconds=3600), Duration(seconds=6)

pytestmark = pytest.mark.timeout(300)


class Stubs:
    """A buyer's stub and the shop's."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.buyer: rpc.FlashSaleServiceAsyncStub = rpc.FlashSaleServiceStub(channel)
        self.shop: admin_rpc.SaleAdminServiceAsyncStub = admin_rpc.SaleAdminServiceStub(channel)


@contextlib.asynccontextmanager
async def connected(server: ServerProcess) -> AsyncIterator[Stubs]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Stubs(channel)


async def live_through(stubs: Stubs, number: int) -> dict[str, pb.Purchase]:
    """Make a sale and have everything happen to it that an entry can say; its purchases."""
    sale_id = f"sale-{number:03}"
    sale = admin.Sale(total_stock=4, hold_duration=SHORT if number % 4 == 3 else LONG)
    await stubs.shop.CreateSale(admin.CreateSaleRequest(sale_id=sale_id, sale=sale))
    made = {}
    for user_id in ("ann", "bob", "cid"):
        asked = pb.PurchaseRequest(user_id=user_id, sale_id=sale_id, request_id=f"r-{user_id}")
        made[user_id] = (await stubs.buyer.Purchase(asked)).purchase
    bob, cid = ({"sale_id": sale_id, "user_id": user_id} for user_id in ("bob", "cid"))
    await stubs.buyer.ConfirmPurchase(
        pb.ConfirmPurchaseRequest(**bob, purchase_id=made["bob"].purchase_id)
    )
    await stubs.buyer.ReleasePurchase(
        pb.ReleasePurchaseRequest(**cid, purchase_id=made["cid"].purchase_id)
    )
    restock = admin.RestockSaleRequest(sale_id=sale_id, stock_change=number)
    if number:
        await stubs.shop.RestockSale(restock)
    if number % 4 == 1:
        await stubs.shop.PauseSale(admin.PauseSaleRequest(sale_id=sale_id))
    if number % 4 == 2:
        await stubs.shop.EndSale(admin.EndSaleRequest(sale_id=sale_id))
    return made


async def all_sales(stubs: Stubs) -> dict[str, admin.Sale]:
    request = admin.ListSalesRequest(page_size=1000)
    return {sale.sale_id: sale for sale in (await stubs.shop.ListSales(request)).sales}


async def test_two_hundred_sales_are_as_they_were_after_kill_nine(tmp_path: Path) -> None:
    flags = ("--rate-limit-per-minute", "0")
    with server_process(tmp_path, *flags) as server:
        async with connected(server) as stubs:
            lives = [live_through(stubs, number) for number in range(SALES)]
            made = await asyncio.gather(*lives)
            before = await all_sales(stubs)
        server.kill()
    with server_process(tmp_path, *flags) as server:
        async with connected(server) as stubs:
            after = await all_sales(stubs)
            assert len(after) == SALES + 1
            for number in range(SALES):
                await check(stubs, f"sale-{number:03}", made[number], before)
        assert server.terminate() == 0


async def check(
    stubs: Stubs, sale_id: str, made: dict[str, pb.Purchase], before: dict[str, admin.Sale]
) -> None:
    """Check one sale: as it was, but for the hold whose time is over meanwhile."""
    number = int(sale_id.split("-")[1])
    is_short = number % 4 == 3
    deadline = time.monotonic() + 20
    while True:
        sale = await stubs.shop.GetSale(admin.GetSaleRequest(sale_id=sale_id))
        if not is_short:
            assert sale == before[sale_id]
            break
        if not sale.held_stock:
            break
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    assert sale.total_stock == 4 + number
    assert (sale.held_stock, sale.sold_stock) == (0 if is_short else 1, 1)
    assert sale.available_stock == sale.total_stock - sale.held_stock - sale.sold_stock
    states = [pb.SALE_STATE_LIVE, pb.SALE_STATE_PAUSED, pb.SALE_STATE_ENDED, pb.SALE_STATE_LIVE]
    assert sale.state == states[number % 4]
    again = await stubs.buyer.Purchase(
        pb.PurchaseRequest(user_id="ann", sale_id=sale_id, request_id="r-ann")
    )
    assert (again.outcome, again.replayed) == (pb.OUTCOME_HELD, True)
    assert again.purchase.purchase_id == made["ann"].purchase_id
    hold = pb.ConfirmPurchaseRequest(
        sale_id=sale_id, user_id="ann", purchase_id=made["ann"].purchase_id
    )
    if is_short:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stubs.buyer.ConfirmPurchase(hold)
        assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    else:
        confirmed = (await stubs.buyer.ConfirmPurchase(hold)).purchase
        assert confirmed.state == pb.PURCHASE_STATE_CONFIRMED

"""WatchSales over gRPC: every sale first, then what changes, whoever has changed it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as rpc
from flashsale_server.checkout import Caller, MetricsHistory, Watching
from flashsale_server.checkout.watching import CAPACITY
from flashsale_server.domain import Entry, SaleTerms
from flashsale_server.grpc_api import SaleAdminServicer
from google.protobuf.timestamp_pb2 import Timestamp

from tests.checkout.faulty_ledger import append_elsewhere
from tests.checkout.shops import START_US, Shop, open_shop, turns
from tests.sale_admin import open_shop as open_server
from tests.servers import server_process

Answers = AsyncIterator[admin.WatchSalesResponse]


@contextlib.asynccontextmanager
async def followed(
    stock: int = 10,
    *,
    starts_at_us: int = 0,
    ends_at_us: int | None = None,
    capacity: int = CAPACITY,
) -> AsyncIterator[tuple[Shop, Watching, Answers]]:
    """A sale whose clock the test moves, and somebody who watches all sales."""
    async with open_shop(stock, starts_at_us=starts_at_us, ends_at_us=ends_at_us) as shop:
        watching = Watching(shop.checkout, capacity=capacity, heartbeat_seconds=0.6)
        servicer = SaleAdminServicer(shop.checkout, watching, MetricsHistory(shop.checkout))
        answers = servicer.WatchSales(admin.WatchSalesRequest(), Caller())
        async with asyncio.timeout(20):
            yield shop, watching, answers


async def next_sales(answers: Answers) -> list[admin.Sale]:
    """The sales of the next answer that has any."""
    while not (sales := list((await anext(answers)).sales)):
        pass
    return sales


async def test_all_sales_come_first_sorted_and_then_each_that_changes() -> None:
    async with open_server(stock="3") as shop, asyncio.timeout(20):
        await shop.make("hats", title="Hats")
        await shop.make("boots")
        stream = shop.admin.WatchSales(admin.WatchSalesRequest())
        sales = aiter(stream)
        first = await next_sales(sales)
        assert [sale.sale_id for sale in first] == ["boots", "default", "hats"]
        assert first[2] == await shop.sale("hats")
        await shop.buy("ann", sale_id="hats")
        (bought,) = await next_sales(sales)
        assert (bought.sale_id, bought.available_stock, bought.sold_stock) == ("hats", 4, 1)
        await shop.make("socks")
        assert [sale.sale_id for sale in await next_sales(sales)] == ["socks"]
        await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="boots"))
        (paused,) = await next_sales(sales)
        assert (paused.sale_id, paused.state) == ("boots", pb.SALE_STATE_PAUSED)
        assert paused.etag != first[0].etag


async def test_many_sales_come_in_parts() -> None:
    async with followed() as (shop, _, answers):
        for number in range(249):
            await shop.checkout.open_sale(f"s-{number:03}", SaleTerms(), 1)
        parts = [(await anext(answers)).sales for _ in range(3)]
        assert [len(part) for part in parts] == [100, 100, 50]
        sale_ids = [sale.sale_id for part in parts for sale in part]
        assert sale_ids == sorted(sale_ids)


async def test_changes_that_come_faster_than_twice_a_second_are_told_as_one() -> None:
    async with followed() as (shop, _, answers):
        await anext(answers)
        for user_id in ("ann", "bob", "cid"):
            await shop.buy(user_id)
        (sale,) = await next_sales(answers)
        assert (sale.sold_stock, sale.position) == (3, 4)


async def test_a_refusal_changes_nothing_and_quiet_is_broken_by_a_sign_of_life() -> None:
    async with followed(stock=0) as (shop, _, answers):
        assert len((await anext(answers)).sales) == 1
        await shop.buy("ann")
        assert list((await anext(answers)).sales) == []


async def test_a_start_and_an_end_are_told_when_they_come() -> None:
    second = 1_000_000
    starts_at_us, ends_at_us = START_US + second, START_US + 2 * second
    async with followed(starts_at_us=starts_at_us, ends_at_us=ends_at_us) as (shop, _, answers):
        assert [sale.state for sale in await next_sales(answers)] == [pb.SALE_STATE_UPCOMING]
        shop.clock.move(1)
        assert [sale.state for sale in await next_sales(answers)] == [pb.SALE_STATE_LIVE]
        shop.clock.move(1)
        assert [sale.state for sale in await next_sales(answers)] == [pb.SALE_STATE_ENDED]


async def test_a_sale_that_starts_by_itself_is_told_in_time() -> None:
    async with open_server() as shop, asyncio.timeout(20):
        sales = aiter(shop.admin.WatchSales(admin.WatchSalesRequest()))
        await next_sales(sales)
        start = Timestamp()
        start.FromDatetime(datetime.now(UTC) + timedelta(seconds=1))
        await shop.make("hats", start_time=start)
        states = [sale.state for _ in range(2) for sale in await next_sales(sales)]
        assert states == [pb.SALE_STATE_UPCOMING, pb.SALE_STATE_LIVE]


async def test_a_sale_that_cannot_be_read_is_left_out_and_the_others_go_on() -> None:
    async with followed() as (shop, _, answers):
        await shop.checkout.open_sale("hats", SaleTerms(), 5)
        assert len(await next_sales(answers)) == 2
        await append_elsewhere(shop.ledger, Entry("of a later version"))
        while shop.lane.stopped is None:
            await anext(answers)
        assert shop.lane.sale_id == "sale"
        await shop.checkout.open_sale("socks", SaleTerms(), 5)
        assert [sale.sale_id for sale in await next_sales(answers)] == ["socks"]


async def test_what_another_process_makes_and_sells_is_told(tmp_path: Path) -> None:
    flags = ("--ledger", "sqlite:///flash-sale.db?shared=1", "--stock", "50")
    with server_process(tmp_path, *flags) as one, server_process(tmp_path, *flags) as other:
        async with (
            asyncio.timeout(30),
            grpc.aio.insecure_channel(one.address) as near,
            grpc.aio.insecure_channel(other.address) as far,
        ):
            shop: rpc.SaleAdminServiceAsyncStub = rpc.SaleAdminServiceStub(near)
            elsewhere: rpc.SaleAdminServiceAsyncStub = rpc.SaleAdminServiceStub(far)
            sales = aiter(shop.WatchSales(admin.WatchSalesRequest()))
            assert [sale.sale_id for sale in await next_sales(sales)] == ["default"]
            hats = admin.CreateSaleRequest(sale_id="hats", sale=admin.Sale(total_stock=5))
            await elsewhere.CreateSale(hats)
            assert [sale.sale_id for sale in await next_sales(sales)] == ["hats"]
            await elsewhere.RestockSale(admin.RestockSaleRequest(sale_id="default", stock_change=7))
            assert [sale.total_stock for sale in await next_sales(sales)] == [57]


async def test_watchers_are_counted_and_bounded_and_leave_nothing_behind() -> None:
    async with followed(capacity=1) as (_, watching, answers):
        before = asyncio.all_tasks()
        await anext(answers)
        assert watching.count == 1
        assert asyncio.all_tasks() > before
        second = watching.looks_at_all(0.5)
        refused = await asyncio.gather(anext(second), return_exceptions=True)
        assert [type(error).__name__ for error in refused] == ["TooManyWatchers"]
        watching.close()
        assert [list(answer.sales) async for answer in answers] == [[]]
        assert watching.count == 0
        await turns()
        assert asyncio.all_tasks() == before


async def test_it_ends_when_the_server_stops_with_the_last_change() -> None:
    async with open_server(stock="3") as shop, asyncio.timeout(20):
        stream = shop.admin.WatchSales(admin.WatchSalesRequest())
        answers = aiter(stream)
        await anext(answers)
        await shop.buy("ann", sale_id="default")
        stopping = asyncio.create_task(shop.server.server.stop())
        sold = 0
        async for answer in answers:
            sold = max([sold, *(sale.sold_stock for sale in answer.sales)])
        assert sold == 1
        assert await stream.code() is grpc.StatusCode.OK
        await stopping

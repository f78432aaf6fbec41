"""The SDK's view of all sales, across a server that goes away."""

import asyncio
import itertools
from pathlib import Path

from flashsale import AsyncClient, Client, SaleState

from tests.servers import back_at, running, server_process


async def test_sales_are_values_and_come_when_they_change() -> None:
    async with running(stock="3") as shop, AsyncClient(shop.address) as client, asyncio.timeout(20):
        await client.admin.create_sale("boots", total_stock=5, title="Boots")
        sales = client.admin.watch_sales()
        boots, default = await anext(sales), await anext(sales)
        assert (boots.sale_id, boots.terms.title, boots.available_stock) == ("boots", "Boots", 5)
        assert boots == await client.admin.get_sale("boots")
        assert (default.sale_id, default.state) == ("default", SaleState.LIVE)
        await client.purchase("ann", sale_id="boots")
        sold = await anext(sales)
        assert (sold.sale_id, sold.sold_stock) == ("boots", 1)


async def test_it_goes_on_with_what_has_changed_when_the_server_is_back(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "5") as server:
        async with AsyncClient(server.address) as client, asyncio.timeout(60):
            await client.admin.create_sale("boots", total_stock=5)
            sales = client.admin.watch_sales()
            before = [await anext(sales), await anext(sales)]
            server.kill()
            async with back_at(server.address, tmp_path):
                await client.admin.pause_sale("default")
                after = await anext(sales)
    assert [sale.sale_id for sale in before] == ["boots", "default"]
    assert (after.sale_id, after.state) == ("default", SaleState.PAUSED)


def test_from_ordinary_code_they_are_iterated(tmp_path: Path) -> None:
    with server_process(tmp_path) as server, Client(server.address) as client:
        client.admin.create_sale("boots", total_stock=5)
        first, second = itertools.islice(client.admin.watch_sales(), 2)
    assert [first.sale_id, second.sale_id] == ["boots", "default"]

"""kill -9 of the server and of a consumer of its feed: the table of orders is exact in the end."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as admin_rpc
from flashsale_server.ledger import ChainAudit, open_snapshot

from tests.servers import ServerProcess, server_process

CONSUMER = Path(__file__).parents[2] / "docs" / "order_consumer.py"
BUYERS = 16
KILLS = 14
QUICKLY = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200)]
STATES = {
    "purchased": "CONFIRMED",
    "held": "HELD",
    "confirmed": "CONFIRMED",
    "released": "RELEASED",
    "expired": "EXPIRED",
    "cancelled": "CANCELLED",
}

pytestmark = pytest.mark.timeout(300)


class Shop:
    """A server that can be killed and started again at the same address, and its buyers."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self.address = f"127.0.0.1:{listening.getsockname()[1]}"
        self.answered = 0
        self._folder = folder
        self._exit = contextlib.ExitStack()
        self._numbers = iter(range(1_000_000))
        self._chance = random.Random(7)
        self._server: ServerProcess | None = None

    async def start(self) -> None:
        flags = ("--grpc-address", self.address, "--stock", "100000", "--hold-seconds", "1")
        starting = server_process(self._folder, *flags, "--rate-limit-per-minute", "0")
        self._server = await asyncio.to_thread(self._exit.enter_context, starting)

    async def kill(self) -> None:
        assert self._server is not None
        self._server.kill()
        await self.start()

    def close(self) -> None:
        self._exit.close()

    @contextlib.asynccontextmanager
    async def crowd(self) -> AsyncIterator[None]:
        """Buyers who hold, confirm, release, cancel, or let it be, until the end."""
        async with grpc.aio.insecure_channel(self.address, QUICKLY) as channel:
            buying = [asyncio.create_task(self._buy_on(channel)) for _ in range(BUYERS)]
            yield
            for task in buying:
                task.cancel()
            ends = await asyncio.gather(*buying, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends

    async def _buy_on(self, channel: grpc.aio.Channel) -> None:
        while True:
            # Whoever is cut off by a kill goes on with the next purchase.
            with contextlib.suppress(grpc.aio.AioRpcError):
                await self._buy(channel, f"u-{next(self._numbers)}")
                self.answered += 1

    async def _buy(self, channel: grpc.aio.Channel, user_id: str) -> None:
        stub: rpc.FlashSaleServiceAsyncStub = rpc.FlashSaleServiceStub(channel)
        shop: admin_rpc.SaleAdminServiceAsyncStub = admin_rpc.SaleAdminServiceStub(channel)
        request = pb.PurchaseRequest(user_id=user_id)
        answer = await stub.Purchase(request, wait_for_ready=True, timeout=20)
        assert answer.outcome == pb.OUTCOME_HELD
        purchase_id = answer.purchase.purchase_id
        match self._chance.randrange(5):
            case 0 | 1:
                await stub.ConfirmPurchase(
                    pb.ConfirmPurchaseRequest(user_id=user_id, purchase_id=purchase_id)
                )
            case 2:
                await stub.ReleasePurchase(
                    pb.ReleasePurchaseRequest(user_id=user_id, purchase_id=purchase_id)
                )
            case 3:
                await shop.CancelPurchase(
                    admin.CancelPurchaseRequest(
                        sale_id="default", user_id=user_id, purchase_id=purchase_id
                    )
                )

    async def quiet_position(self) -> int:
        """The last position once every hold has ended."""
        async with grpc.aio.insecure_channel(self.address) as channel:
            shop: admin_rpc.SaleAdminServiceAsyncStub = admin_rpc.SaleAdminServiceStub(channel)

            async def sale() -> admin.Sale:
                return await shop.GetSale(
                    admin.GetSaleRequest(sale_id="default"), wait_for_ready=True
                )

            async with asyncio.timeout(20):
                while (now := await sale()).held_stock:
                    pass
                return now.position


class Consumer:
    """The consumer of the docs, in a process of its own."""

    def __init__(self, address: str, path: Path) -> None:
        self._command = [sys.executable, str(CONSUMER), address, "default", str(path)]
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, env=dict(os.environ))

    def kill(self) -> None:
        assert self._process is not None
        assert self._process.poll() is None, "the consumer ended by itself"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def position(self) -> int:
        with contextlib.suppress(sqlite3.OperationalError):
            rows = rows_of(self._path, "SELECT position FROM progress")
            return int(str(rows[0][0])) if rows else 0
        return 0


def rows_of(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path, timeout=20)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # other processes bring it about
            await asyncio.sleep(0.02)


async def test_the_orders_are_exact_whoever_is_killed_and_whenever(tmp_path: Path) -> None:
    chance = random.Random(20261127)
    shop = Shop(tmp_path)
    consumer = Consumer(shop.address, tmp_path / "orders.db")
    await shop.start()
    consumer.start()
    try:
        async with shop.crowd():
            for kill in range(KILLS):
                seen, answered = consumer.position(), shop.answered
                until_then = seen + chance.randint(1, 200)
                await until(lambda then=until_then: consumer.position() >= then)  # type: ignore[misc]  # bound early
                await until(lambda then=answered + 1: shop.answered >= then)  # type: ignore[misc]
                if kill % 2:
                    consumer.kill()
                    consumer.start()
                else:
                    await shop.kill()
        last = await shop.quiet_position()
        await until(lambda: consumer.position() >= last)
    finally:
        consumer.kill()
        shop.close()

    with open_snapshot(f"sqlite:///{tmp_path}/flash-sale.db") as snapshot:
        audit = ChainAudit("default")
        found = [item for append in snapshot.appends("default") for item in audit.findings(append)]
    assert found == []
    expected: dict[object, tuple[object, ...]] = {}
    kinds = set()
    query = "SELECT kind, purchase_id, user_id, quantity, position FROM entries ORDER BY position"
    for kind, purchase_id, user_id, quantity, position in rows_of(
        tmp_path / "flash-sale.db", query
    ):
        kinds.add(kind)
        if kind in STATES:
            _, first = expected.get(purchase_id, (None, position))
            expected[purchase_id] = (user_id, quantity, STATES[str(kind)]), first
    assert {"held", "confirmed", "released", "expired", "cancelled"} <= kinds
    orders = {
        purchase_id: (tuple(order), position)
        for purchase_id, *order, position in rows_of(
            tmp_path / "orders.db",
            "SELECT purchase_id, user_id, quantity, state, position FROM orders",
        )
    }
    assert orders == expected
    (progress,) = rows_of(tmp_path / "orders.db", "SELECT position, available_stock FROM progress")
    ledger = rows_of(
        tmp_path / "flash-sale.db", "SELECT max(position), sum(stock_change) FROM entries"
    )
    assert progress == ledger[0]

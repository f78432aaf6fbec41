"""kill -9 in the middle of a rush: what was acknowledged is there, once, and nothing else is."""

import asyncio
import random
import sqlite3
from pathlib import Path

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc

from tests.servers import ServerProcess, server_process

ROUNDS = 24
CALLERS = 40
STOCK = 100_000

pytestmark = pytest.mark.timeout(300)


class Crowd:
    """Buyers who keep buying until the server dies, and remember what they were told."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.acknowledged: dict[str, pb.Purchase] = {}
        self.answered = 0

    async def rush(self, address: str, kill_after: int, server: ServerProcess) -> None:
        """Buy through a few connections; kill the server once `kill_after` were answered."""
        async with (
            grpc.aio.insecure_channel(address) as one,
            grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)]) as two,
        ):
            stubs = [rpc.FlashSaleServiceStub(one), rpc.FlashSaleServiceStub(two)]
            self.answered = 0
            await asyncio.gather(
                *(self._buy(stubs[n % 2], kill_after, server) for n in range(CALLERS))
            )

    async def _buy(
        self, stub: "rpc.FlashSaleServiceAsyncStub", kill_after: int, server: ServerProcess
    ) -> None:
        while True:
            key = f"{len(self.asked)}"
            self.asked.add(key)
            try:
                answer = await stub.Purchase(
                    pb.PurchaseRequest(user_id=f"u-{key}", request_id=f"r-{key}")
                )
            except grpc.aio.AioRpcError:
                return
            assert answer.outcome == pb.OUTCOME_PURCHASED
            self.acknowledged[key] = answer.purchase
            self.answered += 1
            if self.answered == kill_after:
                server.kill()


def entries_in(ledger: Path) -> list[tuple[str, str, str, int]]:
    connection = sqlite3.connect(ledger)
    try:
        return connection.execute(
            "SELECT user_id, request_id, purchase_id, position FROM entries "
            "WHERE kind = 'purchased' ORDER BY position"
        ).fetchall()
    finally:
        connection.close()


async def test_what_was_acknowledged_survives_kill_nine_at_any_moment(tmp_path: Path) -> None:
    crowd = Crowd()
    chance = random.Random(20261124)
    flags = ("--stock", str(STOCK), "--rate-limit-per-minute", "0")
    for _ in range(ROUNDS):
        with server_process(tmp_path, *flags) as server:
            await crowd.rush(server.address, chance.randint(1, 400), server)
    with server_process(tmp_path, *flags) as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub = rpc.FlashSaleServiceStub(channel)
            status = await stub.Status(pb.StatusRequest())
            unknown = sorted(crowd.asked - crowd.acknowledged.keys())
            again = [
                await stub.Purchase(pb.PurchaseRequest(user_id=f"u-{key}", request_id=f"r-{key}"))
                for key in unknown
            ]
            for key in list(crowd.acknowledged)[:50]:
                mine = await stub.GetPurchase(pb.GetPurchaseRequest(user_id=f"u-{key}"))
                assert list(mine.purchases) == [crowd.acknowledged[key]]
        assert server.terminate() == 0

    held = entries_in(tmp_path / "flash-sale.db")
    by_request = {request_id: (user, purchase, at) for user, request_id, purchase, at in held}
    assert len(by_request) == len(held), "a request bought twice"
    assert set(by_request) == {f"r-{key}" for key in crowd.asked}, "a purchase nobody asked for"
    for key, purchase in crowd.acknowledged.items():
        expected = (f"u-{key}", purchase.purchase_id, purchase.position)
        assert by_request[f"r-{key}"] == expected
    assert all(answer.outcome == pb.OUTCOME_PURCHASED for answer in again)
    assert status.sold_stock == len(held) - sum(not answer.replayed for answer in again)
    assert status.available_stock + status.sold_stock == STOCK

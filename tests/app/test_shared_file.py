"""Two server processes that sell from one SQLite file."""

import asyncio
from collections import Counter
from pathlib import Path

import grpc
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as admin_rpc

from tests.servers import server_process


async def test_two_hundred_buyers_at_both_of_two_servers_get_fifty_units(tmp_path: Path) -> None:
    flags = ("--ledger", "sqlite:///flash-sale.db?shared=1", "--stock", "50")
    with server_process(tmp_path, *flags) as one, server_process(tmp_path, *flags) as two:
        async with (
            grpc.aio.insecure_channel(one.address) as first,
            grpc.aio.insecure_channel(two.address) as second,
        ):
            stubs = [rpc.FlashSaleServiceStub(first), rpc.FlashSaleServiceStub(second)]
            answers = await asyncio.gather(
                *(
                    stub.Purchase(
                        pb.PurchaseRequest(user_id=f"u-{number}", request_id=f"r-{number}")
                    )
                    for number in range(200)
                    for stub in stubs
                )
            )
            statuses = [await stub.Status(pb.StatusRequest()) for stub in stubs]
            looked_up = await stubs[0].GetPurchase(pb.GetPurchaseRequest(user_id="u-0"))
        assert one.terminate() == 0
        assert two.terminate() == 0
    pairs = [(answers[2 * number], answers[2 * number + 1]) for number in range(200)]
    assert all(left.outcome == right.outcome for left, right in pairs)
    assert all(left.purchase == right.purchase for left, right in pairs)
    outcomes = Counter(left.outcome for left, _ in pairs)
    assert outcomes == {pb.OUTCOME_PURCHASED: 50, pb.OUTCOME_SOLD_OUT: 150}
    assert [status.sold_stock for status in statuses] == [50, 50]
    assert looked_up.purchased == (pairs[0][0].outcome == pb.OUTCOME_PURCHASED)


async def test_the_feeds_of_both_of_two_servers_are_equal(tmp_path: Path) -> None:
    flags = ("--ledger", "sqlite:///flash-sale.db?shared=1", "--stock", "500")
    buyers = 400

    async def feed(channel: grpc.aio.Channel) -> list[admin.Entry]:
        stub: admin_rpc.SaleAdminServiceAsyncStub = admin_rpc.SaleAdminServiceStub(channel)
        entries: list[admin.Entry] = []
        async with asyncio.timeout(60):
            async for answer in stub.WatchEntries(admin.WatchEntriesRequest(sale_id="default")):
                entries += answer.entries
                if sum(entry.kind == admin.ENTRY_KIND_PURCHASED for entry in entries) == buyers:
                    break
        return entries

    with server_process(tmp_path, *flags) as one, server_process(tmp_path, *flags) as two:
        async with (
            grpc.aio.insecure_channel(one.address) as first,
            grpc.aio.insecure_channel(two.address) as second,
        ):
            stubs = [rpc.FlashSaleServiceStub(first), rpc.FlashSaleServiceStub(second)]
            feeds = [asyncio.create_task(feed(channel)) for channel in (first, second)]

            async def buy(number: int) -> None:
                for turn in range(20):
                    user_id = f"u-{number}-{turn}"
                    await stubs[number % 2].Purchase(pb.PurchaseRequest(user_id=user_id))

            await asyncio.gather(*(buy(number) for number in range(buyers // 20)))
            seen = [await entries for entries in feeds]
    assert seen[0] == seen[1]
    assert [entry.position for entry in seen[0]] == list(range(1, len(seen[0]) + 1))
    assert len({entry.node for entry in seen[0]}) == 2

"""The change feed over gRPC: from any position, past ones first, no gap, no repeat, in bounds."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as rpc
from flashsale_server.checkout import Caller, MetricsHistory, Watching
from flashsale_server.grpc_api import SaleAdminServicer
from flashsale_server.ledger import Append
from flashsale_server.ledger.memory import MemoryLedger

from tests.checkout.shops import open_shop
from tests.ledger.audited_days import FINAL, Row, chained, opened, order, renumbered
from tests.servers import Running, running

K = admin.EntryKind


async def entries_after(
    channel: grpc.aio.Channel, after: int, sale_id: str = "default"
) -> AsyncIterator[admin.Entry]:
    stub: rpc.SaleAdminServiceAsyncStub = rpc.SaleAdminServiceStub(channel)
    request = admin.WatchEntriesRequest(sale_id=sale_id, after_position=after)
    async for answer in stub.WatchEntries(request):
        for entry in answer.entries:
            yield entry


async def read_to(channel: grpc.aio.Channel, after: int, last: int) -> list[admin.Entry]:
    """The entries after a position up to another, which the stream must bring by itself."""
    found = []
    async with asyncio.timeout(20):
        async for entry in entries_after(channel, after):
            found.append(entry)
            if entry.position >= last:
                break
    return found


async def buy_together(shop: Running, *users: str) -> None:
    """Several purchases in one call, so that they share a row of the ledger."""
    requests = [pb.PurchaseRequest(user_id=user, request_id=f"r-{user}") for user in users]
    await shop.stub.BatchPurchase(pb.BatchPurchaseRequest(requests=requests))


async def test_it_begins_after_any_position_also_in_the_middle_of_a_row() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        await buy_together(shop, "ann", "bob", "cid")
        await buy_together(shop, "dan", "eve")
        whole = await read_to(channel, 0, 6)
        assert [entry.position for entry in whole] == [1, 2, 3, 4, 5, 6]
        assert [entry.kind for entry in whole] == [
            K.ENTRY_KIND_OPENED,
            *[K.ENTRY_KIND_PURCHASED] * 5,
        ]
        for after in range(6):
            assert await read_to(channel, after, 6) == whole[after:]


async def test_past_entries_come_first_and_then_each_as_it_becomes_durable() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        await buy_together(shop, "ann")
        stream = entries_after(channel, 0)
        async with asyncio.timeout(20):
            assert [(await anext(stream)).position for _ in range(2)] == [1, 2]
            await buy_together(shop, "bob")
            live = await anext(stream)
        assert (live.position, live.user_id, live.request_id) == (3, "bob", "r-bob")
        assert (live.stock_change, live.quantity, live.arrival) == (-1, 1, 2)
        assert live.node == shop.server.node


async def test_from_the_end_it_waits_for_what_comes() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        reading = asyncio.create_task(read_to(channel, 1, 2))
        await buy_together(shop, "ann")
        assert [entry.position for entry in await reading] == [2]


@pytest.mark.parametrize("after", [-1, 2, 2**62])
async def test_a_position_that_is_not_there_is_refused(after: int) -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await anext(entries_after(channel, after))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "after_position" in str(caught.value.details())


async def test_an_unknown_sale_has_no_feed() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await anext(entries_after(channel, 0, "nope"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_under_load_of_several_writers_no_stream_has_a_gap_or_a_repeat() -> None:
    async with running(stock="3000") as shop, grpc.aio.insecure_channel(shop.address) as channel:

        async def write(writer: int) -> None:
            for number in range(60):
                await buy_together(shop, *(f"u-{writer}-{number}-{n}" for n in range(5)))

        async def read_and_resume(after: int) -> list[int]:
            """Read on in pieces, each a new stream after the last position of the one before."""
            positions: list[int] = []
            while (last := positions[-1] if positions else after) < 2401:
                positions += [
                    entry.position for entry in await read_to(channel, last, min(last + 300, 2401))
                ]
            return positions

        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(read_to(channel, 0, 2401)) for _ in range(3)]
            resuming = group.create_task(read_and_resume(1))
            for writer in range(8):
                group.create_task(write(writer))
    whole = readers[0].result()
    assert [entry.position for entry in whole] == list(range(1, 2402))
    assert len({entry.purchase_id for entry in whole[1:]}) == 2400
    assert all(reader.result() == whole for reader in readers)
    assert resuming.result() == list(range(2, 2402))


class CountingLedger(MemoryLedger):
    """Counts the rows that were read of it."""

    def __init__(self) -> None:
        super().__init__()
        self.rows_read = 0

    async def read(self, sale_id: str, after: int) -> AsyncIterator[Append]:
        async for append in super().read(sale_id, after):
            self.rows_read += 1
            yield append


async def test_a_reader_who_is_slow_has_little_of_the_ledger_in_the_servers_memory() -> None:
    ledger, rows = CountingLedger(), [Row(0, 0, "a", (opened(1_000_000, FINAL),))]
    for number in range(600):
        of_row = range(number * 200, number * 200 + 200)
        bought = tuple(order("purchased", f"{n:0128}", n, 1, n + 1) for n in of_row)
        rows.append(Row(0, 2_000_000, "a", bought))
    for append in chained(renumbered(rows)):  # some 25 MB
        await ledger.append(append)
    async with running(ledger) as shop, grpc.aio.insecure_channel(shop.address) as channel:
        stub: rpc.SaleAdminServiceAsyncStub = rpc.SaleAdminServiceStub(channel)
        ledger.rows_read = 0
        stream = stub.WatchEntries(admin.WatchEntriesRequest(sale_id="hats"))
        answers = aiter(stream)
        await anext(answers)
        # As long as the server reads on, it is watched; when it has not for a hundred answers of
        # its own, it waits for the reader.
        unchanged, seen = 0, 0
        while unchanged < 100:
            await shop.stub.Status(pb.StatusRequest())
            unchanged = unchanged + 1 if ledger.rows_read == seen else 0
            seen = ledger.rows_read
        assert seen < 300, "the server reads on for somebody who does not"
        positions = [1]
        while positions[-1] < 120_001:
            answer = await anext(answers)
            positions += [entry.position for entry in answer.entries]
        assert positions == list(range(1, 120_002))
        stream.cancel()


async def test_a_server_that_stops_sends_what_is_durable_and_ends_the_stream() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        stream = entries_after(channel, 0)
        await anext(stream)
        await buy_together(shop, "ann")
        stopping = asyncio.create_task(shop.server.stop())
        async with asyncio.timeout(20):
            assert [entry.user_id async for entry in stream] == ["ann"]
            await stopping


async def test_after_quiet_time_an_empty_answer_is_a_sign_of_life() -> None:
    async with open_shop() as shop:
        watching = Watching(shop.checkout, heartbeat_seconds=0.1)
        servicer = SaleAdminServicer(shop.checkout, watching, MetricsHistory(shop.checkout))
        answers = servicer.WatchEntries(admin.WatchEntriesRequest(sale_id="sale"), Caller())
        async with asyncio.timeout(20):
            counts = [len((await anext(answers)).entries) for _ in range(4)]
            assert counts == [1, 0, 0, 0]
            await shop.buy("ann")
            while not (answer := await anext(answers)).entries:
                pass
        assert [entry.user_id for entry in answer.entries] == ["ann"]
        assert watching.count == 1
        watching.close()
        assert [len(answer.entries) async for answer in answers] == [0]
        assert watching.count == 0


async def test_who_hangs_up_is_forgotten() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        stub: rpc.SaleAdminServiceAsyncStub = rpc.SaleAdminServiceStub(channel)
        stream = stub.WatchEntries(admin.WatchEntriesRequest(sale_id="default"))
        await stream.read()
        assert (await shop.stub.Metrics(pb.MetricsRequest())).watchers == 1
        stream.cancel()
        async with asyncio.timeout(20):
            while (await shop.stub.Metrics(pb.MetricsRequest())).watchers:
                pass

"""Slow and greedy clients harm themselves alone: while each does its worst, somebody else buys."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import grpc
import httpx
import pytest
from flashsale import AsyncClient
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as admin_rpc
from flashsale_server.json_gateway import http_protocol

from tests.servers import Running, running

Pipe = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connected(shop: Running, host: str = "127.0.0.1") -> AsyncIterator[Pipe]:
    port = shop.server.http_port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def buys_over_http(shop: Running, user_id: str, host: str = "127.0.0.2") -> bool:
    transport = httpx.AsyncHTTPTransport(local_address=host)
    async with httpx.AsyncClient(base_url=shop.url, transport=transport, timeout=10) as web:
        answer = await web.post("/flash-sale/purchase", json={"userId": user_id})
    bought: bool = answer.status_code == 200 and answer.json()["outcome"] == "OUTCOME_PURCHASED"
    return bought


HEAD = b"POST /flash-sale/purchase HTTP/1.1\r\nhost: shop\r\n"


@pytest.mark.parametrize(
    "begun",
    [b"", b"POST /flash", HEAD, HEAD + b"content-length: 99\r\n\r\n{"],
    ids=["nothing", "a part of a line", "a part of a head", "a part of a body"],
)
async def test_a_request_that_never_ends_is_ended(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 1.0)
    async with running() as shop, connected(shop) as (reader, writer):
        writer.write(begun)
        assert await buys_over_http(shop, "ann")
        answer = await asyncio.wait_for(reader.read(), 20)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"INVALID_FIELD" in answer
        assert await buys_over_http(shop, "bob")


async def test_a_request_that_drips_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 1.0)
    async with running() as shop, connected(shop) as (reader, writer):
        ended = asyncio.ensure_future(reader.read())
        writer.write(HEAD + b"x: ")
        while not ended.done():
            with contextlib.suppress(OSError):
                writer.write(b"x")
            await asyncio.wait((ended,), timeout=0.2)
        assert (await ended).startswith(b"HTTP/1.1 408 ")


async def test_a_stream_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.1)
    async with running() as shop, connected(shop) as (reader, writer):
        writer.write(
            b"POST /flash-sale/purchase:stream HTTP/1.1\r\nhost: shop\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        async with connected(shop) as (other, _):
            # Whoever is looked for at the same time has been found by now.
            assert (await asyncio.wait_for(other.read(), 20)).startswith(b"HTTP/1.1 408 ")
        line = b'{"request":{"userId":"ann"}}\n'
        writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(line), line))
        answer = await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 20)
        assert b"OUTCOME_PURCHASED" in answer


async def test_one_address_takes_no_more_than_half_of_the_connections() -> None:
    async with running(max_connections="8") as shop, contextlib.AsyncExitStack() as stack:
        pipes = [await stack.enter_async_context(connected(shop)) for _ in range(12)]
        refused = 0
        for reader, _ in pipes[4:]:
            answer = await asyncio.wait_for(reader.read(), 10)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"TOO_MANY_CONNECTIONS" in answer
            assert b"retry-after: 1" in answer
            refused += 1
        assert refused == 8
        for number in range(5):  # each leaves room for the next
            assert await buys_over_http(shop, f"u-{number}")
        for _, writer in pipes:
            writer.close()
        for reader, _ in pipes[:4]:
            await reader.read()
        assert await buys_over_http(shop, "ann", "127.0.0.1")


async def test_all_addresses_together_take_no_more_than_there_are() -> None:
    hosts = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
    async with running(max_connections="4") as shop, contextlib.AsyncExitStack() as stack:
        pipes = [
            await stack.enter_async_context(connected(shop, host))
            for host in hosts
            for _ in range(2)
        ]
        for reader, _ in pipes[4:]:
            assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 503 ")
        async with AsyncClient(shop.address) as client:  # gRPC has connections of its own
            assert (await client.purchase("ann")).is_bought


async def test_gRPC_takes_no_more_connections_than_it_may() -> None:  # noqa: N802  # its name
    async with running(max_connections="4") as shop, contextlib.AsyncExitStack() as stack:
        port = shop.server.grpc_port
        pipes = []
        for _ in range(8):  # one is the stub's
            pipes.append(await asyncio.open_connection("127.0.0.1", port))
            stack.callback(pipes[-1][1].close)
        reading = [asyncio.ensure_future(reader.read()) for reader, _ in pipes]
        done, open_still = await asyncio.wait(reading, timeout=3)
        assert len(open_still) <= 4
        assert len(done) >= 4
        for task in open_still:
            task.cancel()
        async with httpx.AsyncClient(base_url=shop.url) as web:
            assert (await web.get("/flash-sale/status")).status_code == 200


async def test_who_does_not_read_an_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "UNREAD_SECONDS", 0.5)
    async with running(stock="5000") as shop, connected(shop) as (reader, writer):
        async with AsyncClient(shop.address) as client:
            users = (f"u-{number}" + "x" * 100 for number in range(5000))
            await asyncio.gather(*(client.purchase(user_id) for user_id in users))
        for _ in range(20):
            writer.write(
                b"GET /v1/sales/default/purchases?pageSize=1000 HTTP/1.1\r\nhost: shop\r\n\r\n"
            )
        # With nobody to read from its small buffer, the transport soon stops reading.
        async with asyncio.timeout(20):
            while not writer.transport.is_closing():
                writer.write(b"\r\n")  # or the end of the connection would go unnoticed
                assert not await buys_over_http(shop, "nobody")  # sold out, and answered
        assert not reader.at_eof()


async def test_metadata_that_is_too_large_is_refused() -> None:
    async with running() as shop:
        large = (("x-large", "x" * 100_000),)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"), metadata=large)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        async with AsyncClient(shop.address) as client:
            assert (await client.purchase("bob")).is_bought


async def test_who_never_reads_a_feed_holds_up_nobody() -> None:
    async with running(stock="20000") as shop, contextlib.AsyncExitStack() as stack:
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(shop.address))
        stub: admin_rpc.SaleAdminServiceAsyncStub = admin_rpc.SaleAdminServiceStub(channel)
        request = admin.WatchEntriesRequest(sale_id="default")
        feeds = [stub.WatchEntries(request) for _ in range(20)]
        reader, writer = await stack.enter_async_context(connected(shop))
        writer.write(b"GET /v1/sales/default/entries:watch HTTP/1.1\r\nhost: shop\r\n\r\n")
        await reader.read(1)
        before = (await shop.stub.Health(pb.HealthRequest())).memory_bytes
        async with AsyncClient(shop.address) as client:
            for crowd in range(10):
                results = await asyncio.gather(
                    *(client.purchase(f"u-{crowd}-{number}" + "x" * 90) for number in range(2000))
                )
                assert all(result.is_bought for result in results)
        grown = (await shop.stub.Health(pb.HealthRequest())).memory_bytes - before
        # 20,000 purchases of some 1 KB each are kept once; 21 copies of the feed would be 200 MB.
        assert grown < 120_000_000
        for feed in feeds:
            feed.cancel()

"""Crowds at every door: exactly as many are sold as there are, whichever way people come in."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from flashsale import AsyncClient
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc

from tests.http_client import HttpClient
from tests.servers import ServerProcess, server_process

Buy = Callable[[str], Awaitable[str]]
CONNECTIONS = 4
HTTP_CONNECTIONS = 200

pytestmark = pytest.mark.timeout(300)


@asynccontextmanager
async def grpc_door(server: ServerProcess) -> AsyncIterator[Buy]:
    """Unary calls over several connections."""
    async with AsyncExitStack() as stack:
        own = [("grpc.use_local_subchannel_pool", 1)]
        stubs = [
            rpc.FlashSaleServiceStub(
                await stack.enter_async_context(grpc.aio.insecure_channel(server.address, own))
            )
            for _ in range(CONNECTIONS)
        ]

        async def buy(user_id: str) -> str:
            stub = stubs[hash(user_id) % CONNECTIONS]
            answer = await stub.Purchase(pb.PurchaseRequest(user_id=user_id))
            return pb.Outcome.Name(answer.outcome).removeprefix("OUTCOME_")

        yield buy


@asynccontextmanager
async def sdk_door(server: ServerProcess) -> AsyncIterator[Buy]:
    """The SDK."""
    async with AsyncClient(server.address, timeout=60.0) as client:

        async def buy(user_id: str) -> str:
            return (await client.purchase(user_id)).outcome.value

        yield buy


@asynccontextmanager
async def json_door(server: ServerProcess) -> AsyncIterator[Buy]:
    """HTTP and JSON."""
    async with HttpClient(server.url, connections=HTTP_CONNECTIONS) as client:

        async def buy(user_id: str) -> str:
            status, answer = await client.post("/flash-sale/purchase", {"userId": user_id})
            assert status == 200, answer
            outcome = answer["outcome"]
            assert isinstance(outcome, str)
            return outcome.removeprefix("OUTCOME_")

        yield buy


@asynccontextmanager
async def every_door(server: ServerProcess) -> AsyncIterator[Buy]:
    """Each user by another door."""
    async with grpc_door(server) as one, sdk_door(server) as two, json_door(server) as three:
        doors = [one, two, three]

        async def buy(user_id: str) -> str:
            return await doors[int(user_id.rpartition("-")[2]) % 3](user_id)

        yield buy


@pytest.mark.parametrize("door", [grpc_door, sdk_door, json_door, every_door])
@pytest.mark.parametrize(("users", "items"), [(1000, 100), (5000, 200), (100, 1)])
async def test_exactly_as_many_are_sold_as_there_are(
    tmp_path: Path,
    door: Callable[[ServerProcess], AbstractAsyncContextManager[Buy]],
    users: int,
    items: int,
) -> None:
    with server_process(tmp_path, "--stock", str(items)) as server:
        async with door(server) as buy:
            outcomes = Counter(await asyncio.gather(*(buy(f"user-{n}") for n in range(users))))
        async with grpc.aio.insecure_channel(server.address) as channel:
            status = await rpc.FlashSaleServiceStub(channel).Status(pb.StatusRequest())
        assert server.terminate() == 0
    assert outcomes == {"PURCHASED": items, "SOLD_OUT": users - items}
    assert (status.sold_stock, status.available_stock) == (items, 0)

"""Purchases on streams: StreamPurchases of grpc.aio, without the SDK, ten in flight on each.

Ten callers share a stream; each asks again as soon as its result has come, in whatever order.
"""

import asyncio
import contextlib
import secrets

from flashsale.channel import channel_to
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc

from bench.loads.asking import keep_asking_each, run
from bench.loads.messages import answer_of
from bench.measured import Answer, Measured
from bench.plan import Plan

IN_FLIGHT = 10


class Stream:
    """One stream, and the callers who wait for its results, by request id."""

    def __init__(self, stub: "rpc.FlashSaleServiceAsyncStub", plan: Plan) -> None:
        self._call = stub.StreamPurchases(timeout=plan.warmup_seconds + plan.seconds + 60)
        self._plan = plan
        self._writing = asyncio.Lock()
        self._waiting: dict[str, asyncio.Future[pb.PurchaseResult]] = {}
        self._reading = asyncio.create_task(self._read())

    async def ask(self, user_id: str) -> Answer:
        request_id = secrets.token_hex(16)
        future = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = future
        request = pb.PurchaseRequest(
            user_id=user_id, quantity=1, request_id=request_id, sale_id="default"
        )
        async with self._writing:  # a stream takes one message at a time
            await self._call.write(pb.StreamPurchasesRequest(request=request))
        result = await future
        if result.HasField("error"):
            return f"error: {result.error.message}", ""
        return answer_of(result.response, user_id, self._plan)

    async def _read(self) -> None:
        waiting = self._waiting
        try:
            async for message in self._call:
                for result in message.results:
                    # A server that decides nothing answers in order, with one request id for all.
                    asked = result.request_id if self._plan.keeps else next(iter(waiting))
                    waiting.pop(asked).set_result(result)
        except Exception as error:  # noqa: BLE001  # whatever it was, nobody must wait for ever
            for future in waiting.values():
                if not future.done():
                    future.set_exception(error)

    async def close(self) -> None:
        await self._call.done_writing()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading


async def purchases(plan: Plan) -> Measured:
    async with channel_to(plan.address, tls=False) as channel:
        stub: rpc.FlashSaleServiceAsyncStub = rpc.FlashSaleServiceStub(channel)
        streams = [Stream(stub, plan) for _ in range(max(1, plan.callers // IN_FLIGHT))]
        asks = [streams[number % len(streams)].ask for number in range(plan.callers)]
        measured = await keep_asking_each(asks, plan)
        await asyncio.gather(*(stream.close() for stream in streams))
        return measured


if __name__ == "__main__":
    run(purchases)

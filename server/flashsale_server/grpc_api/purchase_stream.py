"""A stream of purchases: requests come in, results go out as they are ready, in any order.

So many may be unanswered at once; then nothing more is read until some are answered. What was let
in is answered before the stream ends, even when the end is a request that cannot be read. Who hangs
up leaves their calls, as any caller may.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Final

from flashsale.v1 import flash_sale_pb2 as pb

from flashsale_server.checkout import Call, Fault, is_being_cancelled
from flashsale_server.grpc_api.responses import write_result

IN_FLIGHT_MAX: Final = 1000

Admit = Callable[[pb.PurchaseRequest], Awaitable[Call]]


class PurchaseStream:
    """One stream.

    Args:
        admit: lets a request in, or raises the fault that keeps it out.
    """

    def __init__(self, admit: Admit) -> None:
        self._admit = admit
        self._room = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._ready: asyncio.Queue[pb.StreamPurchasesResponse | None] = asyncio.Queue()
        self._waiting: dict[int, tuple[Call, Callable[[Call], None]]] = {}
        self._read = 0

    async def results(
        self, requests: AsyncIterator[pb.StreamPurchasesRequest]
    ) -> AsyncIterator[pb.StreamPurchasesResponse]:
        """The results of `requests`, as they are ready."""
        reading = asyncio.create_task(self._read_all(requests))
        try:
            while (response := await self._ready.get()) is not None:
                self._room.release()
                yield response
            await reading
        finally:
            reading.cancel()
            for call, listener in self._waiting.values():
                call.leave(listener)

    async def _read_all(self, requests: AsyncIterator[pb.StreamPurchasesRequest]) -> None:
        try:
            async for item in requests:
                await self._room.acquire()
                try:
                    await self._enter(item.request)
                except BaseException:
                    self._room.release()
                    raise
        finally:
            if not is_being_cancelled():
                for _ in range(IN_FLIGHT_MAX):
                    await self._room.acquire()
            self._ready.put_nowait(None)

    async def _enter(self, request: pb.PurchaseRequest) -> None:
        try:
            call = await self._admit(request)
        except Fault as fault:
            self._answer(request, fault)
            return
        self._read += 1
        listener = partial(self._answered, self._read, request)
        self._waiting[self._read] = (call, listener)
        call.listen(listener)

    def _answered(self, number: int, request: pb.PurchaseRequest, call: Call) -> None:
        del self._waiting[number]
        self._answer(request, call)

    def _answer(self, request: pb.PurchaseRequest, came_to: Call | Fault) -> None:
        response = pb.StreamPurchasesResponse()
        write_result(response.result, request.request_id, came_to)
        self._ready.put_nowait(response)

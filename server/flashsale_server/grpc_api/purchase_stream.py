"""A stream of purchases: requests come in, results go out as they are ready, in any order.

So many may be unanswered at once; then nothing more is read until some are answered. What was let
in is answered before the stream ends, even when the end is a request that cannot be read. Who hangs
up leaves their calls, as any caller may.

Results are written out as a message when its turn to be sent comes, not when they are there: so a
lane that settles many calls at once is not held up. To send a message costs far more than to write
a result, so those that are ready leave together, and wait a moment for others of their stream that
are on their way. The result of a request that is alone on its stream is never delayed.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from flashsale.v1 import flash_sale_pb2 as pb

from flashsale_server.checkout import (
    Call,
    Caller,
    CallSpan,
    Checkout,
    Fault,
)
from flashsale_server.grpc_api.acting import check_acts_for
from flashsale_server.grpc_api.error_table import reason_of
from flashsale_server.grpc_api.requests import IDENTIFIER_BYTES, order_of
from flashsale_server.grpc_api.responses import CameTo, write_result

IN_FLIGHT_MAX: Final = 1000
RESULTS_MAX: Final = 100
"""How many results one message may carry."""
MESSAGE_GATHER_SECONDS: Final = 0.004
"""How long a message may fill up."""


class PurchaseStream:
    """One stream."""

    def __init__(self, checkout: Checkout, caller: Caller) -> None:
        self._checkout = checkout
        self._caller = caller
        # One listener for all calls; a call that copies have joined has it several times.
        self._listener = self._settled
        self._waiting: set[Call] = set()
        self._spans: dict[Call, list[CallSpan]] = {}
        self._ready: deque[tuple[str, CameTo]] = deque()
        self._unanswered = 0
        self._news = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()

    async def results(
        self, requests: AsyncIterator[pb.StreamPurchasesRequest]
    ) -> AsyncIterator[pb.StreamPurchasesResponse]:
        """The results of `requests`, as they are ready."""
        reading = asyncio.create_task(self._read_all(requests))
        reading.add_done_callback(lambda _: self._news.set())
        try:
            while self._unanswered or not reading.done():
                if not self._ready:
                    self._news.clear()
                    await self._news.wait()
                    continue
                await self._gather()
                yield self._response()
            await reading
        finally:
            reading.cancel()
            for call in self._waiting:
                call.leave(self._listener)
                self._end_spans(call)

    async def _gather(self) -> None:
        """Let the next message fill up, while others of this stream are on their way."""
        if self._is_enough():
            return
        self._enough.clear()
        timer = asyncio.get_running_loop().call_later(MESSAGE_GATHER_SECONDS, self._enough.set)
        try:
            await self._enough.wait()
        finally:
            timer.cancel()

    def _is_enough(self) -> bool:
        """Whether nothing more is worth waiting for before the next message leaves."""
        return len(self._ready) >= min(self._unanswered, RESULTS_MAX)

    def _response(self) -> pb.StreamPurchasesResponse:
        """What is ready, as far as one message may carry it."""
        response = pb.StreamPurchasesResponse()
        ready, results = self._ready, response.results
        while ready and len(results) < RESULTS_MAX:
            # A malformed request gets its id back, which may fill a message by itself.
            is_long = len(ready[0][0]) > IDENTIFIER_BYTES
            if is_long and results:
                break
            write_result(results.add(), *ready.popleft())
            if is_long:
                break
        self._unanswered -= len(results)
        self._room.set()
        return response

    async def _read_all(self, requests: AsyncIterator[pb.StreamPurchasesRequest]) -> None:
        async for item in requests:
            await self._enter(item.request)
            while self._unanswered >= IN_FLIGHT_MAX:
                self._room.clear()
                await self._room.wait()

    async def _enter(self, request: pb.PurchaseRequest) -> None:
        try:
            order = order_of(request)
            check_acts_for(self._caller, order.user_id)
            lane = await self._checkout.lane(order.sale_id)
        except Fault as fault:
            self._unanswered += 1
            self._answer(request.request_id, fault)
            return
        begin_span = self._caller.begin_span
        span = None if begin_span is None else begin_span()
        (call,) = self._checkout.admit_all(lane, (order,), self._caller.deadline, span)
        if span is not None:
            self._spans.setdefault(call, []).append(span)
        self._unanswered += 1
        self._waiting.add(call)
        call.listen(self._listener)

    def _settled(self, call: Call) -> None:
        self._waiting.discard(call)
        if self._spans:
            self._end_spans(call)
        self._answer(call.request_id, call)

    def _end_spans(self, call: Call) -> None:
        result = call.result
        error = "CANCELLED" if result is None else None
        if isinstance(result, Fault):
            error = reason_of(type(result))
        for span in self._spans.pop(call, ()):
            span.end(error)

    def _answer(self, request_id: str, came_to: CameTo) -> None:
        self._ready.append((request_id, came_to))
        self._news.set()
        if self._is_enough():
            self._enough.set()

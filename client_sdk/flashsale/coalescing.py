"""Coalescing: purchases that are asked for at the same time travel together as one BatchPurchase.

A lone purchase is sent in the turn of the event loop in which it was asked for; no timer delays it.
What is asked for in the same turn goes along. While as many calls are under way as may be, further
purchases gather, so batches grow with load by themselves. Order is kept: who asked earlier is never
in a later batch, unless they were turned away and are tried again.

Each purchase keeps its request id through its retries, and is told its own result. A try whose fate
is unknown makes all later tries of the purchase `retry`, so that the server fixes their answer.
"""

import asyncio
import collections
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import grpc

from flashsale.batches import Asked, count_that_fits, message_of, results_of
from flashsale.errors import (
    ClientClosed,
    DeadlineExceeded,
    FlashSaleError,
    OutcomeUnknown,
    error_of_call,
    error_of_status,
)
from flashsale.results import PurchaseResult
from flashsale.retries import Retries
from flashsale.v1 import flash_sale_pb2 as pb

BATCH_MAX: Final = 250
CALLS_MAX: Final = 4
WAITING_MAX: Final = 20_000
SWEEP_SECONDS: Final = 0.05

SendBatch = Callable[[pb.BatchPurchaseRequest, float], Awaitable[pb.BatchPurchaseResponse]]


class Coalescer:
    """Carries the purchases of one client.

    Args:
        send: sends a batch; its second argument is the time limit in seconds.
        retries: when a purchase is tried again.
        batch_max: purchases in one call; at most 1,000.
        calls_max: calls under way at once.
        waiting_max: purchases without a result; who comes beyond waits to be let in.
    """

    def __init__(
        self,
        send: SendBatch,
        retries: Retries,
        *,
        batch_max: int = BATCH_MAX,
        calls_max: int = CALLS_MAX,
        waiting_max: int = WAITING_MAX,
    ) -> None:
        self._send = send
        self._retries = retries
        self._batch_max = batch_max
        self._calls_max = calls_max
        self._room = waiting_max
        self._outside: collections.deque[asyncio.Future[None]] = collections.deque()
        self._loop = asyncio.get_running_loop()
        # Everybody without a result is in one of these three, and has a place meanwhile.
        self._waiting: collections.deque[Asked] = collections.deque()
        self._calls: dict[asyncio.Task[None], Sequence[Asked]] = {}
        self._between_tries: set[Asked] = set()
        self._is_flushing = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False

    def ask(self, asked: Asked, timeout: float) -> Awaitable[PurchaseResult]:
        """The result of one purchase, whichever call it travels in; to be awaited at once."""
        if self._is_closed:
            raise ClientClosed("the client is closed", request_id=asked.request_id)
        asked.deadline = self._loop.time() + timeout
        asked.future = self._loop.create_future()
        if self._room <= 0:
            return self._ask_from_outside(asked)
        self._room -= 1
        self._line_up(asked)
        return asked.future

    async def purchase(self, request: pb.PurchaseRequest, timeout: float) -> PurchaseResult:
        """The result of one purchase that need not be plain."""
        asked = Asked(request.user_id, request.request_id, request.sale_id, request)
        return await self.ask(asked, timeout)

    async def _ask_from_outside(self, asked: Asked) -> PurchaseResult:
        """Wait for the place of somebody who leaves, and go on with it."""
        place = self._loop.create_future()
        self._outside.append(place)
        try:
            async with asyncio.timeout_at(asked.deadline):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self._leave(1)  # it was given, and came too late
            if not isinstance(error, TimeoutError):
                raise
            raise DeadlineExceeded(
                "the deadline passed while too many others waited", request_id=asked.request_id
            ) from None
        if self._is_closed:
            raise ClientClosed("the client is closed", request_id=asked.request_id)
        self._line_up(asked)
        return await asked.future

    def _leave(self, count: int) -> None:
        """Give so many places to those who have waited longest outside."""
        self._room += count
        while self._room > 0 and self._outside:
            place = self._outside.popleft()
            if not place.done():
                place.set_result(None)
                self._room -= 1

    async def close(self) -> None:
        """Tell everybody who waits that the client is closed, and end the calls under way."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        sent = (asked for batch in self._calls.values() for asked in batch)
        for batch, is_sent in ((sent, True), (self._waiting, False), (self._between_tries, False)):
            for asked in batch:
                error = ClientClosed("the client was closed", request_id=asked.request_id)
                asked.fail(error, is_sent=is_sent)
        self._waiting.clear()
        self._between_tries.clear()
        self._leave(len(self._outside))  # who comes in finds it closed
        calls = tuple(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _line_up(self, asked: Asked) -> None:
        self._waiting.append(asked)
        if not self._is_flushing:
            # At the end of this turn, so that what is asked for in the same turn goes along.
            self._is_flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        if self._sweeper is None and not self._is_closed:
            self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)
        while self._waiting and len(self._calls) < self._calls_max:
            now = self._loop.time()
            batch = self._next_batch(now)
            if batch:
                self._send_off(batch, now)

    def _send_off(self, batch: Sequence[Asked], now: float) -> None:
        """Begin a call, in this turn; a task waits for its answer."""
        limits = [asked.deadline - now for asked in batch]
        message = message_of(batch, limits)
        try:
            answering = self._send(message, max(limits))
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody may be left waiting
            self._unknown(batch, f"the call failed: {error}")
            self._leave(len(batch))
            return
        call = self._loop.create_task(self._carry(batch, message, answering))
        self._calls[call] = batch
        call.add_done_callback(self._carried)

    def _carried(self, call: "asyncio.Task[None]") -> None:
        batch = self._calls.pop(call)
        if call.cancelled():
            self._unknown(batch, "the call was cancelled")
        self._leave(len(batch))
        self._flush()

    def _next_batch(self, now: float) -> Sequence[Asked]:
        """The next purchases, without those whose caller has left or has no time left."""
        count = min(len(self._waiting), self._batch_max)
        taken = [self._waiting.popleft() for _ in range(count)]
        batch = [asked for asked in taken if asked.deadline > now and not asked.future.done()]
        if len(batch) < count:
            for asked in taken:
                if asked.deadline <= now:
                    asked.time_out(is_sent=False)
            self._leave(count - len(batch))
        fitting = count_that_fits(batch)
        self._waiting.extendleft(reversed(batch[fitting:]))
        return batch[:fitting]

    async def _carry(
        self,
        batch: Sequence[Asked],
        message: pb.BatchPurchaseRequest,
        answering: Awaitable[pb.BatchPurchaseResponse],
    ) -> None:
        """Wait for the answer to a batch and tell each caller what came of it."""
        try:
            answer = await answering
            if message.HasField("columns") and answer.HasField("columns"):
                self._answered_by_column(batch, answer.columns)
            elif len(answer.results) == len(batch):
                for asked, result in zip(batch, answer.results, strict=True):
                    self._answered_by_row(asked, result)
            else:
                self._unknown(batch, "the server did not answer every purchase")
        except grpc.RpcError as error:
            self._failed((asked, error_of_call(error, asked.request_id)) for asked in batch)
        except Exception as error:  # noqa: BLE001  # as above
            self._unknown(batch, f"the call failed: {error}")

    def _answered_by_column(self, batch: Sequence[Asked], columns: pb.ResultColumns) -> None:
        try:
            results = results_of(batch, columns)
        except (ValueError, OverflowError) as error:
            self._unknown(batch, f"the answer cannot be read: {error}")
            return
        others = {item.place: item.result for item in columns.others}
        for place, (asked, result) in enumerate(zip(batch, results, strict=True)):
            if result is not None:
                if not asked.future.done():
                    asked.future.set_result(result)
            elif place in others:
                self._answered_by_row(asked, others[place])
            else:
                self._unknown([asked], "the server did not answer the purchase")

    def _answered_by_row(self, asked: Asked, answer: pb.PurchaseResult) -> None:
        if not answer.HasField("response"):
            self._failed([(asked, error_of_status(answer.error, asked.request_id))])
            return
        try:
            result = PurchaseResult.of(answer.response)
        except (ValueError, OverflowError) as error:
            self._unknown([asked], f"the answer cannot be read: {error}")
            return
        asked.tell(result)

    def _unknown(self, batch: Sequence[Asked], why: str) -> None:
        self._failed((asked, OutcomeUnknown(why, request_id=asked.request_id)) for asked in batch)

    def _failed(self, failed: Iterable[tuple[Asked, FlashSaleError]]) -> None:
        """Try again where that is allowed; else tell the caller.

        Who failed as one call is tried again as one: they share a draw, and a timer.
        """
        drawn = self._retries.chance()
        again = collections.defaultdict[float, list[Asked]](list)
        for asked, error in failed:
            wait = self._wait_after(asked, error, drawn)
            if wait is not None:
                again[wait].append(asked)
        for wait, together in again.items():
            self._room -= len(together)  # their places are given up with those of the others
            self._between_tries.update(together)
            self._loop.call_later(wait, self._try_again, together)

    def _wait_after(self, asked: Asked, error: FlashSaleError, drawn: float) -> float | None:
        """How long to wait before the next try; None where there is none."""
        if asked.future.done() or asked in self._between_tries:
            return None
        asked.error = error
        asked.tried += 1
        if isinstance(error, OutcomeUnknown):
            asked.repeat_unknown()
        left = asked.deadline - self._loop.time()
        wait = self._retries.wait_seconds(error, asked.tried, left, drawn)
        if wait is None or self._is_closed:
            asked.fail(error, is_sent=False)
            return None
        return wait

    def _try_again(self, together: Sequence[Asked]) -> None:
        for asked in together:
            if asked in self._between_tries:
                self._between_tries.remove(asked)
                self._line_up(asked)

    def _sweep(self) -> None:
        """Tell those whose time is over; one timer serves everybody."""
        now = self._loop.time()
        for batch in self._calls.values():
            for asked in batch:
                if asked.deadline <= now:
                    asked.time_out(is_sent=True)
        for asked in (*self._waiting, *self._between_tries):
            if asked.deadline <= now:
                asked.time_out(is_sent=False)
        self._take_off()
        more = (self._waiting or self._calls or self._between_tries) and not self._is_closed
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep) if more else None

    def _take_off(self) -> None:
        """Give up the places of those who have left, unless a call that is under way has them."""
        there = len(self._waiting) + len(self._between_tries)
        self._waiting = collections.deque(
            [asked for asked in self._waiting if not asked.future.done()]
        )
        self._between_tries = {asked for asked in self._between_tries if not asked.future.done()}
        self._leave(there - len(self._waiting) - len(self._between_tries))

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
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import grpc

from flashsale.errors import (
    ClientClosed,
    DeadlineExceeded,
    FlashSaleError,
    OutcomeUnknown,
    RateLimited,
    ServerFailed,
    Unavailable,
    error_of_call,
    error_of_status,
)
from flashsale.results import PurchaseResult
from flashsale.retries import Retries
from flashsale.v1 import flash_sale_pb2 as pb

BATCH_MAX: Final = 250
BATCH_BYTES_MAX: Final = 1024 * 1024
CALLS_MAX: Final = 4
WAITING_MAX: Final = 20_000
SWEEP_SECONDS: Final = 0.05
# Who has at least this part of a call's time does not say how much: gRPC rounds by as much.
CALLS_LIMIT_GOES_FOR: Final = 0.99

# Errors of one try that leave open what became of the tries before it.
_SAYS_NOTHING_OF_EARLIER_TRIES: Final = (
    ClientClosed,
    DeadlineExceeded,
    RateLimited,
    ServerFailed,
    Unavailable,
)

# A batch of fewer gains nothing by columns, and rows can be read by whoever looks at a call.
COLUMNS_FROM: Final = 16

SendBatch = Callable[[pb.BatchPurchaseRequest, float], Awaitable[pb.BatchPurchaseResponse]]


class PlainRequest:
    """A request for one unit, in ASCII, that is no repetition: what fits into columns."""

    __slots__ = ("request_id", "sale_id", "user_id")

    def __init__(self, user_id: str, request_id: str, sale_id: str) -> None:
        self.user_id = user_id
        self.request_id = request_id
        self.sale_id = sale_id

    def as_message(self) -> pb.PurchaseRequest:
        """The same, as a message."""
        return pb.PurchaseRequest(
            user_id=self.user_id,
            quantity=1,
            request_id=self.request_id,
            sale_id=self.sale_id,
        )


class _Asked:
    """A purchase that was asked for and has no result yet."""

    __slots__ = ("deadline", "error", "future", "is_sent", "request", "tried")

    def __init__(
        self,
        request: PlainRequest | pb.PurchaseRequest,
        deadline: float,
        future: "asyncio.Future[PurchaseResult]",
    ) -> None:
        self.request = request
        self.deadline = deadline
        self.future = future
        self.tried = 0
        self.is_sent = False
        self.error: FlashSaleError | None = None

    @property
    def is_retry(self) -> bool:
        """Whether the fate of an earlier try is unknown."""
        return isinstance(self.request, pb.PurchaseRequest) and self.request.retry

    def repeat_unknown(self) -> None:
        """Make all further tries say that the fate of an earlier one is unknown."""
        if isinstance(self.request, PlainRequest):
            self.request = self.request.as_message()
        self.request.retry = True

    def size_bytes(self) -> int:
        """How large the request is in a batch, within a few bytes."""
        request = self.request
        if isinstance(request, PlainRequest):
            return len(request.user_id) + len(request.request_id) + len(request.sale_id) + 16
        return request.ByteSize()

    def tell(self, result: PurchaseResult) -> None:
        """Give the caller the result, unless they have left."""
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: FlashSaleError) -> None:
        """Tell the caller, unless they have left. Once the fate is unknown it stays unknown."""
        if self.future.done():
            return
        is_unknown = self.is_retry or self.is_sent
        says_nothing_of_it = isinstance(error, _SAYS_NOTHING_OF_EARLIER_TRIES)
        if is_unknown and says_nothing_of_it and not isinstance(error, OutcomeUnknown):
            error = OutcomeUnknown(
                error.message,
                request_id=self.request.request_id,
                retry_after_seconds=error.retry_after_seconds,
            )
        self.future.set_exception(error)

    def time_out(self) -> None:
        """Tell the caller that their time is over."""
        last = f"; the last try said: {self.error}" if self.error else ""
        self.fail(
            DeadlineExceeded(f"the deadline passed{last}", request_id=self.request.request_id)
        )


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
        self._waiting: collections.deque[_Asked] = collections.deque()
        self._unanswered: set[_Asked] = set()
        self._calls: set[asyncio.Task[None]] = set()
        self._is_flushing = False
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False

    async def purchase(
        self, request: PlainRequest | pb.PurchaseRequest, timeout: float
    ) -> PurchaseResult:
        """The result of one purchase, whichever call it travels in."""
        deadline = self._loop.time() + timeout
        if self._room > 0:
            self._room -= 1
        else:
            await self._let_in(request, deadline)
        try:
            if self._is_closed:
                raise ClientClosed("the client is closed", request_id=request.request_id)
            asked = _Asked(request, deadline, self._loop.create_future())
            self._unanswered.add(asked)
            self._line_up(asked)
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)
            try:
                return await asked.future
            finally:
                self._unanswered.discard(asked)
        finally:
            self._leave()

    async def _let_in(self, request: PlainRequest | pb.PurchaseRequest, deadline: float) -> None:
        """Wait outside for the place of somebody who leaves."""
        place = self._loop.create_future()
        self._outside.append(place)
        try:
            async with asyncio.timeout_at(deadline):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                self._leave()  # it was given, and came too late
            if not isinstance(error, TimeoutError):
                raise
            raise DeadlineExceeded(
                "the deadline passed while too many others waited", request_id=request.request_id
            ) from None

    def _leave(self) -> None:
        """Give one's place to whoever has waited longest outside."""
        while self._outside:
            place = self._outside.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._room += 1

    async def close(self) -> None:
        """Tell everybody who waits that the client is closed, and end the calls under way."""
        self._is_closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for asked in tuple(self._unanswered):
            asked.fail(ClientClosed("the client was closed", request_id=asked.request.request_id))
        calls = tuple(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _line_up(self, asked: _Asked) -> None:
        self._waiting.append(asked)
        if not self._is_flushing:
            # At the end of this turn, so that what is asked for in the same turn goes along.
            self._is_flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._is_flushing = False
        while self._waiting and len(self._calls) < self._calls_max and not self._is_closed:
            now = self._loop.time()
            batch = self._next_batch(now)
            if batch:
                call = self._loop.create_task(self._carry(batch, now))
                self._calls.add(call)
                call.add_done_callback(self._carried)

    def _carried(self, call: "asyncio.Task[None]") -> None:
        self._calls.discard(call)
        self._flush()

    def _next_batch(self, now: float) -> list[_Asked]:
        """The next purchases, without those whose caller has left or has no time left."""
        batch: list[_Asked] = []
        size = 0
        while self._waiting and len(batch) < self._batch_max:
            asked = self._waiting[0]
            size += asked.size_bytes()
            if batch and size > BATCH_BYTES_MAX:
                break  # what is too large for any call must not take its neighbours along
            self._waiting.popleft()
            if asked.deadline <= now:
                asked.time_out()
            if not asked.future.done():
                batch.append(asked)
        return batch

    async def _carry(self, batch: Sequence[_Asked], now: float) -> None:
        """Send a batch and tell each caller what came of it."""
        for asked in batch:
            asked.tried += 1
            asked.is_sent = True
        limits = [asked.deadline - now for asked in batch]
        message = _message(batch, limits)
        try:
            answer = await self._send(message, max(limits))
        except grpc.RpcError as error:
            for asked in batch:
                self._failed(asked, error_of_call(error, asked.request.request_id))
        except Exception as error:  # noqa: BLE001  # whatever it is, nobody may be left waiting
            self._unknown(batch, f"the call failed: {error}")
        else:
            if message.HasField("columns") and answer.HasField("columns"):
                self._answered_by_column(batch, answer.columns)
            elif len(answer.results) == len(batch):
                for asked, result in zip(batch, answer.results, strict=True):
                    self._answered(asked, result)
            else:
                self._unknown(batch, "the server did not answer every purchase")

    def _answered_by_column(self, batch: Sequence[_Asked], columns: pb.ResultColumns) -> None:
        outcomes = columns.outcomes
        sizes = {len(columns.purchase_ids), len(columns.positions), len(columns.create_times_us)}
        if len(outcomes) != len(batch) or sizes != {list(outcomes).count(pb.OUTCOME_PURCHASED)}:
            self._unknown(batch, "the server did not answer every purchase")
            return
        purchases = zip(
            columns.purchase_ids, columns.positions, columns.create_times_us, strict=True
        )
        others = {item.place: item.result for item in columns.others}
        for place, (asked, outcome) in enumerate(zip(batch, outcomes, strict=True)):
            if outcome == pb.OUTCOME_PURCHASED:
                self._bought(asked, next(purchases))
            elif outcome != pb.OUTCOME_UNSPECIFIED:
                request = asked.request
                asked.tell(PurchaseResult.refused(outcome, request.request_id, request.sale_id))
            elif place in others:
                self._answered(asked, others[place])
            else:
                self._unknown([asked], "the server did not answer the purchase")

    def _bought(self, asked: _Asked, purchased: tuple[str, int, int]) -> None:
        request = asked.request
        try:
            result = PurchaseResult.bought(
                request.user_id, request.request_id, request.sale_id, purchased
            )
        except (ValueError, OverflowError) as error:
            self._unknown([asked], f"the answer cannot be read: {error}")
            return
        asked.tell(result)

    def _answered(self, asked: _Asked, answer: pb.PurchaseResult) -> None:
        if not answer.HasField("response"):
            self._failed(asked, error_of_status(answer.error, asked.request.request_id))
            return
        try:
            result = PurchaseResult.of(answer.response)
        except (ValueError, OverflowError) as error:
            self._unknown([asked], f"the answer cannot be read: {error}")
            return
        asked.tell(result)

    def _unknown(self, batch: Sequence[_Asked], why: str) -> None:
        for asked in batch:
            self._failed(asked, OutcomeUnknown(why, request_id=asked.request.request_id))

    def _failed(self, asked: _Asked, error: FlashSaleError) -> None:
        """Try again where that is allowed; else tell the caller."""
        asked.error = error
        asked.is_sent = False
        if isinstance(error, OutcomeUnknown):
            asked.repeat_unknown()
        left = asked.deadline - self._loop.time()
        wait = self._retries.wait_seconds(error, asked.tried, left)
        if wait is None or self._is_closed:
            asked.fail(error)
        else:
            self._loop.call_later(wait, self._try_again, asked)

    def _try_again(self, asked: _Asked) -> None:
        if not asked.future.done():
            self._line_up(asked)

    def _sweep(self) -> None:
        """Tell those whose time is over; one timer serves everybody."""
        now = self._loop.time()
        for asked in tuple(self._unanswered):
            if asked.deadline <= now:
                asked.time_out()
        more = bool(self._unanswered) and not self._is_closed
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep) if more else None


def _message(batch: Sequence[_Asked], limits: Sequence[float]) -> pb.BatchPurchaseRequest:
    """What is asked for, and how many seconds each may take if the call may take much longer."""
    needs_limits = min(limits) < max(limits) * CALLS_LIMIT_GOES_FOR
    plain = [asked.request for asked in batch if isinstance(asked.request, PlainRequest)]
    if len(plain) == len(batch) >= COLUMNS_FROM and not needs_limits:
        sale_id = plain[0].sale_id
        if all(request.sale_id == sale_id for request in plain):
            columns = pb.PurchaseColumns(
                user_ids=[request.user_id for request in plain],
                request_ids=[request.request_id for request in plain],
            )
            return pb.BatchPurchaseRequest(sale_id=sale_id, columns=columns)
    message = pb.BatchPurchaseRequest()
    for asked in batch:
        request = asked.request
        row = request.as_message() if isinstance(request, PlainRequest) else request
        message.requests.add().CopyFrom(row)
    if needs_limits:
        for item, limit in zip(message.requests, limits, strict=True):
            item.timeout.FromNanoseconds(int(limit * 1e9) or 1)  # none at all would be malformed
    return message

"""A lane: one sale's way through the server. Its queue, its turn, its answers.

One task a lane does everything, in this order: take a batch off the queue, decide it on a draft,
append the draft's entries, take them into the inventory, answer. While an append is being written
the next batch is decided ahead, and further whole ones, on a draft laid over the one that is being
written.

Rule 1: nobody is answered before everything that the answer rests on is durable, refusals included.

Rule 2: when an append fails or loses the race, all that was decided ahead of it is thrown away, and
those calls go back to the front of the queue, in order of arrival.

Rule 3: an append of unknown fate is fenced off before anybody else is answered: the ledger is read
to its end and a `fenced` entry takes the next position, so that the lost append cannot land any
more.
"""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from typing import Final

import structlog

from flashsale_server.checkout.broadcast import Broadcast
from flashsale_server.checkout.call import Call, CallKey
from flashsale_server.checkout.call_queue import CallQueue
from flashsale_server.checkout.cancellation import is_being_cancelled
from flashsale_server.checkout.clock import Clock
from flashsale_server.checkout.crowd import BATCH_GATHER_SECONDS, Crowd
from flashsale_server.checkout.faults import (
    CircuitOpen,
    Fault,
    SaleUnreadable,
    ShuttingDown,
)
from flashsale_server.checkout.line import Line
from flashsale_server.checkout.meters import Meters
from flashsale_server.checkout.minting import purchase_id_minting
from flashsale_server.checkout.pending import Pending
from flashsale_server.checkout.recovery import Recovery
from flashsale_server.checkout.replica import Replica
from flashsale_server.checkout.stages import Stages, not_recorded
from flashsale_server.checkout.tracing import BatchTracer, tell_of_batch
from flashsale_server.domain import (
    CircuitBreaker,
    Inventory,
    Permit,
    SaleState,
    next_due_us,
)
from flashsale_server.ledger import (
    Append,
    AppendRejected,
    AppendUnknown,
    Ledger,
    LedgerDamaged,
    LedgerTooNew,
    LedgerUnavailable,
    PositionConflict,
)

APPEND_CAPACITY: Final = 1000
"""Decisions that one append may carry."""

SWEEP_SECONDS: Final = 0.1
"""How soon a caller whose deadline has passed is told so while the ledger is slow."""


class Lane:
    """One sale's way through the server.

    Attributes:
        replica: the sale as the ledger has it.
        sale_id: the sale.
        inventory: the sale as it is durable and visible.
        copy_of: returns the call on its way that has a user and request id, if there is one.
        has_none_of: whether no call on its way has one of these users and request ids.
        changes: tells watchers that what they see has changed.
        stopped: why the lane sells no more; None while it does.
    """

    def __init__(
        self,
        replica: Replica,
        ledger: Ledger,
        *,
        line: Line,
        breaker: CircuitBreaker,
        meters: Meters,
        clock: Clock,
        batch_size: int,
        tracer: BatchTracer | None = None,
        all_changes: Broadcast | None = None,
    ) -> None:
        self.replica = replica
        self.sale_id = replica.sale_id
        self.inventory = replica.inventory
        self.changes = Broadcast(all_changes)
        self.stopped: Fault | None = None
        self._ledger = ledger
        self._breaker = breaker
        self._meters = meters
        self._clock = clock
        self._batch_size = batch_size
        self._tracer = tracer
        self._mint = purchase_id_minting()
        self._queue = CallQueue(line, meters, clock)
        self.copy_of = self._queue.copy_of
        self.has_none_of = self._queue.has_none_of
        self._stages = Stages(self._queue)
        self._crowd = Crowd(batch_size)
        self._log = structlog.get_logger(__name__).bind(sale=self.sale_id)
        self._recovery = Recovery(replica, ledger, breaker, clock, self.catch_up)
        self._task: asyncio.Task[None] | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._state_told = SaleState.UPCOMING

    @property
    def queue_length(self) -> int:
        """Calls of this sale that are on their way."""
        return self._stages.length

    def start(self) -> None:
        """Begin to work."""
        self._state_told = self.inventory.state_at(self._clock.now_us())
        self._task = asyncio.create_task(self._run(), name=f"lane {self.sale_id}")

    def queue(self, call: Call) -> None:
        """Let a call in, behind everybody else; `look` must follow."""
        self._queue.enter(call)

    def queue_all(self, calls: Sequence[Call], keys: Sequence[CallKey]) -> None:
        """Let calls in that came together and have no copies here; `look` must follow."""
        self._queue.enter_all(calls, keys)

    def look(self) -> None:
        """Tell the lane that calls were queued, one or several that came together."""
        self._crowd.arrived()
        self._queue.wake()
        if self._sweeper is None and self._queue:
            self._sweeper = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    async def catch_up(self) -> None:
        """Read what others have appended, so that a reader sees it.

        Raises:
            LedgerUnavailable: the ledger could not be read now.
            LedgerDamaged, LedgerTooNew: it must not be read on.
        """
        before = self.inventory.last_position
        try:
            await self.replica.catch_up()
        except (LedgerDamaged, LedgerTooNew) as error:
            # Whoever finds it, a reader or the lane itself: nothing may be sold on such ground.
            self._stop(str(error))
            raise
        finally:
            if self.inventory.last_position > before:
                self.changes.changed()
                self._queue.wake_anyway()  # there may be holds to end, or another start to await

    async def close(self) -> None:
        """Stop at once. What is being appended is of unknown fate; the rest was never decided."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._stages.abandon(ShuttingDown)

    # The lane's task: wait for work, decide, commit.

    async def _run(self) -> None:
        try:
            while True:
                if self._stages.ahead is None:
                    await self._until_work()
                    if not await self._is_certain():
                        continue
                await self._gather()
                await self._decide(self._ahead_on(self.inventory))
                await self._commit()
        except (LedgerDamaged, LedgerTooNew) as error:
            self._stop(str(error))
        except Exception:  # noqa: BLE001  # a lane that fails must still answer everybody
            self._log.exception("lane failed")
            self._stop("of a fault in this server, which its log describes")

    async def _until_work(self) -> None:
        """Wait for a call, or for the clock to make something true that must be written down."""
        while True:
            now_us = self._clock.now_us()
            state = self.inventory.state_at(now_us)
            if state is not self._state_told:
                self._state_told = state
                self.changes.changed()
            if self._queue:
                return
            timeout_seconds = 60.0
            due_us = next_due_us(self.inventory)
            # The clock may have been set back; the ledger's time has not.
            if due_us is not None and due_us <= max(now_us, self.inventory.recorded_at_us):
                timeout_seconds = self._breaker.wait_seconds(self._clock.monotonic())
                if not timeout_seconds:
                    return
            for instant_us in (due_us, self.inventory.next_boundary_us(now_us)):
                if instant_us is not None and instant_us > now_us:
                    timeout_seconds = min(timeout_seconds, (instant_us - now_us) / 1e6)
            await self._queue.until(1, timeout_seconds)

    async def _gather(self) -> None:
        """Let the next batch fill up, as long as a crowd keeps coming."""
        now = self._clock.monotonic()
        if not self._crowd.is_here(now):
            return
        until = now + BATCH_GATHER_SECONDS
        ahead = self._stages.ahead
        already = len(ahead.calls) if ahead is not None else 0
        room = self._batch_size - already
        gathered = -1
        while gathered < len(self._queue) < room and now < until:
            gathered = len(self._queue)
            pause = self._crowd.pause_seconds(already + gathered)
            await self._queue.until(room, min(pause, until - now))
            now = self._clock.monotonic()
        self._crowd.gathered(already + len(self._queue), now)

    async def _decide(self, pending: Pending) -> None:
        """Decide all that waits now, batch by batch, as far as one append can carry it.

        What comes meanwhile is decided while that append is written, and not before it.
        """
        waiting = len(self._queue)
        while waiting > 0 and self._queue and pending.admits(self._clock.now_us()):
            await self._decide_batch(pending)
            waiting -= self._batch_size

    def _ahead_on(self, under: Inventory) -> Pending:
        """What is decided ahead; begun on a draft laid over `under` where nothing is."""
        if self._stages.ahead is None:
            self._stages.ahead = Pending(under, self._clock.now_us(), APPEND_CAPACITY)
        return self._stages.ahead

    async def _decide_batch(self, pending: Pending) -> None:
        async with self.replica.lock:
            calls = self._queue.take(min(self._batch_size, pending.room))
            began = self._clock.monotonic()
            try:
                pending.decide(calls, self._mint)
            except BaseException:
                self._queue.put_back(calls)  # so that whoever stops the lane finds them
                raise
        if self._tracer is not None:
            pending.decided_between(began, self._clock.monotonic())
        if calls:
            self._meters.batch_decided(len(calls))
        if self._queue:
            await asyncio.sleep(0)  # the loop has others to serve between two batches

    async def _commit(self) -> None:
        """Make what was decided ahead durable, and answer; meanwhile decide on."""
        pending = self._stages.take_off()
        if pending is None:  # a reader has stopped the lane meanwhile
            return
        self._crowd.decided(len(pending.calls), self._clock.monotonic())
        if pending.draft.base_position != self.inventory.last_position:
            # A reader has taken in what another node appended, so this was decided on old ground.
            self._stages.put_back(pending)
        elif not pending.draft.entries:
            await self._release(pending)
        elif (permit := self._breaker.begin(self._clock.monotonic())) is not None:
            await self._write(pending, permit)
        else:
            self._stages.put_back(pending)
            self._stages.refuse_all(self._circuit_open)
        self._stages.in_flight = None

    async def _write(self, pending: Pending, permit: Permit) -> None:
        append = self.replica.append_of(pending.draft.entries, pending.draft.decided_at_us)
        started = pending.appending_from = self._clock.monotonic()
        writing = asyncio.ensure_future(self._ledger.append(append))
        writing.add_done_callback(lambda _: self._queue.wake_anyway())
        try:
            await self._decide_ahead(pending, writing)
            await writing
        except PositionConflict:
            self._lost_race(pending, permit)
        except (AppendRejected, AppendUnknown) as error:
            self._failed(pending, error, permit)
        except BaseException:
            if writing.cancelled() and not is_being_cancelled():
                # Somebody else has cancelled the append; whether in time, nobody knows.
                self._failed(pending, AppendUnknown("the append was cancelled"), permit)
                return
            self._breaker.proved_nothing(permit)
            writing.cancel()
            raise
        else:
            self._meters.append.add(self._clock.monotonic() - started)
            await self._landed(pending, append)

    async def _decide_ahead(self, pending: Pending, writing: "asyncio.Future[None]") -> None:
        """Decide what comes while `pending` is being written, on a draft laid over it.

        After the first batch only whole ones: whoever comes alone gains nothing by being decided
        before the append is written, but costs as much as a batch.
        """
        while not writing.done():
            ahead = self._stages.ahead
            enough = 1 if ahead is None else self._batch_size
            if ahead is not None and not ahead.admits(self._clock.now_us()):
                enough = sys.maxsize
            if len(self._queue) < enough:
                await self._queue.until(enough)
                continue
            await self._decide_batch(self._ahead_on(pending.draft))

    def _sweep(self) -> None:
        """Tell those whose time is over, however long the ledger keeps everybody waiting."""
        self._stages.settle_late()
        loop = asyncio.get_running_loop()
        is_busy = self.queue_length > 0
        self._sweeper = loop.call_later(SWEEP_SECONDS, self._sweep) if is_busy else None

    # The ways in which a commit ends.

    async def _landed(self, pending: Pending, append: Append) -> None:
        self._breaker.succeeded()
        self._meters.appends += 1
        await self.replica.appended(append, pending.draft)
        if self._stages.ahead is not None:
            self._stages.ahead.draft.settle_on(self.inventory)
        self._answer(pending)
        self.changes.changed()
        self._log.debug(
            "batch committed",
            calls=len(pending.calls),
            entries=len(pending.draft.entries),
            position=append.last_position,
        )

    async def _release(self, pending: Pending) -> None:
        """Answer what wrote nothing, once the ledger has shown that nothing newer is in it."""
        try:
            tail = await self._ledger.tail(self.sale_id)
        except LedgerUnavailable as error:
            self._failed(pending, error)
            return
        if tail == pending.draft.base_position:
            self._answer(pending)
        else:
            self._put_back_and_read(pending)

    def _lost_race(self, pending: Pending, permit: Permit) -> None:
        self._breaker.proved_nothing(permit)
        self._meters.appends_conflicted += 1
        self._trace(pending, "lost the race to another node")
        self._put_back_and_read(pending)

    def _put_back_and_read(self, pending: Pending) -> None:
        """Another node was quicker: its entries must be read first."""
        self._stages.put_back(pending)
        self._recovery.doubt()

    def _failed(self, pending: Pending, error: Exception, permit: Permit | None = None) -> None:
        self._meters.appends_failed += 1
        self._recovery.doubt(is_unknown=isinstance(error, AppendUnknown))
        self._log.warning("commit failed", error=str(error))
        self._trace(pending, str(error))
        self._stages.fail(pending, nothing_was_written=isinstance(error, AppendRejected))
        self._count_failure(permit)

    def _count_failure(self, permit: Permit | None) -> None:
        if self._breaker.failed(self._clock.monotonic(), permit):
            self._log.error("circuit opened")
            self._stages.refuse_all(self._circuit_open)

    # Certainty: nobody is answered while the end of the ledger is in doubt.

    async def _is_certain(self) -> bool:
        """Whether the end of the ledger is known. If it cannot be, a batch is told to try later."""
        if not self._recovery.is_needed:
            return True
        permit = self._breaker.begin(self._clock.monotonic())
        if permit is None:
            self._stages.refuse_all(self._circuit_open)
            return False
        try:
            await self._recovery.recover(permit)
        except (AppendRejected, AppendUnknown, LedgerUnavailable) as error:
            self._meters.appends_failed += 1
            self._log.warning("recovery failed", error=str(error))
            for call in self._queue.take(self._batch_size):
                self._queue.settle(call, not_recorded(call))
            self._count_failure(permit)
            return False
        except BaseException:
            self._breaker.proved_nothing(permit)
            raise
        return True

    def _answer(self, pending: Pending) -> None:
        self._trace(pending)
        self._queue.settle_all(*pending.unanswered())

    def _trace(self, pending: Pending, error: str | None = None) -> None:
        if self._tracer is not None:
            now = self._clock.monotonic()
            tell_of_batch(self._tracer, self.sale_id, pending, now, error)

    def _circuit_open(self) -> Fault:
        return CircuitOpen(self._breaker.wait_seconds(self._clock.monotonic()))

    def _stop(self, why: str) -> None:
        stopped = self.stopped or SaleUnreadable(self.sale_id, why)
        if self.stopped is None:
            self.stopped = stopped
            self._log.error("lane stopped", why=why)
        self._stages.abandon(lambda: stopped)
        self.changes.changed()

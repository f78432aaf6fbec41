"""The checkout: knows every lane, and what they share.

It opens lanes from the ledger, lets calls into them through its admission, and drains them at the
end.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import structlog

from flashsale_server.checkout.admission import Admission, Order
from flashsale_server.checkout.broadcast import Broadcast
from flashsale_server.checkout.call import Call, result_of
from flashsale_server.checkout.clock import Clock, SystemClock
from flashsale_server.checkout.faults import (
    CircuitOpen,
    Fault,
    LedgerRefused,
    OutcomeUnknown,
    SaleExists,
    SaleNotFound,
    SaleUnreadable,
)
from flashsale_server.checkout.feed import Recorded, recorded_after
from flashsale_server.checkout.lane import Lane
from flashsale_server.checkout.line import Line
from flashsale_server.checkout.meters import Meters
from flashsale_server.checkout.replica import Replica
from flashsale_server.checkout.tracing import BatchTracer, CallSpan
from flashsale_server.domain import (
    ChangeCommand,
    ChangeOutcome,
    CircuitBreaker,
    Entry,
    EntryDetail,
    EntryKind,
    Permit,
    Purchase,
    SaleState,
    SaleTerms,
    Transition,
    TransitionCommand,
    UserRateLimit,
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

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class CheckoutLimits:
    """How much the checkout takes on.

    Attributes:
        batch_size: decisions taken in one hold of a lane's lock.
        max_queue: calls that may be on their way at once, all lanes together.
        rate_limit_per_minute: charged attempts a user has in any 60 seconds; 0 for no limit.
        breaker_failures: failed commits in a row that open the circuit.
        breaker_cooldown_seconds: how long it stays open.
    """

    batch_size: int = 50
    max_queue: int = 10_000
    rate_limit_per_minute: int = 10
    breaker_failures: int = 5
    breaker_cooldown_seconds: float = 30.0


class Checkout:
    """All lanes of one server process.

    Attributes:
        node: the server process, as its entries name it.
        clock: where it reads the time.
        line: the calls on their way.
        breaker: the circuit breaker around the ledger.
        meters: what it has counted.
        changes: tells watchers that a sale has changed, or that there is another one.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        node: str,
        limits: CheckoutLimits | None = None,
        clock: Clock | None = None,
        tracer: BatchTracer | None = None,
    ) -> None:
        limits = limits or CheckoutLimits()
        self.node = node
        self.clock = clock or SystemClock()
        self.started_at = self.clock.monotonic()
        self.line = Line(limits.max_queue)
        self.breaker = CircuitBreaker(limits.breaker_failures, limits.breaker_cooldown_seconds)
        self.meters = Meters()
        self.changes = Broadcast()
        self._ledger = ledger
        self._tracer = tracer
        self._batch_size = limits.batch_size
        self._rate_limit = UserRateLimit(limits.rate_limit_per_minute)
        self._admission = Admission(
            line=self.line,
            breaker=self.breaker,
            rate_limit=self._rate_limit,
            meters=self.meters,
            clock=self.clock,
        )
        self._lanes: dict[str, Lane] = {}
        self._opening = asyncio.Lock()

    @property
    def ledger_location(self) -> str:
        """The ledger's URL, without secrets."""
        return self._ledger.location

    @property
    def lanes(self) -> Sequence[Lane]:
        """The lanes of the sales that this process has opened."""
        return tuple(self._lanes.values())

    @property
    def active_users(self) -> int:
        """Users with a charged attempt within the last minute."""
        return self._rate_limit.active_users(self._monotonic_us())

    async def open_all(self) -> None:
        """Open a lane for every sale in the ledger.

        Raises:
            LedgerError: the ledger cannot be read, or must not be sold from.
        """
        for sale_id in await self._ledger.sale_ids():
            await self._open(sale_id)

    async def open_sale(self, sale_id: str, terms: SaleTerms, total_stock: int) -> Lane:
        """The lane of a sale, which is made with these terms if the ledger has none by this id.

        Raises:
            LedgerError: the ledger cannot be read or written, or must not be sold from.
        """
        if sale_id not in self._lanes:
            if not await self._ledger.tail(sale_id):
                with contextlib.suppress(PositionConflict):  # another process was quicker
                    await self._ledger.append(self._opening_append(sale_id, terms, total_stock))
            await self._open(sale_id)
        return self._lanes[sale_id]

    async def create_sale(self, sale_id: str, terms: SaleTerms, total_stock: int) -> Lane:
        """The lane of a new sale.

        Raises:
            SaleExists: the ledger has a sale by this id.
            ShuttingDown, CircuitOpen, LedgerRefused: it was not made.
            OutcomeUnknown: it may have been made.
        """
        fault = self._admission.closed()
        if fault is not None:
            raise fault
        permit = self.breaker.begin(self.clock.monotonic())
        if permit is None:
            raise CircuitOpen(self.breaker.wait_seconds(self.clock.monotonic()))
        await self._make(self._opening_append(sale_id, terms, total_stock), permit)
        try:
            return await self._open(sale_id)
        except (LedgerUnavailable, LedgerDamaged, LedgerTooNew) as error:
            raise OutcomeUnknown from error  # it is made, but cannot be shown

    async def _make(self, append: Append, permit: Permit) -> None:
        try:
            await self._ledger.append(append)
        except PositionConflict as error:
            self.breaker.proved_nothing(permit)
            raise SaleExists(append.sale_id) from error
        except AppendRejected as error:
            self.breaker.failed(self.clock.monotonic(), permit)
            raise LedgerRefused from error
        except AppendUnknown as error:
            self.breaker.failed(self.clock.monotonic(), permit)
            raise OutcomeUnknown from error
        except BaseException:
            self.breaker.proved_nothing(permit)
            raise
        self.breaker.succeeded()

    def _opening_append(self, sale_id: str, terms: SaleTerms, total_stock: int) -> Append:
        entry = Entry(EntryKind.OPENED.value, total_stock, detail=EntryDetail(terms))
        new = Replica(sale_id, self._ledger, self.node)
        return new.append_of([entry], self.clock.now_us())

    async def sale_ids(self) -> list[str]:
        """The sales in the ledger, sorted.

        Raises:
            LedgerRefused: the ledger could not be read now.
        """
        try:
            return await self._ledger.sale_ids()
        except LedgerUnavailable as error:
            raise LedgerRefused from error

    async def lane(self, sale_id: str) -> Lane:
        """The lane of a sale that is in the ledger.

        Raises:
            SaleNotFound: the ledger does not know the sale.
            SaleUnreadable: it must not be sold from.
            LedgerRefused: the ledger could not be read now.
        """
        lane = self._lanes.get(sale_id)
        if lane is not None:
            return lane
        try:
            if not await self._ledger.tail(sale_id):
                raise SaleNotFound(sale_id)
            return await self._open(sale_id)
        except LedgerUnavailable as error:
            raise LedgerRefused from error
        except (LedgerDamaged, LedgerTooNew) as error:
            raise SaleUnreadable(sale_id, str(error)) from error

    def admit(
        self,
        lane: Lane,
        user_id: str,
        *,
        quantity: int = 1,
        request_id: str = "",
        is_retry: bool = False,
        deadline: float | None = None,
    ) -> Call:
        """Let one purchase call in, or answer it at once; see `admit_all`."""
        order = Order(user_id, request_id, quantity, is_retry, sale_id=lane.sale_id)
        return self.admit_all(lane, [order], deadline)[0]

    def admit_all(
        self,
        lane: Lane,
        orders: Sequence[Order],
        deadline: float | None,
        span: CallSpan | None = None,
    ) -> list[Call]:
        """Let purchase calls in that arrived together, or answer them at once; see Admission."""
        return self._admission.admit(lane, orders, deadline, span)

    async def came_to(
        self,
        lane: Lane,
        command: ChangeCommand | TransitionCommand,
        deadline: float | None,
        span: CallSpan | None = None,
    ) -> ChangeOutcome | Transition:
        """What a command that is no purchase came to, in its turn.

        Raises:
            Fault: it was not decided, or its fate is unknown.
        """
        call = self._admission.admit_command(lane, command, deadline, span)
        result = await result_of(call)
        if isinstance(result, Fault):
            raise result.with_traceback(None)  # a lane that has stopped has one for everybody
        if not isinstance(result, ChangeOutcome | Transition):
            raise TypeError(f"a {type(command).__name__} cannot come to {result!r}")
        return result

    async def purchases_of(self, lane: Lane, user_id: str) -> tuple[Purchase, ...]:
        """The user's purchases in the sale, oldest first, as new as the ledger.

        Raises:
            SaleUnreadable: the ledger must not be read on.
            LedgerRefused: the ledger could not be read now.
        """
        await self.refresh(lane)
        return lane.inventory.purchases_of(user_id)

    async def refresh(self, lane: Lane) -> None:
        """Bring a lane to the end of its ledger, where others may have written.

        Raises:
            SaleUnreadable: the ledger must not be read on.
            LedgerRefused: the ledger could not be read now.
        """
        try:
            await lane.catch_up()
        except LedgerUnavailable as error:
            raise LedgerRefused from error
        except (LedgerDamaged, LedgerTooNew) as error:
            raise SaleUnreadable(lane.sale_id, str(error)) from error

    def recorded(self, lane: Lane, after: int) -> AsyncIterator[Sequence[Recorded]]:
        """What the ledger has of a sale after a position; see `recorded_after`."""
        return recorded_after(self._ledger, lane.sale_id, after)

    async def drain(self, seconds: float) -> None:
        """Let nobody in any more, answer who is there for at most `seconds`, refuse the rest."""
        self.line.close()
        try:
            async with asyncio.timeout(seconds if self.line.length else None):
                await self.line.emptied()
        except TimeoutError:
            _log.warning("drain ran out of time", unanswered=self.line.length)
        for lane in self.lanes:
            await lane.close()

    async def _open(self, sale_id: str) -> Lane:
        async with self._opening:
            lane = self._lanes.get(sale_id)
            if lane is not None:
                return lane
            lane = Lane(
                Replica(sale_id, self._ledger, self.node),
                self._ledger,
                line=self.line,
                breaker=self.breaker,
                meters=self.meters,
                clock=self.clock,
                batch_size=self._batch_size,
                tracer=self._tracer,
                all_changes=self.changes,
            )
            await lane.replica.catch_up()
            lane.start()
            self._lanes[sale_id] = lane
            self.line.lanes = len(self._lanes)
            self._count_by_itself(lane)
            self.changes.changed()
            return lane

    def _count_by_itself(self, lane: Lane) -> None:
        """Give a sale that is not over counts of its own, if there is room."""
        now_us = self.clock.now_us()

        def is_over(sale_id: str) -> bool:
            known = self._lanes.get(sale_id)
            return known is None or known.inventory.state_at(now_us) is SaleState.ENDED

        if not is_over(lane.sale_id):
            outcomes = self.meters.outcomes_by_sale
            outcomes.make_room(is_over)
            outcomes[lane.sale_id]  # made by being asked for

    def _monotonic_us(self) -> int:
        return int(self.clock.monotonic() * 1e6)

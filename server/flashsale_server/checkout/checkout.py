"""The checkout: admits calls, and knows every lane.

Admission is the only way into a lane. Its order is the first rule of a sale: a copy of a call on
its way joins it; an answer that the ledger has already is given again; a server that drains, an
open circuit, a full line and a user over the limit turn the call away. Only a call that enters the
line is charged.
"""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import structlog

from flashsale_server.checkout.call import Call
from flashsale_server.checkout.clock import Clock, SystemClock
from flashsale_server.checkout.faults import (
    CircuitOpen,
    Fault,
    LedgerRefused,
    QueueFull,
    RequestIdReused,
    SaleNotFound,
    SaleUnreadable,
    ShuttingDown,
    UserRateLimited,
)
from flashsale_server.checkout.lane import Lane
from flashsale_server.checkout.line import Line
from flashsale_server.checkout.meters import Meters
from flashsale_server.checkout.replica import Replica
from flashsale_server.domain import (
    CircuitBreaker,
    Entry,
    EntryDetail,
    EntryKind,
    Purchase,
    PurchaseCommand,
    ReusedRequestId,
    SaleTerms,
    UserRateLimit,
    replayed_answer,
)
from flashsale_server.ledger import (
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
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        node: str,
        limits: CheckoutLimits | None = None,
        clock: Clock | None = None,
    ) -> None:
        limits = limits or CheckoutLimits()
        self.node = node
        self.clock = clock or SystemClock()
        self.started_at = self.clock.monotonic()
        self.line = Line(limits.max_queue)
        self.breaker = CircuitBreaker(limits.breaker_failures, limits.breaker_cooldown_seconds)
        self.meters = Meters()
        self._ledger = ledger
        self._batch_size = limits.batch_size
        self._rate_limit = UserRateLimit(limits.rate_limit_per_minute)
        self._lanes: dict[str, Lane] = {}
        self._opening = asyncio.Lock()
        self._arrivals = 0

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
        while sale_id not in self._lanes:
            if not await self._ledger.tail(sale_id):
                entry = Entry(EntryKind.OPENED.value, total_stock, detail=EntryDetail(terms))
                new = Replica(sale_id, self._ledger, self.node)
                try:
                    await self._ledger.append(new.append_of([entry], self.clock.now_us()))
                except PositionConflict:
                    continue  # another process was quicker; the ledger has the sale now
            await self._open(sale_id)
        return self._lanes[sale_id]

    def opened_lane(self, sale_id: str) -> Lane | None:
        """The lane of a sale that this process has opened."""
        return self._lanes.get(sale_id)

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
        """Let a purchase call in, or answer it at once.

        Arguments are taken as valid. An empty `request_id` is replaced by a new one. `deadline` is
        in seconds of the event loop's clock. The call that comes back has its result already, a
        fault included, or gets it from the lane.
        """
        self.meters.attempts += 1
        now = self.clock.monotonic()
        command = PurchaseCommand(
            user_id, request_id or uuid.uuid4().hex, quantity, is_retry, self._arrivals + 1
        )
        known = self._known(lane, command, now, deadline) if request_id else None
        if known is not None:
            return known
        fault = self._turned_away(lane, user_id, now)
        if fault is not None:
            self.meters.answered(fault, 0.0)
            return Call.settled(lane.sale_id, command, now, fault)
        self._arrivals += 1
        call = Call(lane.sale_id, command, now, deadline)
        lane.submit(call)
        return call

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
            )
            await lane.replica.catch_up()
            lane.start()
            self._lanes[sale_id] = lane
            return lane

    def _known(
        self, lane: Lane, command: PurchaseCommand, now: float, deadline: float | None
    ) -> Call | None:
        """The call that answers a request id which is on its way, or in the ledger, already."""
        copy = lane.copy_of(command.user_id, command.request_id)
        if copy is not None:
            return self._joined(copy, command, now, deadline)
        replayed = replayed_answer(lane.inventory, command)
        if replayed is None:
            return None
        if isinstance(replayed, ReusedRequestId):
            fault = RequestIdReused(command.request_id, replayed.quantity)
            self.meters.answered(fault, 0.0)
            return Call.settled(lane.sale_id, command, now, fault)
        self.meters.answered(replayed, self.clock.monotonic() - now)
        return Call.settled(lane.sale_id, command, now, replayed)

    def _joined(
        self, copy: Call, command: PurchaseCommand, now: float, deadline: float | None
    ) -> Call | None:
        first = copy.command
        if isinstance(first, PurchaseCommand) and first.quantity != command.quantity:
            fault = RequestIdReused(command.request_id, first.quantity)
            self.meters.answered(fault, 0.0)
            return Call.settled(copy.sale_id, command, now, fault)
        if command.is_retry and isinstance(first, PurchaseCommand) and not first.is_retry:
            # The refusal of a retry must be recorded, and what has been decided cannot be changed:
            # then the retry takes its own turn behind it.
            if copy.is_decided:
                return None
            copy.command = msgspec.structs.replace(first, is_retry=True)
        copy.extend_deadline(deadline)
        copy.is_abandoned = False
        self.meters.replays += 1
        return copy

    def _turned_away(self, lane: Lane, user_id: str, now: float) -> Fault | None:
        if self.line.is_closed:
            return ShuttingDown()
        if lane.stopped is not None:
            return lane.stopped
        cooldown = self.breaker.wait_seconds(now)
        if cooldown > 0:
            return CircuitOpen(cooldown)
        if self.line.is_full:
            return QueueFull(self.line.capacity)
        wait_us = self._rate_limit.charge(user_id, int(now * 1e6))
        if wait_us:
            return UserRateLimited(user_id, self._rate_limit.limit, wait_us / 1e6)
        return None

    def _monotonic_us(self) -> int:
        return int(self.clock.monotonic() * 1e6)

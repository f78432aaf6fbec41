"""Admission: the only way into a lane.

Its order is the first rule of a sale: a copy of a call on its way joins it; an answer that the
ledger has already is given again; a server that drains, an open circuit, a full line and a user
over the limit turn the call away. Only a call that enters the line is charged.
"""

from collections.abc import Sequence
from itertools import repeat

import msgspec

from flashsale_server.checkout.call import Call
from flashsale_server.checkout.clock import Clock
from flashsale_server.checkout.faults import (
    CircuitOpen,
    Fault,
    QueueFull,
    RequestIdReused,
    ShuttingDown,
    UserRateLimited,
)
from flashsale_server.checkout.lane import Lane
from flashsale_server.checkout.line import Line
from flashsale_server.checkout.meters import Meters
from flashsale_server.checkout.minting import request_id_minting
from flashsale_server.checkout.tracing import CallSpan
from flashsale_server.domain import (
    ChangeCommand,
    CircuitBreaker,
    PurchaseCommand,
    ReusedRequestId,
    TransitionCommand,
    UserRateLimit,
    replayed_answer,
)


class Order(PurchaseCommand, gc=False):
    """A purchase request that is well formed: the command, and what only the door must know.

    Attributes:
        request_id: made at the door when it is empty.
        sale_id: whose lane it takes.
        timeout_seconds: how long an answer is of use; None for as long as the call.
    """

    sale_id: str = ""
    timeout_seconds: float | None = None


class Admission:
    """Lets orders into lanes, or answers them at once."""

    def __init__(
        self,
        *,
        line: Line,
        breaker: CircuitBreaker,
        rate_limit: UserRateLimit,
        meters: Meters,
        clock: Clock,
    ) -> None:
        self._line = line
        self._breaker = breaker
        self._rate_limit = rate_limit
        self._meters = meters
        self._clock = clock
        self._new_request_id = request_id_minting()
        self._arrivals = 0

    def admit(
        self,
        lane: Lane,
        orders: Sequence[Order],
        deadline: float | None,
        span: CallSpan | None = None,
    ) -> list[Call]:
        """Let orders in that arrived together, in their order, or answer them at once.

        The calls that come back have their result already, a fault included, or get it from the
        lane. `deadline` is in seconds of the monotonic clock.
        """
        now = self._clock.monotonic()
        closed = self._closed(now) or lane.stopped
        arrivals = self._arrivals
        calls = None
        if len(orders) > 1 and not closed:
            calls = self._admit_strangers(lane, orders, now, deadline)
        if calls is None:
            calls = [self._admit(lane, order, now, deadline, closed) for order in orders]
        if span is not None:
            _draw(calls, span)
        if self._arrivals > arrivals:
            lane.look()
        return calls

    def admit_command(
        self,
        lane: Lane,
        command: ChangeCommand | TransitionCommand,
        deadline: float | None,
        span: CallSpan | None = None,
    ) -> Call:
        """Let anything but a purchase in, or answer it at once. It is not charged to anybody."""
        now = self._clock.monotonic()
        call = Call(lane.sale_id, command, now, deadline, span=span)
        fault = self._closed(now) or lane.stopped or self._crowded(lane, 1)
        if fault is not None:
            return self._settled(call, fault)
        lane.queue(call)
        lane.look()
        return call

    def _admit_strangers(
        self, lane: Lane, orders: Sequence[Order], now: float, deadline: float | None
    ) -> list[Call] | None:
        """Let orders in as one, in a fraction of the time; None where each needs a look.

        None does where different users come who have not been here before, as in a rush nearly all
        do, and there is room for all of them.
        """
        user_ids = [order.user_id for order in orders]
        request_ids = [order.request_id for order in orders]
        keys = list(zip(user_ids, request_ids, strict=True))
        if (
            len(set(user_ids)) < len(orders)
            or not all(request_ids)
            or any(order.timeout_seconds is not None for order in orders)
            or self._crowded(lane, len(orders))
            or not lane.has_none_of(keys)
            or not lane.inventory.are_strangers(user_ids, request_ids)
            or not self._rate_limit.charge_strangers(user_ids, int(now * 1e6))
        ):
            return None
        self._meters.attempts += len(orders)
        for order in orders:
            self._arrivals += 1
            order.arrival = self._arrivals
        calls = list(map(Call, repeat(lane.sale_id), orders, repeat(now), repeat(deadline), keys))
        lane.queue_all(calls, keys)
        return calls

    def _admit(
        self, lane: Lane, order: Order, now: float, deadline: float | None, closed: Fault | None
    ) -> Call:
        self._meters.attempts += 1
        if order.timeout_seconds is not None:
            until = now + order.timeout_seconds
            deadline = until if deadline is None else min(deadline, until)
        is_new = not order.request_id
        if is_new:
            order.request_id = self._new_request_id()
        call = Call(lane.sale_id, order, now, deadline, (order.user_id, order.request_id))
        known = None if is_new else self._known(lane, call, order)
        if known is not None:
            return known
        fault = closed or self._crowded(lane, 1) or self._over_limit(order.user_id, now)
        if fault is not None:
            return self._settled(call, fault)
        self._arrivals += 1
        order.arrival = self._arrivals
        lane.queue(call)
        return call

    def _known(self, lane: Lane, call: Call, command: PurchaseCommand) -> Call | None:
        """The call that answers a request id which is on its way, or in the ledger, already."""
        copy = lane.copy_of(call.key)
        if copy is not None:
            return self._joined(copy, call, command)
        replayed = replayed_answer(lane.inventory, command)
        if replayed is None:
            return None
        if isinstance(replayed, ReusedRequestId):
            return self._settled(call, RequestIdReused(command.request_id, replayed.quantity))
        self._meters.answered(call.sale_id, replayed, self._clock.monotonic() - call.arrived_at)
        call.result = replayed
        return call

    def _joined(self, copy: Call, call: Call, command: PurchaseCommand) -> Call | None:
        first = copy.command
        if isinstance(first, PurchaseCommand) and first.quantity != command.quantity:
            return self._settled(call, RequestIdReused(command.request_id, first.quantity))
        if command.is_retry and isinstance(first, PurchaseCommand) and not first.is_retry:
            # The refusal of a retry must be recorded, and what has been decided cannot be changed:
            # then the retry takes its own turn behind it.
            if copy.is_decided:
                return None
            copy.command = msgspec.structs.replace(first, is_retry=True)
        copy.extend_deadline(call.deadline)
        copy.is_abandoned = False
        self._meters.replays += 1
        return copy

    def closed(self) -> Fault | None:
        """Why nobody may come in; None when the door is open."""
        return self._closed(self._clock.monotonic())

    def _closed(self, now: float) -> Fault | None:
        """Why nobody may come in; None when the door is open."""
        if self._line.is_closed:
            return ShuttingDown()
        cooldown = self._breaker.wait_seconds(now)
        return CircuitOpen(cooldown) if cooldown > 0 else None

    def _crowded(self, lane: Lane, count: int) -> Fault | None:
        """Why there is no room for so many more in this lane; None when there is.

        The last tenth of the line is kept from a sale that has more than its share of it, so that
        one that is crowded does not shut the others out.
        """
        line = self._line
        left = line.capacity - line.length - count
        if left < 0 or (left < line.capacity // 10 and lane.queue_length >= line.share):
            return QueueFull(line.capacity)
        return None

    def _over_limit(self, user_id: str, now: float) -> Fault | None:
        """Why this user may not come in; None when they may, and then they are charged."""
        wait_us = self._rate_limit.charge(user_id, int(now * 1e6))
        return UserRateLimited(user_id, self._rate_limit.limit, wait_us / 1e6) if wait_us else None

    def _settled(self, call: Call, fault: Fault) -> Call:
        self._meters.answered(call.sale_id, fault, 0.0)
        call.result = fault
        return call


def _draw(calls: Sequence[Call], span: CallSpan) -> None:
    """Have calls drawn in a span; one that they have joined stays where it is drawn already."""
    for call in calls:
        if call.span is None:
            call.span = span

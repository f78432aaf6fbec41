"""FlashSaleService, for every door.

Each RPC takes a message and its caller, and returns a message or raises a fault. The methods bear
the RPCs' names, so that a door finds them by the contract alone.
"""

import itertools
import resource
import sys
from collections.abc import AsyncIterator, Sequence
from operator import itemgetter
from pathlib import Path

from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from flashsale_server.checkout import (
    Call,
    Caller,
    Checkout,
    Fault,
    Lane,
    Order,
    Watching,
    all_settled,
    result_of,
    wellness_of,
)
from flashsale_server.domain import ConfirmCommand, ReleaseCommand
from flashsale_server.grpc_api.acting import check_acts_for, own_orders
from flashsale_server.grpc_api.metrics_messages import error_counts, outcome_counts
from flashsale_server.grpc_api.purchase_batch import batch_response, orders_of
from flashsale_server.grpc_api.purchase_stream import PurchaseStream
from flashsale_server.grpc_api.requests import (
    hold_of,
    lookup_of,
    min_interval_seconds_of,
    order_of,
    sale_id_of,
)
from flashsale_server.grpc_api.responses import (
    CIRCUIT_STATES,
    HEALTH,
    response_of,
    status_response,
    write_purchase,
)
from flashsale_server.grpc_api.transitions import changed_purchase


class FlashSaleServicer:
    """What buyers may ask."""

    def __init__(self, checkout: Checkout, watching: Watching, version: str) -> None:
        self._checkout = checkout
        self._watching = watching
        self._version = version
        self._shown: dict[str, tuple[object, pb.WatchStatusResponse]] = {}

    async def Status(self, request: pb.StatusRequest, caller: Caller) -> pb.StatusResponse:
        """The sale as it is now."""
        lane = await self._checkout.lane(sale_id_of(request))
        await self._checkout.refresh(lane)
        return self._status(lane)

    async def WatchStatus(
        self, request: pb.WatchStatusRequest, caller: Caller
    ) -> AsyncIterator[pb.WatchStatusResponse]:
        """The sale now, and again at each change of it."""
        min_interval_seconds = min_interval_seconds_of(request)
        lane = await self._checkout.lane(sale_id_of(request))
        async for _ in self._watching.looks(lane, min_interval_seconds):
            yield self._view(lane)

    async def Purchase(self, request: pb.PurchaseRequest, caller: Caller) -> pb.PurchaseResponse:
        """Try to buy."""
        order = order_of(request)
        check_acts_for(caller, order.user_id)
        lane = await self._checkout.lane(order.sale_id)
        (call,) = self._checkout.admit_all(lane, (order,), caller.deadline, caller.span)
        await result_of(call)
        return response_of(call)

    async def BatchPurchase(
        self, request: pb.BatchPurchaseRequest, caller: Caller
    ) -> pb.BatchPurchaseResponse:
        """Try to buy, several times; each is answered by itself."""
        came_to = await self._admitted(own_orders(orders_of(request), caller), caller)
        await all_settled(call for call in came_to if isinstance(call, Call))
        return batch_response(request, came_to)

    def StreamPurchases(
        self, requests: AsyncIterator[pb.StreamPurchasesRequest], caller: Caller
    ) -> AsyncIterator[pb.StreamPurchasesResponse]:
        """Purchases as a stream, answered as they are ready."""
        return PurchaseStream(self._checkout, caller).results(requests)

    async def GetPurchase(
        self, request: pb.GetPurchaseRequest, caller: Caller
    ) -> pb.GetPurchaseResponse:
        """What a user has bought in a sale."""
        sale_id, user_id = lookup_of(request)
        check_acts_for(caller, user_id)
        lane = await self._checkout.lane(sale_id)
        purchases = await self._checkout.purchases_of(lane, user_id)
        response = pb.GetPurchaseResponse(purchased=any(item.counts for item in purchases))
        for purchase in purchases:
            write_purchase(response.purchases.add(), sale_id, purchase)
        return response

    async def ConfirmPurchase(
        self, request: pb.ConfirmPurchaseRequest, caller: Caller
    ) -> pb.ConfirmPurchaseResponse:
        """Make a hold a purchase."""
        sale_id, user_id, purchase_id = hold_of(request)
        check_acts_for(caller, user_id)
        lane = await self._checkout.lane(sale_id)
        command = ConfirmCommand(user_id, purchase_id)
        purchase = await changed_purchase(self._checkout, lane, command, caller)
        response = pb.ConfirmPurchaseResponse()
        write_purchase(response.purchase, sale_id, purchase)
        return response

    async def ReleasePurchase(
        self, request: pb.ReleasePurchaseRequest, caller: Caller
    ) -> pb.ReleasePurchaseResponse:
        """Give a hold back."""
        sale_id, user_id, purchase_id = hold_of(request)
        check_acts_for(caller, user_id)
        lane = await self._checkout.lane(sale_id)
        command = ReleaseCommand(user_id, purchase_id)
        purchase = await changed_purchase(self._checkout, lane, command, caller)
        response = pb.ReleasePurchaseResponse()
        write_purchase(response.purchase, sale_id, purchase)
        return response

    async def Metrics(self, request: pb.MetricsRequest, caller: Caller) -> pb.MetricsResponse:
        """What this server process has done since it started."""
        checkout = self._checkout
        meters = checkout.meters
        line = checkout.line
        now = checkout.clock.monotonic()
        return pb.MetricsResponse(
            node=checkout.node,
            uptime=self._uptime(),
            attempts=meters.attempts,
            outcomes=outcome_counts(meters.outcomes),
            errors=error_counts(meters.faults),
            replays=meters.replays,
            success_rate=meters.success_rate,
            queue_length=line.length,
            queue_length_peak=line.length_peak,
            queue_capacity=line.capacity,
            batches=meters.batches,
            batch_size_mean=meters.batch_size_mean,
            batch_size_max=meters.batch_size_max,
            latency_ms_p50=meters.latency.percentile_ms(50),
            latency_ms_p95=meters.latency.percentile_ms(95),
            latency_ms_p99=meters.latency.percentile_ms(99),
            appends=meters.appends,
            appends_failed=meters.appends_failed,
            appends_conflicted=meters.appends_conflicted,
            append_ms_p50=meters.append.percentile_ms(50),
            append_ms_p99=meters.append.percentile_ms(99),
            circuit_state=CIRCUIT_STATES[checkout.breaker.state_at(now)],
            active_users=checkout.active_users,
            watchers=self._watching.count,
        )

    async def Health(self, request: pb.HealthRequest, caller: Caller) -> pb.HealthResponse:
        """Whether this server process is well, and if not, why."""
        checkout = self._checkout
        wellness = wellness_of(checkout)
        return pb.HealthResponse(
            health=HEALTH[wellness.health],
            reasons=wellness.reasons,
            node=checkout.node,
            version=self._version,
            uptime=self._uptime(),
            circuit_state=CIRCUIT_STATES[checkout.breaker.state_at(checkout.clock.monotonic())],
            queue_length=checkout.line.length,
            queue_capacity=checkout.line.capacity,
            memory_bytes=_memory_bytes(),
            ledger=checkout.ledger_location,
            draining=checkout.line.is_closed,
        )

    async def _admitted(
        self, orders: Sequence[Order | Fault], caller: Caller
    ) -> list[Call | Fault]:
        """What became of orders at the door, in their order."""
        sale_ids = {order.sale_id for order in orders if isinstance(order, Order)}
        lanes = {sale_id: await self._lane_or_fault(sale_id) for sale_id in sale_ids}
        # Nothing is waited for from here on, so that whoever leaves has left nobody behind.
        came_to: list[Call | Fault] = []
        ways = [order if isinstance(order, Fault) else lanes[order.sale_id] for order in orders]
        for way, run in itertools.groupby(zip(ways, orders, strict=True), itemgetter(0)):
            if isinstance(way, Lane):
                mine = [order for _, order in run if isinstance(order, Order)]
                came_to += self._checkout.admit_all(way, mine, caller.deadline, caller.span)
            else:
                came_to += [way for _ in run]
        return came_to

    async def _lane_or_fault(self, sale_id: str) -> Lane | Fault:
        try:
            return await self._checkout.lane(sale_id)
        except Fault as fault:
            return fault

    def _status(self, lane: Lane) -> pb.StatusResponse:
        health = wellness_of(self._checkout).health
        return status_response(lane, self._checkout.clock.now_us(), health)

    def _view(self, lane: Lane) -> pb.WatchStatusResponse:
        """What all watchers of a lane see now: made once for each change and each 100 ms."""
        key = (lane.changes.version, self._checkout.clock.now_us() // 100_000)
        shown = self._shown.get(lane.sale_id)
        if shown is None or shown[0] != key:
            shown = (key, pb.WatchStatusResponse(status=self._status(lane)))
            self._shown[lane.sale_id] = shown
        return shown[1]

    def _uptime(self) -> Duration:
        seconds = self._checkout.clock.monotonic() - self._checkout.started_at
        uptime = Duration()
        uptime.FromMicroseconds(int(seconds * 1e6))
        return uptime


def _memory_bytes() -> int:
    """The process's resident memory: now where the system says so, else the most it ever was."""
    try:
        statm = Path("/proc/self/statm").read_text(encoding="ascii")
        return int(statm.split()[1]) * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

"""GET /metrics: the meters in Prometheus's text format, by its naming conventions.

Everything is read from the meters when the page is asked for, so that counting costs the purchases
nothing extra.
"""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flashsale_server.access import Guard, sole
from flashsale_server.checkout import BUCKET_BOUNDS_SECONDS, Checkout, Durations, Watching
from flashsale_server.domain import CircuitState
from flashsale_server.grpc_api import reason_of

_AS_RPC: Final = "flashsale.v1.FlashSaleService/Metrics"


def prometheus_route(checkout: Checkout, watching: Watching, guard: Guard | None = None) -> Route:
    """The route that serves the page, to whoever may ask for Metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(checkout, watching))

    async def page(request: Request) -> Response:
        if guard is not None:
            guard.admitted(_AS_RPC, sole(request.headers.getlist("authorization")))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)

    return Route("/metrics", page, methods=["GET"])


class _Collector(Collector):
    def __init__(self, checkout: Checkout, watching: Watching) -> None:
        self._checkout = checkout
        self._watching = watching

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._gauges()
        yield from self._sales()
        meters = self._checkout.meters
        yield _histogram(
            "flash_sale_purchase_duration_seconds",
            "From a call's arrival to its answer.",
            meters.latency,
        )
        yield _histogram(
            "flash_sale_append_duration_seconds",
            "What an append to the ledger takes.",
            meters.append,
        )

    def _counters(self) -> Iterator[Metric]:
        meters = self._checkout.meters
        purchases = CounterMetricFamily(
            "flash_sale_purchases", "Purchase calls decided, by outcome.", labels=["outcome"]
        )
        for outcome, count in meters.outcomes.items():
            purchases.add_metric([outcome.value.lower()], count)
        yield purchases
        errors = CounterMetricFamily(
            "flash_sale_errors", "Purchase calls not answered, by reason.", labels=["reason"]
        )
        for fault, count in meters.faults.items():
            errors.add_metric([reason_of(fault).lower()], count)
        yield errors
        appends = CounterMetricFamily(
            "flash_sale_appends", "Appends to the ledger, by result.", labels=["result"]
        )
        appends.add_metric(["accepted"], meters.appends)
        appends.add_metric(["failed"], meters.appends_failed)
        appends.add_metric(["conflicted"], meters.appends_conflicted)
        yield appends
        yield CounterMetricFamily(
            "flash_sale_replays", "Purchase calls answered again.", meters.replays
        )
        yield CounterMetricFamily("flash_sale_batches", "Batches decided.", meters.batches)

    def _gauges(self) -> Iterator[Metric]:
        checkout = self._checkout
        line = checkout.line
        yield GaugeMetricFamily("flash_sale_queue_length", "Calls on their way.", line.length)
        yield GaugeMetricFamily("flash_sale_queue_capacity", "Calls that may be.", line.capacity)
        yield GaugeMetricFamily(
            "flash_sale_active_users", "Users seen within a minute.", checkout.active_users
        )
        yield GaugeMetricFamily(
            "flash_sale_watchers", "Streams that watch a sale.", self._watching.count
        )
        circuit = GaugeMetricFamily(
            "flash_sale_circuit_state", "1 for the state that it is in.", labels=["state"]
        )
        now = checkout.breaker.state_at(checkout.clock.monotonic())
        for state in CircuitState:
            circuit.add_metric([state.value.lower()], float(state is now))
        yield circuit

    def _sales(self) -> Iterator[Metric]:
        stock = GaugeMetricFamily("flash_sale_stock", "Units of a sale.", labels=["sale", "part"])
        for lane in self._checkout.lanes:
            sale = lane.inventory
            stock.add_metric([lane.sale_id, "available"], sale.available_stock)
            stock.add_metric([lane.sale_id, "held"], sale.held_stock)
            stock.add_metric([lane.sale_id, "sold"], sale.sold_stock)
        yield stock


def _histogram(name: str, about: str, durations: Durations) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, about)
    buckets: list[tuple[str, float]] = []
    total = 0
    bounds = [*(f"{bound:.6g}" for bound in BUCKET_BOUNDS_SECONDS), "+Inf"]
    for bound, count in zip(bounds, durations.counts, strict=True):
        total += count
        buckets.append((bound, total))
    family.add_metric([], buckets=buckets, sum_value=durations.total_seconds)
    return family

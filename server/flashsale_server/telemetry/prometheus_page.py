"""GET /metrics: what has been counted, in Prometheus's text format.

Everything is read from the meters when the page is asked for, so that nothing is counted for it
alone. A page is written metric by metric, and others have a turn of the event loop whenever half a
millisecond has gone by, so that it holds no purchase up for long.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

import prometheus_client
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flashsale_server.access import Guard, sole
from flashsale_server.checkout import Checkout, RequestMeters, Watching
from flashsale_server.telemetry.door_metrics import grpc_metrics, http_metrics
from flashsale_server.telemetry.server_metrics import counters, gauges, histograms, server_metrics
from flashsale_server.telemetry.stock_metrics import sales_metrics
from flashsale_server.telemetry.text_format import text_of

TURN_SECONDS: Final = 0.0005
"""How long a page is written before others have a turn; a metric that was begun is written."""

_AS_RPC: Final = "flashsale.v1.FlashSaleService/Metrics"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows.

    Attributes:
        checkout, watching: whose meters it reads.
        version: of the server.
        ledger_file: the ledger's file; None where it has none.
        grpc_calls: the calls of the gRPC door, by type, service and method.
        http_requests: the requests of the HTTP door, by method and route.
    """

    checkout: Checkout
    watching: Watching
    version: str
    ledger_file: Path | None
    grpc_calls: RequestMeters
    http_requests: RequestMeters

    def metrics(self) -> Iterator[Metric]:
        """Every metric as it is now; the process's own come last."""
        yield from server_metrics(self.checkout, self.version, self.ledger_file)
        yield from counters(self.checkout)
        yield from gauges(self.checkout, self.watching)
        yield from sales_metrics(self.checkout)
        yield from histograms(self.checkout)
        yield from grpc_metrics(self.grpc_calls)
        yield from http_metrics(self.http_requests)
        yield from _process.collect()


def prometheus_route(shown: Shown, guard: Guard | None = None) -> Route:
    """The route that serves the page, to whoever may ask for Metrics."""

    async def page(request: Request) -> Response:
        if guard is not None:
            guard.admitted(_AS_RPC, sole(request.headers.getlist("authorization")))
        parts = []
        turn_over_at = perf_counter() + TURN_SECONDS
        for metric in shown.metrics():
            parts.append(text_of(metric))
            if perf_counter() >= turn_over_at:
                await asyncio.sleep(0)
                turn_over_at = perf_counter() + TURN_SECONDS
        return Response("".join(parts), media_type=CONTENT_TYPE_PLAIN_1_0_0)

    return Route("/metrics", page, methods=["GET"])


_process: Final = prometheus_client.ProcessCollector(registry=CollectorRegistry())
"""CPU, memory, files and start time, by the names that every process has for them."""

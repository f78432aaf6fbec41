"""How the doors answer, by the names that monitoring has for it everywhere.

Those of gRPC are the names of go-grpc-prometheus, which dashboards for gRPC servers know.
"""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from flashsale_server.checkout import RequestMeters
from flashsale_server.telemetry.families import COARSE, add_durations

_METHOD: Final = ("grpc_type", "grpc_service", "grpc_method")
_ROUTE: Final = ("method", "route")
_CODES: Final = (
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
)


def grpc_metrics(calls: RequestMeters) -> Iterator[Metric]:
    """The calls of each method: how many began, how many ended with each code, how long."""
    started = CounterMetricFamily(
        "grpc_server_started", "Calls that began on the server.", labels=_METHOD
    )
    handled = CounterMetricFamily(
        "grpc_server_handled",
        "Calls that ended on the server, by code.",
        labels=(*_METHOD, "grpc_code"),
    )
    seconds = HistogramMetricFamily(
        "grpc_server_handling_seconds", "What a call took the server.", labels=_METHOD
    )
    for kind, meter in list(calls.items()):
        started.add_metric(kind, meter.started)
        for code, count in ({0: 0} | meter.ended).items():
            handled.add_metric((*kind, _CODES[code]), count)
        if meter.started:
            add_durations(seconds, list(kind), meter.durations, COARSE)
    yield from (started, handled, seconds)


def http_metrics(requests: RequestMeters) -> Iterator[Metric]:
    """The requests of each route: how many got each status, and how long they took."""
    answered = CounterMetricFamily(
        "http_requests", "HTTP requests, by route and status.", labels=(*_ROUTE, "code")
    )
    seconds = HistogramMetricFamily(
        "http_request_duration_seconds", "What an HTTP request took the server.", labels=_ROUTE
    )
    for kind, meter in list(requests.items()):
        for code, count in meter.ended.items():
            answered.add_metric((*kind, str(code)), count)
        add_durations(seconds, list(kind), meter.durations, COARSE)
    yield from (answered, seconds)

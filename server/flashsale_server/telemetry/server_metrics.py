"""The server itself: what it has counted and timed, what it owes, and how it is."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from flashsale_server.checkout import Checkout, SystemHealth, Watching, wellness_of
from flashsale_server.domain import CircuitState
from flashsale_server.grpc_api import ERROR_TABLE, reason_of
from flashsale_server.telemetry.families import FINE, add_durations


def server_metrics(checkout: Checkout, version: str, ledger_file: Path | None) -> Iterator[Metric]:
    """What this server is, how it is, and the room that its ledger has."""
    build = GaugeMetricFamily(
        "flash_sale_build_info", "1, with what this server is.", labels=["version", "python"]
    )
    build.add_metric([version, platform.python_version()], 1)
    yield build
    health = GaugeMetricFamily("flash_sale_health", "1 for how the server is.", labels=["health"])
    now = wellness_of(checkout).health
    for item in SystemHealth:
        health.add_metric([item.value.lower()], float(item is now))
    yield health
    yield GaugeMetricFamily(
        "flash_sale_draining",
        "1 while the server is about to stop.",
        float(checkout.line.is_closed),
    )
    if ledger_file is not None:
        yield from _disk(ledger_file)


def counters(checkout: Checkout) -> Iterator[Metric]:
    """What has been counted, of all sales together."""
    meters = checkout.meters
    yield CounterMetricFamily(
        "flash_sale_attempts", "Purchase calls that were valid.", meters.attempts
    )
    errors = CounterMetricFamily(
        "flash_sale_errors", "Calls that a sale could not answer, by reason.", labels=["reason"]
    )
    for fault in ERROR_TABLE:
        errors.add_metric([reason_of(fault).lower()], meters.faults[fault])
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
    yield CounterMetricFamily(
        "flash_sale_batch_decisions", "Decisions in all batches.", meters.decisions
    )


def gauges(checkout: Checkout, watching: Watching) -> Iterator[Metric]:
    """What is so now."""
    line = checkout.line
    yield GaugeMetricFamily("flash_sale_queue_length", "Calls on their way.", line.length)
    yield GaugeMetricFamily("flash_sale_queue_capacity", "Calls that may be.", line.capacity)
    yield GaugeMetricFamily(
        "flash_sale_active_users", "Users seen within a minute.", checkout.active_users
    )
    yield GaugeMetricFamily("flash_sale_watchers", "Streams that watch.", watching.count)
    circuit = GaugeMetricFamily(
        "flash_sale_circuit_state", "1 for the state that it is in.", labels=["state"]
    )
    now = checkout.breaker.state_at(checkout.clock.monotonic())
    for state in CircuitState:
        circuit.add_metric([state.value.lower()], float(state is now))
    yield circuit
    stopped = sum(lane.stopped is not None for lane in checkout.lanes)
    yield GaugeMetricFamily(
        "flash_sale_lanes_stopped", "Sales that this server sells no more, for a fault.", stopped
    )


def histograms(checkout: Checkout) -> Iterator[Metric]:
    """What has been timed."""
    for name, about, durations in (
        (
            "flash_sale_purchase_duration_seconds",
            "From a purchase call's arrival to its answer.",
            checkout.meters.latency,
        ),
        (
            "flash_sale_append_duration_seconds",
            "What an append to the ledger takes.",
            checkout.meters.append,
        ),
    ):
        family = HistogramMetricFamily(name, about)
        add_durations(family, [], durations, FINE)
        yield family


def _disk(ledger_file: Path) -> Iterator[Metric]:
    """The ledger's size, and the disk's; nothing where the system does not say."""
    try:
        size = ledger_file.stat().st_size
        disk = os.statvfs(ledger_file)
    except OSError:
        return
    yield GaugeMetricFamily("flash_sale_ledger_size_bytes", "The ledger's file.", size)
    yield GaugeMetricFamily(
        "flash_sale_ledger_disk_free_bytes",
        "What is left on the ledger's disk.",
        disk.f_bavail * disk.f_frsize,
    )
    yield GaugeMetricFamily(
        "flash_sale_ledger_disk_size_bytes", "The ledger's disk.", disk.f_blocks * disk.f_frsize
    )

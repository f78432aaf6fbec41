"""What the metrics are made of, beside what prometheus_client has: histograms of our durations."""

from typing import Final

from prometheus_client.core import HistogramMetricFamily

from flashsale_server.checkout import BUCKET_BOUNDS_SECONDS, Durations

FINE: Final = 2
"""Bounds half as many as are counted: each one and a half times the one before."""

COARSE: Final = 4
"""A quarter as many: each two and a half times the one before."""


def add_durations(
    family: HistogramMetricFamily, labels: list[str], durations: Durations, step: int
) -> None:
    """Add durations to a histogram, every `step`th bound of theirs as one of its."""
    buckets: list[tuple[str, float]] = []
    total = 0
    for place, count in enumerate(durations.counts, 1):
        total += count
        if place > len(BUCKET_BOUNDS_SECONDS):
            buckets.append(("+Inf", total))
        elif place % step == 0:
            buckets.append((f"{BUCKET_BOUNDS_SECONDS[place - 1]:.6g}", total))
    family.add_metric(labels, buckets=buckets, sum_value=durations.total_seconds)

"""What is written is what prometheus_client would write, and reads back as what was meant."""

from collections.abc import Iterable

from flashsale_server.telemetry.text_format import text_of
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

# Of what cannot be printed, the parser of the library takes some for the end of a line.
TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(' \\"\n{},='))
VALUES = st.floats(allow_nan=False) | st.integers(-(2**63), 2**63)


class One(Collector):
    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterable[Metric]:
        return [self._metric]


def read_back(text: str) -> list[tuple[str, str, str, list[tuple[str, dict[str, str], float]]]]:
    return [
        (
            family.name,
            family.type,
            family.documentation,
            [(sample.name, sample.labels, sample.value) for sample in family.samples],
        )
        for family in text_string_to_metric_families(text)
    ]


@given(TEXTS, st.lists(st.tuples(TEXTS, TEXTS, VALUES), max_size=5))
def test_any_texts_and_values_are_written_as_the_library_writes_them(
    about: str, rows: list[tuple[str, str, float]]
) -> None:
    for family in (
        CounterMetricFamily("shoes", about, labels=["a", "b"]),
        GaugeMetricFamily("shoes", about, labels=["a", "b"]),
    ):
        for first, second, value in rows:
            family.add_metric([first, second], value)
        assert read_back(text_of(family)) == read_back(generate_latest(One(family)).decode())


def test_histograms_and_series_without_labels_are_written_to_the_letter() -> None:
    histogram = HistogramMetricFamily("wait_seconds", "How long.", labels=[])
    histogram.add_metric([], buckets=[("0.1", 2), ("+Inf", 3)], sum_value=0.5)
    for family in (
        histogram,
        GaugeMetricFamily("queue", "Now.", 7),
        CounterMetricFamily("sold", "Ever.", 9),
    ):
        assert text_of(family) == generate_latest(One(family)).decode()

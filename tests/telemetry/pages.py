"""The page of metrics as a monitoring system reads it."""

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.servers import Running

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def families_of(shop: Running) -> dict[str, Metric]:
    """The metrics of a server, by name, as they are on its page."""
    async with httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
        answer = await web.get("/metrics")
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


class Page:
    """The values on the page."""

    def __init__(self, families: dict[str, Metric]) -> None:
        self.families = families
        self._series: Series = {}
        for family in families.values():
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                assert key not in self._series, f"{key} is there twice"
                self._series[key] = sample.value

    def value(self, name: str, **labels: str) -> float:
        """The one value of a series."""
        return self._series[name, frozenset(labels.items())]

    def labels(self, name: str, label: str) -> set[str]:
        """The values that a label of a series has."""
        return {dict(labels)[label] for key, labels in self._series if key == name}

    @property
    def names(self) -> set[str]:
        """The names of all series."""
        return {name for name, _ in self._series}

    @property
    def label_names(self) -> set[str]:
        """The names of all labels."""
        return {label for _, labels in self._series for label, _ in labels}


async def page_of(shop: Running) -> Page:
    """The values on a server's page."""
    return Page(await families_of(shop))

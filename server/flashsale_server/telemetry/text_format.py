"""Prometheus's text format: metrics as it reads them.

prometheus_client writes it too, for whatever anybody may name; that takes six times as long, and
a page is written on the event loop that the purchases are on.
"""

from prometheus_client import Metric
from prometheus_client.utils import floatToGoString


def text_of(metric: Metric) -> str:
    """A metric with its help, its type and all of its series."""
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    about = metric.documentation.replace("\\", "\\\\").replace("\n", "\\n")
    lines = [f"# HELP {name} {about}\n# TYPE {name} {metric.type}\n"]
    for sample in metric.samples:
        labels = ",".join([f'{key}="{_escaped(text)}"' for key, text in sample.labels.items()])
        named = f"{sample.name}{{{labels}}}" if labels else sample.name
        value: str = floatToGoString(sample.value)  # type: ignore[no-untyped-call]  # it has no types
        lines.append(f"{named} {value}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    if text.isalnum():
        return text
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

"""Whether calls are traced, and by what: the one place that knows that it may not be installed."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flashsale_server.telemetry.traces import Traces


class TracesUnusable(Exception):
    """Traces are asked for, and cannot be made."""


def open_traces(endpoint: str, *, ratio: float, node: str, version: str) -> "Traces":
    """What draws traces and sends them to a collector.

    Raises:
        TracesUnusable: what makes them is not installed.
    """
    try:
        from flashsale_server.telemetry.traces import Traces
    except ModuleNotFoundError as error:
        text = f"--otlp-endpoint needs the extra flash-sale[traces]: {error.name} is not installed"
        raise TracesUnusable(text) from error
    return Traces(endpoint, ratio=ratio, node=node, version=version)

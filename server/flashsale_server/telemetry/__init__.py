"""Telemetry: what others see of this server, in the forms that their tools read.

It reads what the other rooms have counted, and draws what they tell; it decides nothing.
"""

from flashsale_server.telemetry.opening import TracesUnusable, open_traces
from flashsale_server.telemetry.prometheus_page import Shown, prometheus_route
from flashsale_server.telemetry.traced_servicer import traced

__all__ = ["Shown", "TracesUnusable", "open_traces", "prometheus_route", "traced"]

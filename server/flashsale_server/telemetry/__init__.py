"""Telemetry: what others measure this server by, in the forms that their tools read.

It reads what the other rooms have counted; it counts nothing and decides nothing itself.
"""

from flashsale_server.telemetry.prometheus_page import Shown, prometheus_route

__all__ = ["Shown", "prometheus_route"]

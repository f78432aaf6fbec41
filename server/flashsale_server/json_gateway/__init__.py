"""The HTTP door: JSON for every RPC with a google.api.http rule, derived from the contract."""

from flashsale_server.json_gateway.bindings import Service
from flashsale_server.json_gateway.docs_page import docs_routes
from flashsale_server.json_gateway.http_app import http_app
from flashsale_server.json_gateway.http_server import HttpServer

__all__ = ["HttpServer", "Service", "docs_routes", "http_app"]

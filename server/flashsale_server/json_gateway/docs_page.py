"""The API's document at /openapi.json, and a page at /docs to read it and try it out.

The page's scripts and styles come from an installed package; nothing is loaded from elsewhere, and
the page's policy says so to the browser.
"""

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from flashsale_server.checkout import PathNotFound
from flashsale_server.json_gateway.bindings import Service
from flashsale_server.json_gateway.openapi import openapi_document

_ASSETS: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_CACHE: Final = {"cache-control": "public, max-age=86400"}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Flash Sale: the API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START: Final = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#api", deepLinking: true, tryItOutEnabled: true,
  validatorUrl: null,
});
"""


def docs_routes(services: Sequence[Service], *, title: str, version: str) -> list[BaseRoute]:
    """The routes of the document, the page, and what the page needs."""
    document = json.dumps(openapi_document(services, title=title, version=version))

    async def openapi(_: Request) -> Response:
        return Response(document, media_type="application/json")

    async def page(_: Request) -> Response:
        return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY})

    async def start(_: Request) -> Response:
        return Response(_START, media_type="text/javascript", headers=_CACHE)

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            raise PathNotFound(f"there is nothing at {request.url.path}")
        content = files("swagger_ui").joinpath("static", name).read_bytes()
        return Response(content, media_type=_ASSETS[name], headers=_CACHE)

    return [
        Route("/openapi.json", openapi),
        Route("/docs", page),
        Route("/docs/start.js", start),
        Route("/docs/{name}", asset),
    ]

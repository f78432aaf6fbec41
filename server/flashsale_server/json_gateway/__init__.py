"""The JSON door."""
from flashsale_server.json_gateway.http_server import HttpServer


class Service:
    def __init__(self, *a: object) -> None: ...


def http_app(*a: object, **k: object) -> object:
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
    return app

"""The service's HTTP server with one route that decides nothing and keeps nothing.

It reads each request's body and answers with bytes as long as the service's own. What it can carry
is what uvicorn and Starlette can carry.

    python -m bench.peers.noop_http 127.0.0.1:8090
"""

import asyncio
import json
import sys

import uvloop
from flashsale_server.json_gateway import HttpServer
from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.loads.json_post import PATH
from bench.peers.noop_grpc import answer_of
from bench.tuning import tuned

ANSWER = json.dumps(
    MessageToDict(answer_of("PURCHASED"), always_print_fields_with_no_presence=True)
).encode()


async def purchase(request: Request) -> Response:
    await request.body()
    return Response(ANSWER, media_type="application/json")


async def serve(address: str) -> None:
    server = HttpServer(address)
    server.listen()
    server.start(Starlette(routes=[Route(PATH, purchase, methods=["POST"])]))
    await asyncio.Event().wait()


if __name__ == "__main__":
    tuned()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1]))

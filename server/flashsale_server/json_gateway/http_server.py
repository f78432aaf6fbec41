"""The HTTP server: uvicorn in the event loop of the gRPC server, started and stopped with it.

Signals are the composition root's to handle, so uvicorn's own handling is switched off.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import uvicorn
from google.rpc import status_pb2
from starlette.types import ASGIApp

from flashsale_server.json_gateway.crowd import Crowd
from flashsale_server.json_gateway.http_errors import StatusOf
from flashsale_server.json_gateway.http_protocol import HttpProtocol

IDLE_SECONDS: Final = 75
"""How long a connection may stay open without a request."""


LOOK_SECONDS: Final = 1.0
"""How often requests that are slow to arrive are looked for."""

MAX_CONNECTIONS: Final = 10_000


class HttpServer:
    """The HTTP door.

    Args:
        address: where to listen, "host:port"; port 0 for any that is free.
        tls: for TLS; None for a port that is not encrypted.
        max_connections: how many may be open at once; half of them from one address.
    """

    def __init__(
        self,
        address: str,
        tls: ssl.SSLContext | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._address = address
        self._crowd = Crowd(max_connections)
        self._looking: asyncio.Task[None] | None = None
        self._tls = tls
        self._listener: socket.socket | None = None
        self._server: _EmbeddedServer | None = None
        self._task: asyncio.Task[None] | None = None

    def listen(self) -> int:
        """Take the address; return the port.

        Raises:
            OSError: the address cannot be listened on.
        """
        self._listener = _listener(self._address)
        port: int = self._listener.getsockname()[1]
        return port

    def start(self, app: ASGIApp, status_of: StatusOf | None = None) -> None:
        """Serve `app` where `listen` has taken the address.

        `status_of` says how the refusal of what is no request looks on the wire.
        """
        if self._listener is None:
            raise RuntimeError("listen first")
        tls = self._tls
        config = uvicorn.Config(
            app,
            loop="none",
            http=_protocol_with(self._crowd, status_of),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # nobody asks where a call comes from, and each would pay for it
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=2,
            ssl_context_factory=None if tls is None else lambda *_: tls,
        )
        self._server = _EmbeddedServer(config)
        self._task = asyncio.create_task(self._server.serve([self._listener]), name="http server")
        self._looking = asyncio.create_task(_look_after(self._server), name="slow requests")

    async def stop(self) -> None:
        """Take no new requests, answer those that are there, and stop."""
        if self._looking is not None:
            self._looking.cancel()
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            await self._task
        if self._listener is not None:
            self._listener.close()


class _EmbeddedServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _look_after(server: uvicorn.Server) -> None:
    """Hang up on requests that take too long to arrive."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        for connection in tuple(server.server_state.connections):
            if isinstance(connection, HttpProtocol):
                connection.hang_up_if_slow(loop.time())


def _protocol_with(the_crowd: Crowd, status_of: StatusOf | None) -> type[HttpProtocol]:
    class Protocol(HttpProtocol):
        crowd = the_crowd

        def status_of(self, error: Exception) -> status_pb2.Status:
            return super().status_of(error) if status_of is None else status_of(error)

    return Protocol


def _listener(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, or asyncio would leave Nagle's delay on, some 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen(2048)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {address} for HTTP: {error.strerror}") from error
    return listener

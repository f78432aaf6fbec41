"""Servers for tests: real ones, in this process or their own, on free ports and fresh ledgers."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from flashsale.v1 import flash_sale_pb2_grpc as rpc
from flashsale_server.app import Server
from flashsale_server.ledger import Ledger
from flashsale_server.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """A server of this process, and a stub to call it with."""

    server: Server
    stub: "rpc.FlashSaleServiceAsyncStub"
    waiting: "list[asyncio.Task[None]]" = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.grpc_port}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.http_port}"


@contextlib.asynccontextmanager
async def running(ledger: Ledger | None = None, **settings: str) -> AsyncIterator[Running]:
    """A server with a ledger in memory unless told otherwise, and no rate limit."""
    flags: dict[str, str | None] = {
        "grpc_address": "127.0.0.1:0",
        "http_address": "127.0.0.1:0",
        "ledger": "memory:",
        "rate_limit_per_minute": "0",
        "drain_seconds": "5",
        **settings,
    }
    server = await Server.start(Settings.read(flags, {}), ledger)
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            yield Running(server, rpc.FlashSaleServiceStub(channel))
    finally:
        await server.stop()


@dataclass(slots=True)
class ServerProcess:
    """A server in a process of its own, as `flash-sale serve` starts it."""

    process: "subprocess.Popen[str]"
    address: str
    url: str
    greeting: str

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


def serve_command(
    folder: Path, *flags: str, stderr: int = subprocess.DEVNULL
) -> "subprocess.Popen[str]":
    """`flash-sale serve` on free ports, in `folder`, its output piped."""
    command = [sys.executable, "-m", "flashsale_server", "serve"]
    ports = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"]
    environment = {key: value for key, value in os.environ.items() if "FLASH_SALE" not in key}
    return subprocess.Popen(
        [*command, *ports, *flags],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


@contextlib.contextmanager
def server_process(
    folder: Path, *flags: str, stderr: int = subprocess.DEVNULL
) -> Iterator[ServerProcess]:
    """A server process that is ready; it is killed at the end if it still runs."""
    process = serve_command(folder, *flags, stderr=stderr)
    try:
        yield ready(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@contextlib.asynccontextmanager
async def back_at(address: str, folder: Path, *flags: str) -> AsyncIterator[ServerProcess]:
    """A server process at the address of one that is gone, on its ledger."""
    with contextlib.ExitStack() as stack:
        process = server_process(folder, "--grpc-address", address, *flags)
        yield await asyncio.to_thread(stack.enter_context, process)


def ready(process: "subprocess.Popen[str]") -> ServerProcess:
    """The server that `process` has started, once it listens."""
    assert process.stdout is not None
    greeting = ""
    for line in process.stdout:
        greeting += line
        if line.startswith("  sale"):
            break
    grpc_address = re.search(r"gRPC +(\S+)", greeting)
    url = re.search(r"(http://[^\s]+)", greeting)
    assert grpc_address, f"the server did not start: {greeting!r}"
    assert url
    return ServerProcess(process, grpc_address[1], url[1], greeting)


async def until(condition: "asyncio.Event") -> None:
    """Wait for something that must happen soon."""
    await asyncio.wait_for(condition.wait(), 20)

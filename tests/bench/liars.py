"""Sides of a contest that lie: real servers, each in a process of its own."""

import contextlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from flashsale import Client

from bench.contests import Side
from bench.peers.starting import Peer
from bench.processes import free_address, running

PROGRAM = Path(__file__).parent / "lying_server.py"


@contextlib.contextmanager
def lying(folder: Path, *, lie: str) -> Iterator[Peer]:
    address = free_address()
    command = [sys.executable, str(PROGRAM), address, lie]
    with running(command, address, folder) as process, Client(address) as client:
        yield Peer(process, address, lambda: client.status().sold_stock)


def liar(lie: str) -> Side:
    return Side("the liar", partial(lying, lie=lie), "sdk")

"""A process of its own that opens a ledger, for tests that share one, kill one or limit one.

ledger_child.py hold URL            open it, say "ready", wait for the end of the input, close it
ledger_child.py append URL          append ten rows, say "durable" after each, "ready", wait
ledger_child.py race URL            win twenty positions of a sale that others race for
ledger_child.py unprivileged URL    open it without root's rights; say why that cannot be
ledger_child.py limited URL         append where files cannot grow, then where they can again
"""

import asyncio
import os
import resource
import sys
from pathlib import Path

from flashsale_server.domain import Entry
from flashsale_server.ledger import (
    GENESIS_DIGEST,
    Append,
    Ledger,
    LedgerError,
    PositionConflict,
    encoded,
    open_ledger,
)

NODE = f"node-{os.getpid()}"
NOBODY = 65_534


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


async def following(ledger: Ledger, kind: str) -> Append:
    """The append that follows what `ledger` has now."""
    last_position, digest = 0, GENESIS_DIGEST
    async for append in ledger.read("sale", 0):
        append.verify(last_position=last_position, digest=digest)
        last_position, digest = append.last_position, append.digest
    return encoded(
        "sale",
        [Entry(kind, -1, NODE)],
        last_position=last_position,
        digest=digest,
        recorded_at_us=1,
        node=NODE,
    )


async def hold(url: str) -> None:
    ledger = await open_ledger(url, node=NODE)
    say("ready")
    sys.stdin.read()
    await ledger.close()


async def append_rows(url: str) -> None:
    ledger = await open_ledger(url, node=NODE)
    for _ in range(10):
        await ledger.append(await following(ledger, "purchased"))
        say("durable")
    say("ready")
    sys.stdin.read()


async def race(url: str) -> None:
    ledger = await open_ledger(url, node=NODE)
    say("ready")
    sys.stdin.read()
    won = 0
    while won < 20:
        try:
            await ledger.append(await following(ledger, "purchased"))
        except PositionConflict:
            continue
        won += 1
    await ledger.close()


async def unprivileged(url: str) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        await open_ledger(url, node=NODE)
    except LedgerError as error:
        say(f"{type(error).__name__}: {error}")


def log_bytes(url: str) -> int:
    path, _, _ = url.removeprefix("sqlite:///").partition("?")
    return Path(path + "-wal").stat().st_size


async def limited(url: str) -> None:
    ledger = await open_ledger(url, node=NODE)
    await ledger.append(await following(ledger, "purchased"))
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log_bytes(url), unlimited[1]))
    try:
        await ledger.append(await following(ledger, "lost"))
    except LedgerError as error:
        say(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    say(f"tail {await ledger.tail('sale')}")
    await ledger.append(await following(ledger, "fenced"))
    say(f"tail {await ledger.tail('sale')}")
    await ledger.close()


COMMANDS = {
    "hold": hold,
    "append": append_rows,
    "race": race,
    "unprivileged": unprivileged,
    "limited": limited,
}

if __name__ == "__main__":
    asyncio.run(COMMANDS[sys.argv[1]](sys.argv[2]))

"""Growth: what becomes of the service's speed and size as it remembers more.

One sale from its first purchase on; many sales; and a rush that asks for what is sold out, which
must leave nothing behind.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.contests import Note, Runs, Side, asked, up
from bench.measured import WrongAnswer
from bench.peers.starting import Peer, flash_sale, sold_out_flash_sale
from bench.plan import Plan
from bench.processes import LoadFailed, environment
from bench.results import Growth, LongRush, ManySales, Row, Stretch

LEDGER_FILES = "flash-sale.db*"
REOPEN_SECONDS_MAX = 5.0
REOPENED_MEGABYTES_MAX = 600.0
_SERVICE = Side("the service", flash_sale, "sdk")


def grown(folder: Path, purchases: int, stretches: int, note: Note) -> Growth:
    """Sell so many units of one sale, in equal stretches, and open its ledger again."""
    own = Path(tempfile.mkdtemp(dir=folder))
    each = purchases // stretches
    runs = Runs(_SERVICE.name, _SERVICE.load)
    way = []
    with flash_sale(own) as peer:
        empty_start_seconds, empty_bytes = peer.ready_seconds, _memory_bytes(peer)
        for number in range(stretches):
            note(f"{(number + 1) * each:,} of {purchases:,}")
            plan = Plan(
                address="",
                name=f"growth-{number}",
                seconds=600,
                warmup_seconds=0,
                asked_max=each,
            )
            measured = asked(peer, _SERVICE, plan, runs)
            if measured.acknowledged != each:
                raise LoadFailed(f"{measured.acknowledged} purchases where {each} were to be made")
            size = (number + 1) * each, measured.per_second, _memory_bytes(peer), _disk_bytes(own)
            way.append(Stretch(*size))
    closed_bytes = _disk_bytes(own)
    note(f"opening {purchases:,} again")
    with flash_sale(own) as peer:
        reopened_bytes = _memory_bytes(peer)
        if peer.sold is None or peer.sold() != each * stretches:
            raise WrongAnswer(f"the ledger has not kept {each * stretches} purchases")
        return Growth(
            each * stretches,
            empty_bytes,
            way,
            closed_bytes,
            peer.ready_seconds,
            reopened_bytes,
            empty_start_seconds,
        )


def reopening_rows(growths: Sequence[Growth]) -> list[Row]:
    """The rows of the table about reopening, where a million purchases were reopened."""
    rows = []
    for growth in growths:
        if growth.purchases != 1_000_000:
            continue
        what = f"reopening a ledger of {growth.purchases:,} purchases"
        limits = (
            ("time", "s", growth.reopen_seconds, REOPEN_SECONDS_MAX),
            ("memory", "MB", growth.reopened_memory_bytes / 1e6, REOPENED_MEGABYTES_MAX),
        )
        rows += [
            Row("10", f"reopening, {name}", what, "", unit, [value], [], [limit], at_least=False)
            for name, unit, value, limit in limits
        ]
    return rows


def many_sales(
    folder: Path, sales: int, purchases_each: int, seconds: float, note: Note
) -> ManySales:
    """Open a ledger of many sales, and sell in all of them."""
    own = Path(tempfile.mkdtemp(dir=folder))
    note("filling the ledger")
    subprocess.run(
        [sys.executable, "-m", "bench.filling", str(sales), str(purchases_each)],
        cwd=own,
        env=environment(),
        check=True,
    )
    disk_bytes = _disk_bytes(own)
    note("opening it")
    with flash_sale(own, sales=sales) as peer:
        memory_bytes = _memory_bytes(peer)
        if peer.sold is None or peer.sold() != sales * purchases_each:
            raise WrongAnswer(f"the ledger has not kept {sales} times {purchases_each} purchases")
        plan = Plan(address="", name="sales", seconds=seconds, sales=sales)
        runs = Runs(_SERVICE.name, _SERVICE.load)
        note("selling in all of them")
        asked(peer, _SERVICE, plan, runs)
        return ManySales(sales, purchases_each, disk_bytes, peer.ready_seconds, memory_bytes, runs)


def long_rush(folder: Path, seconds: float, note: Note) -> LongRush:
    """Ask for what is sold out for a long time, and watch the server's memory."""
    side = Side("the service", sold_out_flash_sale, "sdk", "SOLD_OUT")
    runs = Runs(side.name, side.load)
    memory_bytes: list[int] = []
    with up(folder, [side]) as (peer,):

        def watch() -> None:
            memory_bytes.append(_memory_bytes(peer))
            note(f"{memory_bytes[-1] / 1e6:,.0f} MB after {len(memory_bytes)} s")

        plan = Plan(address="", name="long", seconds=seconds, warmup_seconds=0)
        asked(peer, side, plan, runs, watch)
    return LongRush(seconds, memory_bytes, runs)


def _memory_bytes(peer: Peer) -> int:
    return peer.process.memory_bytes() if peer.process else 0


def _disk_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob(LEDGER_FILES))

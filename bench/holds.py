"""Holds that expire together: what those who buy meanwhile notice of it.

Ten thousand holds are made within a fraction of a second, so that they expire as quickly one after
another. Buyers who ask again as soon as they are answered are there before, while they expire, and
after; in the sale of the holds, or in another one.

python -m bench.holds ADDRESS same|other HOLD_SECONDS    the load, which prints what it measured
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import msgspec
import uvloop
from flashsale import AsyncClient, Outcome
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as rpc
from google.protobuf.duration_pb2 import Duration

from bench.measured import WrongAnswer, percentiles
from bench.peers.starting import STOCK, flash_sale
from bench.processes import LoadFailed, environment
from bench.results import HoldsTogether, Waiting
from bench.tuning import tuned

HOLDS = 10_000
BUYERS = 50
HOLDS_AT_ONCE = 2000
HOLDING, OTHER = "holding", "other"
EXPIRY_SECONDS = 1.0
"""How long after the first expiry buyers are said to buy meanwhile."""
END_SECONDS_MAX = 120.0
LOAD_SECONDS_MAX = 300.0


@dataclass(slots=True)
class _Asked:
    """What buyers were told: when each asked, for how long each waited, and what it came to."""

    began: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    def waiting(self, begin: float, end: float) -> Waiting:
        """How long those waited who were waiting at any time between the two."""
        asked = zip(self.began, self.seconds, strict=True)
        waited = [took * 1000 for at, took in asked if at < end and at + took > begin]
        return Waiting(len(waited) / (end - begin), percentiles(waited)[0])


def expired_together(folder: Path, *, in_their_sale: bool, hold_seconds: float) -> HoldsTogether:
    """Let ten thousand holds expire while fifty buyers buy, in their sale or in another.

    Raises:
        LoadFailed: an answer was wrong or missing, or units were lost; the message says which.
    """
    own = Path(tempfile.mkdtemp(dir=folder))
    with flash_sale(own) as peer:
        where = "same" if in_their_sale else "other"
        load = subprocess.run(
            [sys.executable, "-m", "bench.holds", peer.address, where, str(hold_seconds)],
            env=environment(),
            capture_output=True,
            timeout=LOAD_SECONDS_MAX,
            check=False,
        )
    if load.returncode:
        raise LoadFailed(f"the load of holds failed:\n{load.stderr.decode()[-1500:]}")
    return msgspec.json.decode(load.stdout, type=HoldsTogether)


async def _measured(address: str, in_their_sale: bool, hold_seconds: float) -> HoldsTogether:
    await _make_sales(address, hold_seconds)
    sale_id, outcome = (HOLDING, Outcome.HELD) if in_their_sale else (OTHER, Outcome.PURCHASED)
    async with AsyncClient(address, timeout=60) as client:
        expiries = await _hold(client)
        asked = _Asked()
        until = max(expiries) + EXPIRY_SECONDS
        buyers = [_buy_on(client, f"{number}", sale_id, until, asked) for number in range(BUYERS)]
        began = time.time()
        await asyncio.gather(*buyers)
        if set(asked.outcomes) != {outcome}:
            raise WrongAnswer(f"those who bought while holds expired were told {asked.outcomes}")
        bought = sum(asked.outcomes.values())
        sold = (await client.status(OTHER)).sold_stock
        if sold != (0 if in_their_sale else bought):
            raise WrongAnswer(f"{bought} purchases were acknowledged, {sold} sold")
        late_seconds = await _latest_end(address, HOLDS + (bought if in_their_sale else 0))
    return HoldsTogether(
        holds=HOLDS,
        buyers=BUYERS,
        in_their_sale=in_their_sale,
        spread_seconds=max(expiries) - min(expiries),
        before=asked.waiting(began + 0.5, min(expiries)),
        during=asked.waiting(min(expiries), until),
        late_seconds=late_seconds,
    )


async def _make_sales(address: str, hold_seconds: float) -> None:
    duration = Duration()
    duration.FromMilliseconds(round(hold_seconds * 1000))
    async with grpc.aio.insecure_channel(address) as channel:
        stub: rpc.SaleAdminServiceAsyncStub = rpc.SaleAdminServiceStub(channel)
        for sale_id, held in ((HOLDING, duration), (OTHER, None)):
            sale = admin.Sale(total_stock=STOCK, hold_duration=held)
            await stub.CreateSale(admin.CreateSaleRequest(sale_id=sale_id, sale=sale))


async def _hold(client: AsyncClient) -> list[float]:
    """Make the holds; when each expires, in seconds since 1970."""
    expiries: list[float] = []

    async def hold(number: int) -> None:
        result = await client.purchase(f"holder-{number}", sale_id=HOLDING)
        purchase = result.purchase
        if result.outcome is not Outcome.HELD or purchase is None or not purchase.hold_expire_time:
            raise WrongAnswer(f"who asked for a hold was told {result}")
        expiries.append(purchase.hold_expire_time.timestamp())

    for first in range(0, HOLDS, HOLDS_AT_ONCE):
        await asyncio.gather(*(hold(number) for number in range(first, first + HOLDS_AT_ONCE)))
    return expiries


async def _buy_on(
    client: AsyncClient, name: str, sale_id: str, until: float, asked: _Asked
) -> None:
    number = 0
    while (began := time.time()) < until:
        number += 1
        result = await client.purchase(f"buyer-{name}-{number}", sale_id=sale_id)
        asked.began.append(began)
        asked.seconds.append(time.time() - began)
        asked.outcomes[result.outcome] += 1


async def _latest_end(address: str, holds: int) -> float:
    """How long after its time the latest of the first holds ended, in seconds, by the ledger.

    Returns once every hold of the sale has ended.

    Raises:
        WrongAnswer: the sale's units are not what they were, or the holds did not end.
    """
    expiries: dict[str, float] = {}
    late_seconds: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel, asyncio.timeout(END_SECONDS_MAX):
        stub: rpc.SaleAdminServiceAsyncStub = rpc.SaleAdminServiceStub(channel)
        request = admin.WatchEntriesRequest(sale_id=HOLDING)
        async for answer in stub.WatchEntries(request):
            for entry in answer.entries:
                if entry.kind == admin.ENTRY_KIND_HELD:
                    expiries[entry.purchase_id] = entry.hold_expire_time.ToMicroseconds() / 1e6
                elif entry.kind == admin.ENTRY_KIND_EXPIRED:
                    late = entry.record_time.ToMicroseconds() / 1e6
                    late_seconds.append(late - expiries.pop(entry.purchase_id))
            if answer.entries and len(late_seconds) >= holds and not expiries:
                break
        sale = await stub.GetSale(admin.GetSaleRequest(sale_id=HOLDING))
    if (sale.available_stock, sale.held_stock, sale.sold_stock) != (STOCK, 0, 0):
        raise WrongAnswer(f"not all units of the holds are back: {sale}")
    if min(late_seconds) < 0:
        raise WrongAnswer("a hold has expired before its time")
    return max(late_seconds[:HOLDS])


if __name__ == "__main__":
    tuned()
    came_to = uvloop.run(_measured(sys.argv[1], sys.argv[2] == "same", float(sys.argv[3])))
    print(msgspec.json.encode(came_to).decode())

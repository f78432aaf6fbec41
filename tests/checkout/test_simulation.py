"""Days of a shop in seconds: random calls, faults, readers, restarts; one ledger, two nodes.

Whatever happens, the ledger and the answers must agree afterwards.
"""

import asyncio
import random
from collections import Counter

import pytest
from flashsale_server.checkout import Call, Checkout, CheckoutLimits, Fault, all_settled
from flashsale_server.domain import Answer, Entry, EntryKind, Inventory, Outcome, SaleTerms
from flashsale_server.ledger import GENESIS_DIGEST, Append

from tests.checkout.troubled_ledger import Fate, TroubledLedger

STOCK = 40
LIMITS = CheckoutLimits(
    rate_limit_per_minute=0, batch_size=7, breaker_failures=3, breaker_cooldown_seconds=0.001
)
FAILURES = [Fate.REJECTED, Fate.UNKNOWN_AND_LOST, Fate.UNKNOWN_AND_LANDED, Fate.UNKNOWN_AND_LATE]


class Day:
    """Two nodes and what was asked of them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.ledgers = [TroubledLedger(), TroubledLedger()]
        self.ledgers[1].truth = self.ledgers[0].truth
        self.nodes: list[Checkout] = []
        self.asked: list[tuple[str, str, Call]] = []
        self.restarts = 0

    async def open(self) -> None:
        self.nodes = [await self._node(number) for number in range(2)]

    async def _node(self, number: int) -> Checkout:
        self.restarts += 1
        node = f"node-{number}-{self.restarts}"
        checkout = Checkout(self.ledgers[number], node=node, limits=LIMITS)
        await checkout.open_sale("sale", SaleTerms(per_user_limit=2), STOCK)
        return checkout

    async def live(self, steps: int) -> None:
        for _ in range(steps):
            await self._step()
        for ledger in self.ledgers:
            ledger.fates.clear()
            ledger.reads_fail = False
            ledger.go_on()
        await asyncio.wait_for(all_settled(call for _, _, call in self.asked), 20)

    async def _step(self) -> None:
        number = self.chance.randrange(2)
        ledger = self.ledgers[number]
        match self.chance.choices(range(8), [30, 30, 5, 3, 3, 2, 1, 2])[0]:
            case 0:
                await self._ask(number)
            case 1:
                for _ in range(self.chance.randrange(6)):
                    await asyncio.sleep(0)
            case 2:
                ledger.order(self.chance.choice(FAILURES))
            case 3:
                ledger.stall()
            case 4:
                ledger.go_on()
            case 5:
                if ledger.late:
                    await self._land_late(ledger.late.pop())
            case 6:
                await self._restart(number)
            case _:
                await self._read(number)

    async def _ask(self, number: int) -> None:
        checkout = self.nodes[number]
        lane = await checkout.lane("sale")
        for _ in range(self.chance.randrange(1, 12)):
            user_id, request_id = f"u-{self.chance.randrange(40)}", f"r-{self.chance.randrange(4)}"
            is_retry = self.chance.random() < 0.2
            call = checkout.admit(lane, user_id, request_id=request_id, is_retry=is_retry)
            call.listen(lambda _: None)
            self.asked.append((user_id, request_id, call))

    async def _land_late(self, append: Append) -> None:
        try:
            await self.ledgers[0].truth.append(append)
        except Exception:  # noqa: BLE001  # fenced off, as it should be
            return

    async def _restart(self, number: int) -> None:
        """Stop a node in the middle of whatever it does, and start it again."""
        self.ledgers[number].go_on()
        await self.nodes[number].drain(0)
        self.nodes[number] = await self._node(number)

    async def _read(self, number: int) -> None:
        lane = await self.nodes[number].lane("sale")
        await self.nodes[number].refresh(lane)

    async def close(self) -> None:
        for checkout in self.nodes:
            await checkout.drain(0)


async def replayed(ledger: TroubledLedger) -> tuple[Inventory, list[tuple[str, Entry]]]:
    """The sale as the ledger has it, every row verified, and its entries with their nodes."""
    sale, digest = Inventory(), GENESIS_DIGEST
    entries: list[tuple[str, Entry]] = []
    async for append in ledger.truth.read("sale", 0):
        append.verify(last_position=sale.last_position, digest=digest)
        assert append.recorded_at_us >= sale.recorded_at_us
        for entry in append.decoded():
            sale.apply([entry], append.recorded_at_us)
            assert sale.available_stock >= 0
            assert sale.available_stock + sale.held_stock + sale.sold_stock == sale.total_stock
            entries.append((append.node, entry))
        digest = append.digest
    return sale, entries


@pytest.mark.parametrize("seed", range(60))
async def test_the_ledger_and_the_answers_agree_after_any_day(seed: int) -> None:
    day = Day(seed)
    await day.open()
    await day.live(250)
    sale, entries = await replayed(day.ledgers[0])
    bought = [(node, entry) for node, entry in entries if entry.kind == EntryKind.PURCHASED]

    requests = Counter((entry.user_id, entry.request_id) for _, entry in bought)
    assert max(requests.values(), default=0) <= 1, "a request bought twice"
    users = Counter(entry.user_id for _, entry in bought)
    assert max(users.values(), default=0) <= 2, "a user is over the limit"

    in_ledger = {(entry.user_id, entry.request_id): entry.purchase_id for _, entry in bought}
    for user_id, request_id, call in day.asked:
        assert call.result is not None
        if isinstance(call.result, Answer) and call.result.outcome is Outcome.PURCHASED:
            assert call.result.purchase is not None
            assert in_ledger[user_id, request_id] == call.result.purchase.purchase_id
        else:
            assert isinstance(call.result, (Answer, Fault))

    last_arrival: Counter[str] = Counter()
    for node, entry in bought:
        assert entry.arrival > last_arrival[node], "somebody was served before their turn"
        last_arrival[node] = entry.arrival

    for checkout in day.nodes:
        lane = await checkout.lane("sale")
        assert lane.stopped is None
        await checkout.refresh(lane)
        assert lane.inventory == sale
    await day.close()

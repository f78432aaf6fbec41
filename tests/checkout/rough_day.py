"""A rough day: two nodes, two sales, one clock, and everything that can go wrong, drawn by lot.

The clock stands still until the day moves it, so what a day does depends on its seed alone.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from flashsale_server.checkout import Call, Checkout, CheckoutLimits, Fault, Lane, all_settled
from flashsale_server.domain import Entry, EntryKind, SaleTerms

from tests.checkout.faulty_ledger import FaultyLedger, Moment, append_elsewhere
from tests.checkout.shops import ManualClock, turns
from tests.checkout.troubled_ledger import Fate

STOCK = 25
LIMIT = 3
SALES = ("sale", "other")
LIMITS = CheckoutLimits(
    rate_limit_per_minute=0, max_queue=60, batch_size=4, breaker_cooldown_seconds=5.0
)
FAILURES = (Fate.REJECTED, Fate.UNKNOWN_AND_LOST, Fate.UNKNOWN_AND_LANDED, Fate.UNKNOWN_AND_LATE)


@dataclass(frozen=True)
class Asked:
    """One call and whose it is; a copy shares the call of the one that it joined."""

    sale_id: str
    user_id: str
    request_id: str
    quantity: int
    call: Call


def nobody(_: Call) -> None:
    """A listener who may leave again."""


class RoughDay:
    """Two nodes and what was asked of them."""

    terms = SaleTerms(per_user_limit=LIMIT)

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.clock = ManualClock()
        self.ledgers = [FaultyLedger(), FaultyLedger()]
        self.ledgers[1].truth = self.ledgers[0].truth
        self.nodes: list[Checkout] = []
        self.asked: list[Asked] = []
        self.starts = 0

    async def open(self) -> None:
        self.nodes = [await self._node(number) for number in range(2)]

    async def live(self, steps: int) -> None:
        """Live through the day, then let everything that waits come to its end."""
        deeds = self._deeds()
        for deed in self.chance.choices(list(deeds), list(deeds.values()), k=steps):
            await deed(self.chance.randrange(2))
        await self._calm()

    def _deeds(self) -> dict[Callable[[int], Awaitable[None]], int]:
        """What may happen, and how often."""
        return {
            self._ask: 30,
            self._turns: 30,
            self._fail: 6,
            self._stall: 4,
            self._go_on: 8,
            self._hold_tails: 2,
            self._land: 3,
            self._leave: 4,
            self._move: 6,
            self._pause: 1,
            self._break_reads: 2,
            self._read: 3,
            self._restart: 1,
        }

    async def close(self) -> None:
        for checkout in self.nodes:
            await checkout.drain(0)

    async def _calm(self) -> None:
        for ledger in self.ledgers:
            ledger.fates.clear()
            ledger.lands_at = None
            ledger.reads_fail = ledger.read_breaks_off = False
            ledger.go_on()
        await asyncio.wait_for(all_settled(asked.call for asked in self.asked), 20)
        for checkout in self.nodes:
            # Whoever has left may still be on his way, to be dropped at his turn.
            await asyncio.wait_for(checkout.line.emptied(), 20)
        # Those who were told that their time was over may have an append under way.
        await turns(100)

    async def _node(self, number: int) -> Checkout:
        self.starts += 1
        node = f"node-{number}-{self.starts}"
        checkout = Checkout(self.ledgers[number], node=node, limits=LIMITS, clock=self.clock)
        for sale_id in SALES:
            await checkout.open_sale(sale_id, self.terms, STOCK)
        return checkout

    async def _lane(self, number: int) -> Lane:
        return await self.nodes[number].lane(self.chance.choice(SALES))

    async def _ask(self, number: int) -> None:
        lane = await self._lane(number)
        for _ in range(self.chance.randrange(1, 12)):
            user_id = f"u-{self.chance.randrange(25)}"
            request_id = f"r-{self.chance.randrange(5)}"
            quantity = self.chance.choice([1, 1, 1, 2])
            late = self.chance.random() < 0.3
            call = self.nodes[number].admit(
                lane,
                user_id,
                quantity=quantity,
                request_id=request_id,
                is_retry=self.chance.random() < 0.3,
                deadline=self.clock.monotonic() + self.chance.random() * 3 if late else None,
            )
            call.listen(nobody)
            self.asked.append(Asked(lane.sale_id, user_id, request_id, quantity, call))

    async def _turns(self, _: int) -> None:
        await turns(self.chance.randrange(8))

    async def _fail(self, number: int) -> None:
        self.ledgers[number].order(*self.chance.choices(FAILURES, k=self.chance.randrange(1, 4)))
        self.ledgers[number].lands_at = self.chance.choice([None, *Moment])

    async def _stall(self, number: int) -> None:
        self.ledgers[number].stall()

    async def _go_on(self, number: int) -> None:
        self.ledgers[number].go_on()

    async def _hold_tails(self, number: int) -> None:
        self.ledgers[number].hold_tails()

    async def _land(self, number: int) -> None:
        await self.ledgers[number].land_late()

    async def _leave(self, _: int) -> None:
        if self.asked:
            self.chance.choice(self.asked).call.leave(nobody)

    async def _move(self, _: int) -> None:
        self.clock.move(self.chance.choice([0.1, 1.0, 4.0]))

    async def _pause(self, _: int) -> None:
        for kind in (EntryKind.PAUSED, EntryKind.RESUMED):
            entry, now_us = Entry(kind.value), self.clock.now_us()
            sale_id = SALES[0]
            await append_elsewhere(self.ledgers[0], entry, sale_id=sale_id, at_us=now_us)
            await turns(self.chance.randrange(20))

    async def _break_reads(self, number: int) -> None:
        if self.chance.random() < 0.5:
            self.ledgers[number].read_breaks_off = True
        else:
            self.ledgers[number].reads_fail = not self.ledgers[number].reads_fail

    async def _read(self, number: int) -> None:
        ledger, checkout = self.ledgers[number], self.nodes[number]
        ledger.release_tails()
        try:
            await checkout.refresh(await self._lane(number))
        except Fault:
            return

    async def _restart(self, number: int) -> None:
        """Stop a node in the middle of whatever it does, and start it again."""
        ledger = self.ledgers[number]
        await self.nodes[number].drain(0)
        ledger.reads_fail = ledger.read_breaks_off = False
        ledger.go_on()
        self.nodes[number] = await self._node(number)

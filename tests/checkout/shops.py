"""A checkout for tests: one sale, a ledger in trouble, and clocks that only the test moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from flashsale_server.checkout import Call, Checkout, CheckoutLimits, Lane, all_settled
from flashsale_server.domain import Answer, EntryKind, Outcome, SaleTerms
from flashsale_server.ledger import Ledger

from tests.checkout.troubled_ledger import TroubledLedger

START_US = 1_000_000_000_000_000


@dataclass
class ManualClock:
    """Clocks that stand still until they are moved."""

    wall_us: int = START_US
    seconds: float = 1000.0

    def now_us(self) -> int:
        return self.wall_us

    def monotonic(self) -> float:
        return self.seconds

    def move(self, seconds: float) -> None:
        self.wall_us += int(seconds * 1e6)
        self.seconds += seconds


@dataclass
class Shop:
    """One sale and what is behind it."""

    checkout: Checkout
    lane: Lane
    ledger: TroubledLedger
    clock: ManualClock
    calls: list[Call] = field(default_factory=list)

    def ask(
        self,
        user_id: str,
        request_id: str = "",
        *,
        quantity: int = 1,
        is_retry: bool = False,
        deadline: float | None = None,
    ) -> Call:
        """Admit a call that somebody waits for."""
        call = self.checkout.admit(
            self.lane,
            user_id,
            quantity=quantity,
            request_id=request_id,
            is_retry=is_retry,
            deadline=deadline,
        )
        call.listen(lambda _: None)
        return call

    async def buy(self, user_id: str, request_id: str = "", *, quantity: int = 1) -> object:
        """Ask and wait for the result."""
        call = self.ask(user_id, request_id, quantity=quantity)
        await settled(call)
        return call.result

    async def entries(self) -> list[tuple[str, str]]:
        """The kind and the user of every entry of the ledger, in order."""
        return [
            (entry.kind, entry.user_id)
            async for append in self.ledger.truth.read(self.lane.sale_id, 0)
            for entry in append.decoded()
        ]

    async def buyers(self) -> list[str]:
        """The users who bought, in the ledger's order."""
        return [user for kind, user in await self.entries() if kind == EntryKind.PURCHASED]


async def settled(*calls: Call) -> None:
    """Wait for calls that must be answered soon."""
    await asyncio.wait_for(all_settled(calls), 20)


async def turns(count: int = 30) -> None:
    """Let everything that can go on go on."""
    for _ in range(count):
        await asyncio.sleep(0)


def outcome(call: Call) -> Outcome | str | None:
    """A call's outcome, or the name of its fault; None while it has neither."""
    if call.result is None:
        return None
    return call.result.outcome if isinstance(call.result, Answer) else type(call.result).__name__


def outcomes(calls: Sequence[Call]) -> list[Outcome | str | None]:
    """The outcomes of many calls."""
    return [outcome(call) for call in calls]


@contextlib.asynccontextmanager
async def open_shop(
    stock: int = 10,
    *,
    per_user_limit: int = 1,
    ends_at_us: int | None = None,
    starts_at_us: int = 0,
    hold_us: int = 0,
    ledger: TroubledLedger | None = None,
    limits: CheckoutLimits | None = None,
    node: str = "node-1",
    clock: ManualClock | None = None,
) -> AsyncIterator[Shop]:
    """A shop with `stock` units and no rate limit."""
    ledger = ledger or TroubledLedger()
    clock = clock or ManualClock()
    limits = limits or CheckoutLimits(rate_limit_per_minute=0)
    behind: Ledger = ledger
    checkout = Checkout(behind, node=node, limits=limits, clock=clock)
    terms = SaleTerms(
        per_user_limit=per_user_limit,
        ends_at_us=ends_at_us,
        starts_at_us=starts_at_us,
        hold_us=hold_us,
    )
    lane = await checkout.open_sale("sale", terms, stock)
    try:
        yield Shop(checkout, lane, ledger, clock)
    finally:
        ledger.go_on()
        await checkout.drain(0)

"""The crowd of a rush: everybody buys at the same moment, and is told what came of it."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from flashsale import AsyncClient, FlashSaleError, Purchase, PurchaseState

LOOKUPS_AT_ONCE: Final = 100
_GIVEN_BACK: Final = (PurchaseState.RELEASED, PurchaseState.CANCELLED)


@dataclass(frozen=True, slots=True)
class CrowdSeen:
    """How far a crowd is.

    Attributes:
        people: how many want to buy.
        answered: how many were answered.
        bought: how many of them have bought.
        seconds: since they began.
    """

    people: int
    answered: int
    bought: int
    seconds: float


@dataclass(slots=True)
class Tally:
    """What the crowd was told.

    Attributes:
        people: how many they are.
        bought: the purchases, or holds, that were acknowledged, by user.
        unanswered: who got an error.
        seconds: how long each waited for an answer.
        took: seconds from the first call to the last answer; 0 until then.
    """

    people: int
    outcomes: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    bought: dict[str, Purchase] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    began_at: float = 0.0
    took: float = 0.0

    @property
    def is_lost(self) -> bool:
        """Whether nobody at all got an answer."""
        return len(self.unanswered) == self.people

    def percentile(self, percent: int) -> float:
        """The seconds within which so many of a hundred had their answer."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]

    def seen(self) -> CrowdSeen:
        """How far the crowd is."""
        seconds = self.took or (time.perf_counter() - self.began_at if self.began_at else 0.0)
        return CrowdSeen(self.people, len(self.seconds), len(self.bought), seconds)


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the server says of the purchases that it acknowledged.

    Attributes:
        missing: how many it does not know.
        given_back: how many it knows, but whose units are on sale again.
    """

    missing: int
    given_back: int


async def send(client: AsyncClient, crowd: list[str], tally: Tally) -> None:
    """Have everybody buy at once, and note what they are told."""

    async def one(user_id: str) -> None:
        began_at = time.perf_counter()
        try:
            result = await client.purchase(user_id)
        except FlashSaleError as error:
            tally.errors[type(error).__name__] += 1
            tally.unanswered.add(user_id)
        else:
            tally.outcomes[result.outcome.value] += 1
            if result.is_bought and result.purchase is not None:
                tally.bought[user_id] = result.purchase
        tally.seconds.append(time.perf_counter() - began_at)

    tally.began_at = time.perf_counter()
    await asyncio.gather(*(one(user_id) for user_id in crowd))
    tally.took = time.perf_counter() - tally.began_at


async def look_up(client: AsyncClient, tally: Tally) -> Lookups:
    """Ask for every purchase that was acknowledged."""
    limit = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def state(user_id: str, purchase: Purchase) -> PurchaseState | None:
        async with limit:
            held = await client.get_purchase(user_id)
        found = [item for item in held.purchases if item.purchase_id == purchase.purchase_id]
        return found[0].state if found else None

    states = await asyncio.gather(*(state(*item) for item in tally.bought.items()))
    given_back = sum(item in _GIVEN_BACK for item in states)
    return Lookups(missing=states.count(None), given_back=given_back)

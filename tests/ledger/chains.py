"""Appends to try ledgers with: a chain makes those of one sale, each following the one before."""

from dataclasses import dataclass, field

from flashsale_server.domain import Entry
from flashsale_server.ledger import GENESIS_DIGEST, Append, Ledger, encoded

NOON_US = 1_800_000_000_000_000


@dataclass(slots=True)
class Chain:
    """The appends of one sale, as a single server would make them."""

    sale_id: str
    node: str = "node-a"
    made: list[Append] = field(default_factory=list)

    def following(self, *entries: Entry) -> Append:
        """An append after the last one that was made; it is not made part of the chain."""
        last = self.made[-1] if self.made else None
        last_position = last.last_position if last else 0
        return encoded(
            self.sale_id,
            entries or (Entry("purchased", -1, "user", quantity=1),),
            last_position=last_position,
            digest=last.digest if last else GENESIS_DIGEST,
            recorded_at_us=NOON_US + last_position,
            node=self.node,
        )

    def grow(self, *entries: Entry) -> Append:
        """An append after the last one, which the next one follows."""
        self.made.append(self.following(*entries))
        return self.made[-1]


def purchases(count: int) -> tuple[Entry, ...]:
    """Purchases of `count` users."""
    return tuple(Entry("purchased", -1, f"user-{number}", quantity=1) for number in range(count))


async def stored(ledger: Ledger, sale_id: str, after: int = 0) -> list[Append]:
    """Everything that `ledger` has of the sale after position `after`."""
    return [append async for append in ledger.read(sale_id, after)]

"""The feed: what a sale's ledger says, entry by entry, for those who follow it.

It comes from the ledger itself, so it has whatever is durable and nothing else, whichever server
wrote it. An append at a time is read, and no more than the reader asks for.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from flashsale_server.checkout.faults import LedgerRefused, SaleUnreadable
from flashsale_server.domain import Entry
from flashsale_server.ledger import Ledger, LedgerDamaged, LedgerTooNew, LedgerUnavailable


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as the ledger has it.

    Attributes:
        position: its number in the sale's ledger, from 1.
        recorded_at_us: when it was decided, in microseconds since 1970 UTC.
        node: the server process that decided it.
    """

    position: int
    entry: Entry
    recorded_at_us: int
    node: str


async def recorded_after(
    ledger: Ledger, sale_id: str, after: int
) -> AsyncIterator[Sequence[Recorded]]:
    """What the ledger has of a sale after a position, an append at a time, up to its end now.

    Raises:
        SaleUnreadable: the ledger must not be read on.
        LedgerRefused: the ledger could not be read now.
    """
    try:
        async for append in ledger.read(sale_id, after):
            numbered = enumerate(append.decoded(), append.first_position)
            yield [
                Recorded(position, entry, append.recorded_at_us, append.node)
                for position, entry in numbered
                if position > after
            ]
    except LedgerUnavailable as error:
        raise LedgerRefused from error
    except (LedgerDamaged, LedgerTooNew) as error:
        raise SaleUnreadable(sale_id, str(error)) from error

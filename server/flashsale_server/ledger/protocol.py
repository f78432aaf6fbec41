"""What a ledger promises, whichever engine keeps it.

A ledger is a durable list of appends for each sale. Its only write is compare-and-append, so
several processes may share one and none can overwrite another. Engines never try an append twice by
themselves: they say what they know.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from flashsale_server.ledger.append import Append


class Ledger(Protocol):
    """The durable, append-only lists of all sales' appends."""

    @property
    def location(self) -> str:
        """The ledger's URL, without secrets, for people."""
        ...

    async def append(self, append: Append) -> None:
        """Store `append` if it follows the sale's last position; return when it is durable.

        Raises:
            PositionConflict: the sale's last position is another one.
            AppendRejected: it did not happen, and will not.
            AppendUnknown: it may have happened, or may still happen.
        """
        ...

    async def tail(self, sale_id: str) -> int:
        """The sale's last position; 0 when the ledger does not know the sale.

        Whatever was durable when the call began is counted.

        Raises:
            LedgerUnavailable: it could not be read.
        """
        ...

    def read(self, sale_id: str, after: int) -> AsyncIterator[Append]:
        """The sale's appends that have entries after position `after`, in order.

        Raises:
            LedgerUnavailable: it could not be read.
        """
        ...

    async def sale_ids(self) -> list[str]:
        """The sales that the ledger knows, sorted.

        Raises:
            LedgerUnavailable: it could not be read.
        """
        ...

    async def close(self) -> None:
        """Finish the appends under way and let go of the ledger."""
        ...

"""A replica: the inventory of one sale, kept equal to its ledger.

This is where entries that are durable become visible. Both ways in end here: reading what the
ledger has, which is verified against the chain of digests first, and taking over the draft of what
this process has appended itself.

The lock keeps one change at a time: between asking the ledger for what is new and taking it in,
nobody else may take in the same.
"""

import asyncio
from collections.abc import Sequence

from flashsale_server.domain import Draft, Entry, Inventory, UnknownEntry
from flashsale_server.ledger import (
    GENESIS_DIGEST,
    Append,
    Ledger,
    LedgerDamaged,
    LedgerError,
    LedgerTooNew,
    encoded,
)


class Replica:
    """One sale, as far as the ledger has been read.

    Attributes:
        sale_id: the sale.
        inventory: its state. Read it freely; only the replica changes it.
        lock: held for every change of the inventory, and while a batch is decided on it.
    """

    def __init__(self, sale_id: str, ledger: Ledger, node: str) -> None:
        self.sale_id = sale_id
        self.inventory = Inventory()
        self.lock = asyncio.Lock()
        self._ledger = ledger
        self._node = node
        self._digest = GENESIS_DIGEST
        self._broken: LedgerError | None = None

    async def catch_up(self) -> None:
        """Read what the ledger has beyond the inventory.

        Raises:
            LedgerUnavailable: it could not be read now.
            LedgerDamaged, LedgerTooNew: it must not be sold from.
        """
        async with self.lock:
            self._check()
            before = self.inventory.last_position
            tail = await self._ledger.tail(self.sale_id)
            if tail < before:
                self._broken = LedgerDamaged(
                    f"sale {self.sale_id!r} ends at position {tail} now, but has been at {before}"
                )
                raise self._broken
            if tail == before:
                return
            async for append in self._ledger.read(self.sale_id, before):
                self._take_in(append)

    def append_of(self, entries: Sequence[Entry], recorded_at_us: int) -> Append:
        """The append that puts `entries` right after the inventory's last position.

        Raises:
            LedgerDamaged, LedgerTooNew: the sale must not be sold from.
        """
        self._check()
        return encoded(
            self.sale_id,
            entries,
            last_position=self.inventory.last_position,
            digest=self._digest,
            recorded_at_us=recorded_at_us,
            node=self._node,
        )

    async def appended(self, append: Append, draft: Draft) -> None:
        """Take in an append of this process that is durable now, with the draft it came from."""
        async with self.lock:
            self._check()
            # Somebody who caught up in the meantime may have read it from the ledger already.
            if self.inventory.last_position < append.first_position:
                draft.settle_into(self.inventory)
                self._digest = append.digest

    def _take_in(self, append: Append) -> None:
        try:
            entries = append.decoded()
            append.verify(last_position=self.inventory.last_position, digest=self._digest)
            self.inventory.apply(entries, append.recorded_at_us)
        except UnknownEntry as error:
            # Some of the entries may be in, so what the inventory says is good for nothing.
            self._broken = LedgerTooNew(f"sale {self.sale_id!r}, {error}")
            raise self._broken from error
        except LedgerError as error:
            self._broken = error
            raise
        self._digest = append.digest

    def _check(self) -> None:
        if self._broken is not None:
            # Raised again and again, it must not grow by the way it came each time.
            raise self._broken.with_traceback(None)

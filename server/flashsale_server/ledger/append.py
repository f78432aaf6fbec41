"""An append: the row that every engine stores, and the one place where entries become text.

Rule 1: an engine moves rows and never looks inside one. Whatever must be known of a row to store it
is a column.

Rule 2: the digest of a row covers the digest before it and every other column, so that a changed,
dropped or reordered row is found by reading the ledger once, with nothing but sha256.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from flashsale_server.domain import SCHEMA_VERSION, Entry
from flashsale_server.ledger.errors import LedgerDamaged, LedgerTooNew

GENESIS_DIGEST = bytes(32)
"""What stands for the digest before a sale's first append."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[Entry, ...])


@dataclass(frozen=True, slots=True)
class Append:
    """Entries of one sale that become durable together: one row.

    Attributes:
        sale_id: the sale.
        first_position: position of the first entry; a sale's start at 1 and have no gaps.
        last_position: position of the last entry.
        recorded_at_us: when it was decided, in microseconds since 1970 UTC.
        node: the server process that decided it.
        schema_version: the version of the entries' shape.
        entries: the entries, a JSON array of arrays.
        digest: sha256 over the digest before and this row.
    """

    sale_id: str
    first_position: int
    last_position: int
    recorded_at_us: int
    node: str
    schema_version: int
    entries: str
    digest: bytes

    def decoded(self) -> tuple[Entry, ...]:
        """The entries.

        Raises:
            LedgerTooNew: a later version wrote them.
            LedgerDamaged: they are not what any version writes.
        """
        if self.schema_version > SCHEMA_VERSION:
            raise LedgerTooNew(
                f"sale {self.sale_id!r} has entries of schema version {self.schema_version} "
                f"from position {self.first_position}; this version reads up to {SCHEMA_VERSION}"
            )
        try:
            entries = _decoder.decode(self.entries)
        except msgspec.MsgspecError as error:
            raise LedgerDamaged(f"{self._place()} cannot be read: {error}") from error
        if len(entries) != self.last_position - self.first_position + 1:
            raise LedgerDamaged(f"{self._place()} has {len(entries)} entries")
        return entries

    def verify(self, *, last_position: int, digest: bytes) -> None:
        """Check that this append follows the one that ended at `last_position` with `digest`.

        Raises:
            LedgerDamaged: a row was changed, dropped or put elsewhere.
        """
        if self.first_position != last_position + 1:
            raise LedgerDamaged(f"{self._place()} comes right after position {last_position}")
        columns = (
            self.sale_id,
            self.first_position,
            self.last_position,
            self.recorded_at_us,
            self.node,
            self.schema_version,
            self.entries,
        )
        if _digest(digest, columns) != self.digest:
            raise LedgerDamaged(
                f"{self._place()} does not match its digest: it, or one before it, was changed"
            )

    def _place(self) -> str:
        return (
            f"the row of sale {self.sale_id!r} "
            f"at positions {self.first_position} to {self.last_position}"
        )


def encoded(
    sale_id: str,
    entries: Sequence[Entry],
    *,
    last_position: int,
    digest: bytes,
    recorded_at_us: int,
    node: str,
) -> Append:
    """The append that puts `entries` after the one that ended at `last_position` with `digest`."""
    columns = (
        sale_id,
        last_position + 1,
        last_position + len(entries),
        recorded_at_us,
        node,
        SCHEMA_VERSION,
        _encoder.encode(entries).decode(),
    )
    return Append(*columns, digest=_digest(digest, columns))


def _digest(before: bytes, columns: Iterable[str | int]) -> bytes:
    return hashlib.sha256(before + "\n".join(map(str, columns)).encode()).digest()

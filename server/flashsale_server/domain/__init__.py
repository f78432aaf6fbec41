"""The rules of a sale: pure, deterministic, and free of I/O, so that replaying a ledger rebuilds a sale exactly."""

from flashsale_server.domain.entries import (
    SCHEMA_VERSION,
    Entry,
    EntryDetail,
    EntryKind,
    SaleTerms,
)

__all__ = [
    "SCHEMA_VERSION",
    "Entry",
    "EntryDetail",
    "EntryKind",
    "SaleTerms",
]

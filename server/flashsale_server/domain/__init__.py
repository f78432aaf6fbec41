"""The rules of a sale.

Pure, deterministic and free of I/O, so that replaying a ledger rebuilds a sale exactly.
"""

from flashsale_server.domain.circuit_breaker import CircuitBreaker, CircuitState
from flashsale_server.domain.commands import (
    ChangeCommand,
    Command,
    EndCommand,
    PauseCommand,
    PurchaseCommand,
    RestockCommand,
    ResumeCommand,
    UpdateCommand,
)
from flashsale_server.domain.decisions import Mint, entries_due, replayed_answer
from flashsale_server.domain.draft import Decided, Draft
from flashsale_server.domain.entries import (
    SCHEMA_VERSION,
    Entry,
    EntryDetail,
    EntryKind,
    SaleTerms,
)
from flashsale_server.domain.inventory import Inventory, UnknownEntry
from flashsale_server.domain.outcomes import (
    Answer,
    ChangeOutcome,
    Outcome,
    Purchase,
    PurchaseState,
    ReusedRequestId,
    SaleState,
)
from flashsale_server.domain.rate_limit import UserRateLimit

__all__ = [
    "SCHEMA_VERSION",
    "Answer",
    "ChangeCommand",
    "ChangeOutcome",
    "CircuitBreaker",
    "CircuitState",
    "Command",
    "Decided",
    "Draft",
    "EndCommand",
    "Entry",
    "EntryDetail",
    "EntryKind",
    "Inventory",
    "Mint",
    "Outcome",
    "PauseCommand",
    "Purchase",
    "PurchaseCommand",
    "PurchaseState",
    "RestockCommand",
    "ResumeCommand",
    "ReusedRequestId",
    "SaleState",
    "SaleTerms",
    "UnknownEntry",
    "UpdateCommand",
    "UserRateLimit",
    "entries_due",
    "replayed_answer",
]

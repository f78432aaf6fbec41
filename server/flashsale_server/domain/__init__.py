"""The rules of a sale.

Pure, deterministic and free of I/O, so that replaying a ledger rebuilds a sale exactly.
"""

from flashsale_server.domain.audit import SaleAudit
from flashsale_server.domain.audit_rules import Finding, Rule
from flashsale_server.domain.changes import STOCK_MAX
from flashsale_server.domain.circuit_breaker import CircuitBreaker, CircuitState, Permit
from flashsale_server.domain.commands import (
    CancelCommand,
    ChangeCommand,
    Command,
    ConfirmCommand,
    EndCommand,
    PauseCommand,
    PurchaseCommand,
    ReleaseCommand,
    RestockCommand,
    ResumeCommand,
    TransitionCommand,
    UpdateCommand,
)
from flashsale_server.domain.decisions import Mint, next_due_us, replayed_answer
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
    Transition,
    TransitionOutcome,
)
from flashsale_server.domain.rate_limit import UserRateLimit

__all__ = [
    "SCHEMA_VERSION",
    "STOCK_MAX",
    "Answer",
    "CancelCommand",
    "ChangeCommand",
    "ChangeOutcome",
    "CircuitBreaker",
    "CircuitState",
    "Command",
    "ConfirmCommand",
    "Decided",
    "Draft",
    "EndCommand",
    "Entry",
    "EntryDetail",
    "EntryKind",
    "Finding",
    "Inventory",
    "Mint",
    "Outcome",
    "PauseCommand",
    "Permit",
    "Purchase",
    "PurchaseCommand",
    "PurchaseState",
    "ReleaseCommand",
    "RestockCommand",
    "ResumeCommand",
    "ReusedRequestId",
    "Rule",
    "SaleAudit",
    "SaleState",
    "SaleTerms",
    "Transition",
    "TransitionCommand",
    "TransitionOutcome",
    "UnknownEntry",
    "UpdateCommand",
    "UserRateLimit",
    "next_due_us",
    "replayed_answer",
]

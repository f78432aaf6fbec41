"""The ledger: the durable list of a sale's entries, and the engines that keep it.

Whoever writes goes through the Ledger protocol; only the composition root knows which engine is
behind it.
"""

from flashsale_server.ledger.append import GENESIS_DIGEST, Append, encoded
from flashsale_server.ledger.chain_audit import ChainAudit
from flashsale_server.ledger.errors import (
    AppendRejected,
    AppendUnknown,
    LedgerDamaged,
    LedgerError,
    LedgerTooNew,
    LedgerUnavailable,
    LedgerUnusable,
    PositionConflict,
)
from flashsale_server.ledger.opening import copy_ledger, ledger_file, open_ledger, open_snapshot
from flashsale_server.ledger.protocol import Ledger
from flashsale_server.ledger.snapshot import LedgerSnapshot

__all__ = [
    "GENESIS_DIGEST",
    "Append",
    "AppendRejected",
    "AppendUnknown",
    "ChainAudit",
    "Ledger",
    "LedgerDamaged",
    "LedgerError",
    "LedgerSnapshot",
    "LedgerTooNew",
    "LedgerUnavailable",
    "LedgerUnusable",
    "PositionConflict",
    "copy_ledger",
    "encoded",
    "ledger_file",
    "open_ledger",
    "open_snapshot",
]

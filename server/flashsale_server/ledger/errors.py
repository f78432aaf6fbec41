"""How a ledger says that it could not.

LedgerError
|-- PositionConflict     another append is there already; read it and decide again
|-- AppendRejected       the append did not happen, and will not
|-- AppendUnknown        the append may have happened, or may still happen
|-- LedgerUnavailable    it could not be read; try again
|-- LedgerUnusable       it cannot be opened: wrong file, folder, owner or address
|-- LedgerDamaged        a row is not what was written
`-- LedgerTooNew         a later version wrote it
"""


class LedgerError(Exception):
    """Something that a ledger could not do; the text is one sentence for people."""


class PositionConflict(LedgerError):
    """The sale's last position is not the one that the append follows."""


class AppendRejected(LedgerError):
    """The append did not happen, and will not."""


class AppendUnknown(LedgerError):
    """The append may have happened, or may still happen; only reading the ledger tells."""


class LedgerUnavailable(LedgerError):
    """The ledger could not be read now."""


class LedgerUnusable(LedgerError):
    """The ledger cannot be opened."""


class LedgerDamaged(LedgerError):
    """What is in the ledger is not what was written to it."""


class LedgerTooNew(LedgerError):
    """The ledger was written by a later version."""

"""The shop's changes: what pausing, ending, restocking or updating a sale comes to.

As with all decisions, a sale is looked at and nothing is changed.
"""

from typing import Final

import msgspec

from flashsale_server.domain.commands import (
    ChangeCommand,
    EndCommand,
    PauseCommand,
    RestockCommand,
    ResumeCommand,
    UpdateCommand,
)
from flashsale_server.domain.entries import Entry, EntryDetail, EntryKind, SaleTerms
from flashsale_server.domain.inventory import Inventory
from flashsale_server.domain.outcomes import ChangeOutcome

STOCK_MAX: Final = 2**31 - 1
"""Units that a sale may have altogether: what the contract's counts can hold."""


def decided_change(sale: Inventory, command: ChangeCommand) -> tuple[ChangeOutcome, Entry | None]:
    """What a shop's change comes to, and the entry that makes it true, if any."""
    if command.revision is not None and command.revision != sale.revision:
        return ChangeOutcome.ETAG_MISMATCH, None
    if sale.has_ended:
        unchanged = isinstance(command, EndCommand)
        return (ChangeOutcome.UNCHANGED if unchanged else ChangeOutcome.SALE_ENDED), None
    match command:
        case PauseCommand():
            entry = None if sale.is_paused else Entry(EntryKind.PAUSED.value)
        case ResumeCommand():
            entry = Entry(EntryKind.RESUMED.value) if sale.is_paused else None
        case EndCommand():
            entry = Entry(EntryKind.ENDED.value)
        case RestockCommand(stock_change):
            return _decided_restock(sale, stock_change)
        case UpdateCommand(terms, fields):
            return _decided_update(sale, terms, fields)
    return _outcome(entry), entry


def _decided_restock(sale: Inventory, stock_change: int) -> tuple[ChangeOutcome, Entry | None]:
    if sale.available_stock + stock_change < 0:
        return ChangeOutcome.NOT_ENOUGH_UNSOLD, None
    if sale.total_stock + stock_change > STOCK_MAX:
        return ChangeOutcome.TOO_MUCH_STOCK, None
    entry = Entry(EntryKind.RESTOCKED.value, stock_change) if stock_change else None
    return _outcome(entry), entry


def _decided_update(
    sale: Inventory, terms: SaleTerms, fields: tuple[str, ...] | None
) -> tuple[ChangeOutcome, Entry | None]:
    if fields is not None:
        new = {name: getattr(terms, name) for name in fields}
        terms = msgspec.structs.replace(sale.terms, **new)
    if terms.ends_at_us is not None and terms.ends_at_us <= terms.starts_at_us:
        return ChangeOutcome.ENDS_BEFORE_START, None
    is_new = terms != sale.terms
    entry = Entry(EntryKind.UPDATED.value, detail=EntryDetail(terms)) if is_new else None
    return _outcome(entry), entry


def _outcome(entry: Entry | None) -> ChangeOutcome:
    return ChangeOutcome.UNCHANGED if entry is None else ChangeOutcome.CHANGED

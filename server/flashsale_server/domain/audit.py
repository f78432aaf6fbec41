"""The audit: a second pair of eyes on a ledger, which trusts nothing that an entry says.

Rule 1: it shares no rule with what decides and no state with what replays. It counts for itself,
from the entries alone, so a fault of those two does not hide from it.

Rule 2: it goes on. What is found is taken as it is and counted on from there, so that one wrong
entry is one finding as far as possible, and later ones are found as well.

Rule 3: it remembers of each purchase and each request what later entries are held against, and
nothing else; a ledger may be longer than the memory.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from flashsale_server.domain.audit_rules import Finding, Rule
from flashsale_server.domain.entries import Entry, EntryKind, SaleTerms

_STOCK_MAX: Final = 2**31 - 1
_REFUSALS: Final = frozenset(
    {
        "SOLD_OUT",
        "INSUFFICIENT_STOCK",
        "ALREADY_PURCHASED",
        "USER_LIMIT_REACHED",
        "NOT_STARTED",
        "PAUSED",
        "ENDED",
    }
)
_SOLD: Final = frozenset({"purchased", "confirmed"})
_ORDERS: Final = frozenset({"purchased", "held"})
_CALLS: Final = frozenset({"purchased", "held", "refused"})
_Finds = Iterator[tuple[Rule, str]]


class _Bought(msgspec.Struct, gc=False):
    """A purchase, as far as its end is held against it; `state` is the last entry's kind."""

    user_id: str
    quantity: int
    state: str
    expires_at_us: int


class SaleAudit:
    """The audit of one sale, entry by entry.

    Attributes:
        sale_id: the sale.
        last_position: position of the last entry that was looked at.
        total, available, held, sold: units, as counted here.
        purchases: how many purchases and holds there are by the kind of their last entry.
    """

    def __init__(self, sale_id: str) -> None:
        self.sale_id = sale_id
        self.last_position = 0
        self.total = self.available = self.held = self.sold = 0
        self.purchases: dict[str, int] = {}
        self._terms = SaleTerms()
        self._is_open = self._is_paused = self._has_ended = False
        self._recorded_at_us = 0
        self._missing = 0  # units by which the sum is known to be wrong
        self._bought: dict[str, _Bought] = {}
        self._units_of: dict[str, int] = {}
        self._requests: dict[tuple[str, str], str] = {}
        # Of each node: the last call decided by it before its last row with calls, and now.
        self._arrivals: dict[str, tuple[int, int]] = {}
        self._row_has_calls = False

    def findings(
        self, entries: Sequence[Entry], *, first_position: int, recorded_at_us: int, node: str
    ) -> Iterator[Finding]:
        """What is wrong with entries that were recorded together; the iterator must be used up."""
        if first_position != self.last_position + 1:
            text = f"the entry comes right after position {self.last_position}"
            yield Finding(self.sale_id, first_position, Rule.POSITIONS, text)
        if recorded_at_us < self._recorded_at_us:
            early_us = self._recorded_at_us - recorded_at_us
            text = f"recorded {early_us:,} microseconds before the entry that it follows"
            yield Finding(self.sale_id, first_position, Rule.TIME, text)
        self._recorded_at_us = recorded_at_us
        self.last_position = first_position - 1
        self._row_has_calls = False
        for entry in entries:
            self.last_position += 1
            for rule, text in self._wrong(entry, node):
                yield Finding(self.sale_id, self.last_position, rule, text)

    def _wrong(self, entry: Entry, node: str) -> _Finds:
        """What is wrong with the next entry, which is counted."""
        if not self._is_open and entry.kind != EntryKind.OPENED:
            yield Rule.OPENED, f"{entry.kind!r} in a sale that nothing has opened"
        self._is_open = True
        if entry.kind in _CALLS:
            yield from self._out_of_turn(entry, node)
        elif entry.kind == EntryKind.FENCED:
            self._fence(node)
        look = _LOOKS.get(entry.kind)
        if look is None:
            yield Rule.KNOWN, f"the entry's kind is {entry.kind!r}"
        else:
            yield from look(self, entry)
        self.available += entry.stock_change
        if self.available < 0 and entry.stock_change < 0:
            yield Rule.STOCK, f"{entry.kind} takes more than there is: {self.available} are left"
        missing = self.total - self.available - self.held - self.sold
        if missing != self._missing:
            yield (
                Rule.SUM,
                (
                    f"{self.available} available, {self.held} held and {self.sold} sold after "
                    f"{entry.kind!r} of {entry.stock_change:+} units, of {self.total}"
                ),
            )
            self._missing = missing

    def _out_of_turn(self, entry: Entry, node: str) -> _Finds:
        before, last = self._arrivals.get(node, (0, 0))
        if not self._row_has_calls:
            self._row_has_calls, before = True, last
        if entry.arrival <= last:
            yield (
                Rule.ARRIVAL,
                f"node {node!r} decided call {entry.arrival} after call {last}",
            )
        self._arrivals[node] = before, max(last, entry.arrival)

    def _fence(self, node: str) -> None:
        """Take a node back to before its last row with calls.

        It did not know whether that row had landed. Calls that came before some of that row's, and
        wrote nothing there, were decided again behind it.
        """
        before, _ = self._arrivals.get(node, (0, 0))
        self._arrivals[node] = before, before

    def _look_at_opening(self, entry: Entry) -> _Finds:
        if self.last_position != 1:
            yield Rule.OPENED, "the sale is opened again"
        self.total += entry.stock_change
        yield from self._look_at_terms(entry)
        yield from self._look_at_total()

    def _look_at_terms(self, entry: Entry) -> _Finds:
        terms = entry.detail.terms if entry.detail else None
        if terms is None:
            yield Rule.KNOWN, f"{entry.kind!r} without terms"
            return
        if terms.ends_at_us is not None and terms.ends_at_us <= terms.starts_at_us:
            yield Rule.KNOWN, "the sale ends before it starts"
        self._terms = terms

    def _look_at_total(self) -> _Finds:
        if not 0 <= self.total <= _STOCK_MAX:
            yield Rule.STOCK, f"the sale has {self.total} units altogether"

    def _look_at_order(self, entry: Entry) -> _Finds:
        yield from self._untimely(entry)
        yield from self._too_much(entry)
        yield from self._look_at_hold(entry)
        yield from self._look_at_ids(entry)
        self._units_of[entry.user_id] = self._units_of.get(entry.user_id, 0) + entry.quantity
        if entry.kind == EntryKind.HELD:
            self.held += entry.quantity
        else:
            self.sold += entry.quantity
        self._count(entry.kind, 1)

    def _untimely(self, entry: Entry) -> _Finds:
        terms, now_us = self._terms, self._recorded_at_us
        if self._has_ended:
            yield Rule.OVER, f"{entry.kind} after the entry that ended the sale"
        elif terms.ends_at_us is not None and now_us >= terms.ends_at_us:
            yield Rule.END, f"{entry.kind} {now_us - terms.ends_at_us:,} microseconds after the end"
        if now_us < terms.starts_at_us:
            early_us = terms.starts_at_us - now_us
            yield Rule.START, f"{entry.kind} {early_us:,} microseconds before the start"
        if self._is_paused:
            yield Rule.PAUSE, f"{entry.kind} during a pause"

    def _too_much(self, entry: Entry) -> _Finds:
        if entry.quantity < 1:
            yield Rule.UNITS, f"{entry.kind} for {entry.quantity} units"
        limit = self._terms.per_user_limit
        units = self._units_of.get(entry.user_id, 0) + entry.quantity
        if units > limit:
            yield (
                Rule.USER_LIMIT,
                f"user {entry.user_id!r} has {units} units where {limit} are allowed",
            )
        limit = self._terms.per_order_limit or entry.quantity
        if entry.quantity > limit:
            yield Rule.ORDER_LIMIT, f"an order for {entry.quantity} units where {limit} are allowed"

    def _look_at_hold(self, entry: Entry) -> _Finds:
        is_hold = entry.kind == EntryKind.HELD
        if is_hold is (self._terms.hold_us == 0):
            yield Rule.HOLDS, f"{entry.kind} where holds last {self._terms.hold_us} microseconds"
        elif is_hold:
            lasts_us = _expires_at_us(entry) - self._recorded_at_us
            if lasts_us != self._terms.hold_us:
                yield (
                    Rule.HOLDS,
                    f"a hold of {lasts_us:,} microseconds where they last {self._terms.hold_us:,}",
                )

    def _look_at_ids(self, entry: Entry) -> _Finds:
        key = entry.user_id, entry.request_id
        before = self._requests.get(key)
        if before is not None:
            refused = before == EntryKind.REFUSED
            yield (
                Rule.REFUSED if refused else Rule.REQUEST_ID,
                (
                    f"request {entry.request_id!r} of user {entry.user_id!r} is {entry.kind}, "
                    f"and was {before} before"
                ),
            )
        self._requests[key] = entry.kind
        if not entry.purchase_id or entry.purchase_id in self._bought:
            yield (
                Rule.PURCHASE_ID,
                f"purchase {entry.purchase_id!r} is {entry.kind}, but that id was used before"
                if entry.purchase_id
                else f"{entry.kind} without a purchase id",
            )
        self._bought[entry.purchase_id] = _Bought(
            entry.user_id, entry.quantity, entry.kind, _expires_at_us(entry)
        )

    def _look_at_end(self, entry: Entry) -> _Finds:
        bought = self._bought.get(entry.purchase_id)
        if bought is None or bought.user_id != entry.user_id:
            yield (
                Rule.ENDS_ONCE,
                (
                    f"purchase {entry.purchase_id!r} of user {entry.user_id!r} is {entry.kind}, "
                    "but was never made"
                ),
            )
            return
        before = bought.state
        is_held = before == EntryKind.HELD
        may_end = is_held or (entry.kind == EntryKind.CANCELLED and before in _SOLD)
        if not may_end:
            yield (
                Rule.ENDS_ONCE,
                f"purchase {entry.purchase_id!r} is {entry.kind}, but was {before} before",
            )
        if entry.quantity != bought.quantity:
            yield (
                Rule.UNITS,
                f"{entry.kind} {entry.quantity} units of a purchase of {bought.quantity}",
            )
        if is_held:
            yield from self._look_at_expiry(entry, bought)
        self._end(entry.kind, bought)

    def _look_at_expiry(self, entry: Entry, bought: _Bought) -> _Finds:
        late_us = self._recorded_at_us - bought.expires_at_us
        if entry.kind == EntryKind.EXPIRED and late_us < 0:
            yield Rule.EXPIRY, f"a hold expired {-late_us:,} microseconds early"
        elif entry.kind != EntryKind.EXPIRED and late_us >= 0:
            yield Rule.EXPIRY, f"a hold is {entry.kind} {late_us:,} microseconds after its time"

    def _end(self, kind: str, bought: _Bought) -> None:
        """Count a purchase as what it has become."""
        had, has = bought.state, kind
        quantity = bought.quantity
        self.held += quantity * ((has == EntryKind.HELD) - (had == EntryKind.HELD))
        self.sold += quantity * ((has in _SOLD) - (had in _SOLD))
        is_given_back = (had in _SOLD or had == EntryKind.HELD) and has not in _SOLD
        if is_given_back:
            self._units_of[bought.user_id] -= quantity
        self._count(had, -1)
        self._count(has, 1)
        bought.state = has

    def _look_at_refusal(self, entry: Entry) -> _Finds:
        outcome = entry.detail.outcome if entry.detail else None
        if outcome not in _REFUSALS:
            yield Rule.KNOWN, f"a refusal with the outcome {outcome!r}"
        key = entry.user_id, entry.request_id
        before = self._requests.get(key)
        if before is not None:
            yield (
                Rule.REFUSED,
                (
                    f"request {entry.request_id!r} of user {entry.user_id!r} is refused, "
                    f"and was {before} before"
                ),
            )
        self._requests[key] = entry.kind

    def _look_at_change(self, entry: Entry) -> _Finds:
        if self._has_ended:
            yield Rule.OVER, f"{entry.kind} after the entry that ended the sale"
        match entry.kind:
            case EntryKind.PAUSED | EntryKind.RESUMED:
                pauses = entry.kind == EntryKind.PAUSED
                if pauses is self._is_paused:
                    yield Rule.CHANGE, f"{entry.kind} twice"
                self._is_paused = pauses
            case EntryKind.ENDED:
                self._has_ended = True
            case EntryKind.RESTOCKED:
                self.total += entry.stock_change
                yield from self._look_at_total()
            case EntryKind.UPDATED:
                yield from self._look_at_terms(entry)

    def _look_at_fence(self, _: Entry) -> _Finds:
        """A fence moves no units, which the sum shows."""
        yield from ()

    def _count(self, kind: str, change: int) -> None:
        self.purchases[kind] = self.purchases.get(kind, 0) + change


def _expires_at_us(entry: Entry) -> int:
    return (entry.detail.expires_at_us or 0) if entry.detail else 0


# How each kind is looked at.
_LOOKS: Final[dict[str, Callable[[SaleAudit, Entry], _Finds]]] = {
    EntryKind.OPENED: SaleAudit._look_at_opening,  # noqa: SLF001  # the table is part of the class in all but place
    EntryKind.PURCHASED: SaleAudit._look_at_order,  # noqa: SLF001
    EntryKind.HELD: SaleAudit._look_at_order,  # noqa: SLF001
    EntryKind.CONFIRMED: SaleAudit._look_at_end,  # noqa: SLF001
    EntryKind.RELEASED: SaleAudit._look_at_end,  # noqa: SLF001
    EntryKind.EXPIRED: SaleAudit._look_at_end,  # noqa: SLF001
    EntryKind.CANCELLED: SaleAudit._look_at_end,  # noqa: SLF001
    EntryKind.REFUSED: SaleAudit._look_at_refusal,  # noqa: SLF001
    EntryKind.PAUSED: SaleAudit._look_at_change,  # noqa: SLF001
    EntryKind.RESUMED: SaleAudit._look_at_change,  # noqa: SLF001
    EntryKind.ENDED: SaleAudit._look_at_change,  # noqa: SLF001
    EntryKind.RESTOCKED: SaleAudit._look_at_change,  # noqa: SLF001
    EntryKind.UPDATED: SaleAudit._look_at_change,  # noqa: SLF001
    EntryKind.FENCED: SaleAudit._look_at_fence,  # noqa: SLF001
}

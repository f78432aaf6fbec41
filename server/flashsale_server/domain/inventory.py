"""The inventory of one sale: its state, rebuilt from its entries alone.

Rule 1: it is a pure function of its entries. Nothing here reads a clock, does I/O or draws a random
number, so a replay of the ledger rebuilds it exactly and a simulation can drive it.

Rule 2: stock is moved by entries alone, and here only by those that the ledger has accepted. They
are never judged again: what the ledger holds has happened.

Rule 3: an entry that this version does not understand stops the replay. Guessing would sell a unit
twice.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count, repeat
from typing import Final

import msgspec

from flashsale_server.domain.entries import Entry, EntryKind, SaleTerms
from flashsale_server.domain.hold_calendar import HoldCalendar
from flashsale_server.domain.outcomes import Outcome, Purchase, PurchaseState, SaleState

_NO_PURCHASES: Final[tuple[Purchase, ...]] = ()


class UnknownEntry(Exception):
    """An entry that this version of the rules does not understand."""


class Refusal:
    """A recorded refusal: the answer to its request id for as long as the sale lives."""

    __slots__ = ("outcome", "quantity")

    def __init__(self, outcome: Outcome, quantity: int) -> None:
        self.outcome = outcome
        self.quantity = quantity

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refusal) and (self.outcome, self.quantity) == (
            other.outcome,
            other.quantity,
        )

    __hash__ = None  # type: ignore[assignment]  # compared, never a key


class Inventory:
    """The state of one sale after the entries that were applied to it.

    Attributes:
        terms: what the shop fixed about the sale.
        total_stock: units on offer altogether; always available + held + sold.
        available_stock: units that can be bought.
        held_stock: units kept for users who have yet to confirm.
        sold_stock: units sold.
        is_paused: whether the shop has stopped the sale for now.
        has_ended: whether the ledger says that the sale is over.
        last_position: position of the last entry; 0 before the first.
        recorded_at_us: when the last entry was decided, in microseconds since 1970 UTC.
        refusals: how many refusals are recorded.
        opened_at_us: when the sale was made.
        revision: position of the shop's last change of the sale.
    """

    __slots__ = (
        "_holds",
        "_purchases_of",
        "_refusals",
        "available_stock",
        "has_ended",
        "held_stock",
        "is_paused",
        "last_position",
        "opened_at_us",
        "recorded_at_us",
        "refusals",
        "revision",
        "sold_stock",
        "terms",
        "total_stock",
    )

    def __init__(self) -> None:
        self.terms = SaleTerms()
        self.total_stock = 0
        self.available_stock = 0
        self.held_stock = 0
        self.sold_stock = 0
        self.is_paused = False
        self.has_ended = False
        self.last_position = 0
        self.recorded_at_us = 0
        self.refusals = 0
        self.opened_at_us = 0
        self.revision = 0
        self._holds = HoldCalendar()
        self._purchases_of: dict[str, tuple[Purchase, ...]] = {}
        self._refusals: dict[tuple[str, str], Refusal] = {}

    def purchases_of(self, user_id: str) -> tuple[Purchase, ...]:
        """The user's purchases, oldest first, whatever became of them."""
        return self._purchases_of.get(user_id, _NO_PURCHASES)

    def purchase(self, user_id: str, purchase_id: str) -> Purchase | None:
        """The user's purchase with this id, if there is one."""
        for purchase in self.purchases_of(user_id):
            if purchase.purchase_id == purchase_id:
                return purchase
        return None

    def purchase_for(self, user_id: str, request_id: str) -> Purchase | None:
        """The purchase that the user's request made, if it made one."""
        for purchase in self.purchases_of(user_id):
            if purchase.request_id == request_id:
                return purchase
        return None

    def refusal_for(self, user_id: str, request_id: str) -> Refusal | None:
        """The recorded refusal of the user's request, if there is one."""
        return self._refusals.get((user_id, request_id))

    def are_strangers(self, user_ids: Sequence[str], request_ids: Sequence[str]) -> bool:
        """Whether no user has a purchase, and no user's request a recorded refusal."""
        if not self._purchases_of.keys().isdisjoint(user_ids):
            return False
        return not self._refusals or self._refusals.keys().isdisjoint(
            zip(user_ids, request_ids, strict=True)
        )

    def state_at(self, now_us: int) -> SaleState:
        """Where the sale is in its life. The end rests on an entry; the start, on the clock."""
        if self.has_ended:
            return SaleState.ENDED
        if now_us < self.terms.starts_at_us:
            return SaleState.UPCOMING
        if self.is_paused:
            return SaleState.PAUSED
        if self.available_stock == 0:
            return SaleState.SOLD_OUT
        return SaleState.LIVE

    def next_boundary_us(self, after_us: int) -> int | None:
        """The first instant after `after_us` at which the clock alone changes what is decided."""
        if self.has_ended:
            return None
        starts_at_us, ends_at_us = self.terms.starts_at_us, self.terms.ends_at_us
        if ends_at_us is None or ends_at_us <= after_us:
            return starts_at_us if starts_at_us > after_us else None
        return min(starts_at_us, ends_at_us) if starts_at_us > after_us else ends_at_us

    @property
    def has_holds(self) -> bool:
        """Whether anything may be held; where nothing is, no hold is ever due."""
        return bool(self._holds)

    def next_expiry_us(self, after_us: int = -1) -> int | None:
        """The first instant after `after_us` at which a hold expires; None for never."""
        return self._holds.first_expiry_us(after_us)

    def holds_due(self, now_us: int) -> Iterator[Purchase]:
        """The holds whose time is over, the earliest first."""
        for user_id, purchase_id in self._holds.due(now_us):
            hold = self.purchase(user_id, purchase_id)
            if hold is not None:
                yield hold

    def apply(self, entries: Iterable[Entry], recorded_at_us: int) -> None:
        """Take in entries that follow `last_position` and were recorded together.

        Raises:
            UnknownEntry: this version does not understand one of them; the inventory must not be
                used any more.
        """
        self.recorded_at_us = recorded_at_us
        for entry in entries:
            self._take_in(entry)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Inventory):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Inventory.__slots__)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def _stand_as(self, other: "Inventory") -> None:
        """Take over everything but what is known of single users."""
        self.terms = other.terms
        self.total_stock = other.total_stock
        self.available_stock = other.available_stock
        self.held_stock = other.held_stock
        self.sold_stock = other.sold_stock
        self.is_paused = other.is_paused
        self.has_ended = other.has_ended
        self.last_position = other.last_position
        self.recorded_at_us = other.recorded_at_us
        self.refusals = other.refusals
        self.opened_at_us = other.opened_at_us
        self.revision = other.revision

    def _adopt(
        self,
        later: "Inventory",
        purchases_of: Mapping[str, tuple[Purchase, ...]],
        refusals: Mapping[tuple[str, str], Refusal],
        hold_changes: Iterable[tuple[Purchase, bool]],
    ) -> None:
        """Become what `later` is, with what it knows of single users.

        `hold_changes` are the holds that began (true) or ended (false) on the way, in order.
        """
        self._stand_as(later)
        self._purchases_of.update(purchases_of)
        self._refusals.update(refusals)
        for hold, begins in hold_changes:
            if begins:
                self._begin_hold(hold)
            else:
                self._end_hold(hold)

    def _take_in(self, entry: Entry) -> None:
        self.last_position += 1
        effect = _EFFECTS.get(entry.kind)
        if effect is None:
            raise UnknownEntry(
                f"position {self.last_position}: unknown kind of entry {entry.kind!r}"
            )
        effect(self, entry)

    def _open(self, entry: Entry) -> None:
        self.terms = _terms(self, entry)
        self.total_stock = self.available_stock = entry.stock_change
        self.opened_at_us = self.recorded_at_us
        self.revision = self.last_position

    def _purchase(self, entry: Entry) -> None:
        # Most entries are such, and a ledger may have millions to replay: so no call that can be
        # saved.
        purchase = Purchase(
            self.last_position,
            self.recorded_at_us,
            entry.user_id,
            entry.purchase_id,
            entry.request_id,
            entry.quantity,
        )
        self.available_stock += entry.stock_change
        self.sold_stock -= entry.stock_change
        earlier = self.purchases_of(entry.user_id)
        self._purchases_of[entry.user_id] = (*earlier, purchase) if earlier else (purchase,)

    def _hold(self, entry: Entry) -> None:
        expires_at_us = entry.detail.expires_at_us if entry.detail else None
        if expires_at_us is None:
            raise UnknownEntry(f"position {self.last_position}: units {entry.kind} without an end")
        self.available_stock += entry.stock_change
        self.held_stock -= entry.stock_change
        hold = Purchase(
            self.last_position,
            self.recorded_at_us,
            entry.user_id,
            entry.purchase_id,
            entry.request_id,
            entry.quantity,
            PurchaseState.HELD,
            expires_at_us,
        )
        self._purchases_of[entry.user_id] = (*self.purchases_of(entry.user_id), hold)
        self._begin_hold(hold)

    def _confirm(self, entry: Entry) -> None:
        self._move(entry, PurchaseState.CONFIRMED)

    def _release(self, entry: Entry) -> None:
        self._move(entry, PurchaseState.RELEASED)

    def _expire(self, entry: Entry) -> None:
        self._move(entry, PurchaseState.EXPIRED)

    def _cancel(self, entry: Entry) -> None:
        self._move(entry, PurchaseState.CANCELLED)

    def _move(self, entry: Entry, state: PurchaseState) -> None:
        """Bring a purchase into another state, and its units where they belong then."""
        purchases = self.purchases_of(entry.user_id)
        purchase = self.purchase(entry.user_id, entry.purchase_id)
        if purchase is None:
            raise UnknownEntry(
                f"position {self.last_position}: {entry.kind} what nobody has bought"
            )
        if purchase.state is PurchaseState.HELD:
            self.held_stock -= purchase.quantity
            self._end_hold(purchase)
        elif purchase.state is PurchaseState.CONFIRMED:
            self.sold_stock -= purchase.quantity
        if state is PurchaseState.CONFIRMED:
            self.sold_stock += purchase.quantity
        self.available_stock += entry.stock_change
        moved = msgspec.structs.replace(purchase, state=state)
        self._purchases_of[entry.user_id] = tuple(
            moved if item is purchase else item for item in purchases
        )

    def _begin_hold(self, hold: Purchase) -> None:
        self._holds.add(hold)

    def _end_hold(self, hold: Purchase) -> None:
        self._holds.remove(hold)

    def _purchase_each(
        self, user_ids: Sequence[str], purchase_ids: Sequence[str], request_ids: Sequence[str]
    ) -> list[Purchase]:
        """Take in one unit for each of these users, who have none: `_purchase` for many at once."""
        purchases = list(
            map(
                Purchase,
                count(self.last_position + 1),
                repeat(self.recorded_at_us),
                user_ids,
                purchase_ids,
                request_ids,
                repeat(1),
            )
        )
        self.last_position += len(purchases)
        self.available_stock -= len(purchases)
        self.sold_stock += len(purchases)
        self._purchases_of.update(zip(user_ids, zip(purchases), strict=True))
        return purchases

    def _refuse(self, entry: Entry) -> None:
        try:
            outcome = Outcome(entry.detail.outcome if entry.detail and entry.detail.outcome else "")
        except ValueError as error:
            raise UnknownEntry(
                f"position {self.last_position}: a refusal with an unknown outcome"
            ) from error
        if outcome in {Outcome.PURCHASED, Outcome.HELD}:
            raise UnknownEntry(f"position {self.last_position}: a refusal that is none")
        self.refusals += 1
        self._refusals[entry.user_id, entry.request_id] = Refusal(outcome, entry.quantity)

    def _pause(self, _: Entry) -> None:
        self.is_paused = True
        self.revision = self.last_position

    def _resume(self, _: Entry) -> None:
        self.is_paused = False
        self.revision = self.last_position

    def _end(self, _: Entry) -> None:
        self.has_ended = True
        self.revision = self.last_position

    def _restock(self, entry: Entry) -> None:
        self.total_stock += entry.stock_change
        self.available_stock += entry.stock_change
        self.revision = self.last_position

    def _update(self, entry: Entry) -> None:
        self.terms = _terms(self, entry)
        self.revision = self.last_position

    def _fence(self, _: Entry) -> None:
        """Nothing changes: a fence only takes a position, so that a lost append cannot have it."""


def _terms(inventory: Inventory, entry: Entry) -> SaleTerms:
    if entry.detail is None or entry.detail.terms is None:
        raise UnknownEntry(
            f"position {inventory.last_position}: no terms in an entry of kind {entry.kind!r}"
        )
    return entry.detail.terms


# The kinds that this version understands.
_EFFECTS: Final[dict[str, Callable[[Inventory, Entry], None]]] = {
    EntryKind.OPENED: Inventory._open,  # noqa: SLF001  # the table is part of the class in all but place
    EntryKind.PURCHASED: Inventory._purchase,  # noqa: SLF001
    EntryKind.HELD: Inventory._hold,  # noqa: SLF001
    EntryKind.CONFIRMED: Inventory._confirm,  # noqa: SLF001
    EntryKind.RELEASED: Inventory._release,  # noqa: SLF001
    EntryKind.EXPIRED: Inventory._expire,  # noqa: SLF001
    EntryKind.CANCELLED: Inventory._cancel,  # noqa: SLF001
    EntryKind.REFUSED: Inventory._refuse,  # noqa: SLF001
    EntryKind.PAUSED: Inventory._pause,  # noqa: SLF001
    EntryKind.RESUMED: Inventory._resume,  # noqa: SLF001
    EntryKind.ENDED: Inventory._end,  # noqa: SLF001
    EntryKind.RESTOCKED: Inventory._restock,  # noqa: SLF001
    EntryKind.UPDATED: Inventory._update,  # noqa: SLF001
    EntryKind.FENCED: Inventory._fence,  # noqa: SLF001
}

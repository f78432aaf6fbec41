"""The rules of a sale, kept the slow and plain way, to compare the inventory with.

The model has no state but the list of what happened. Whatever it is asked, it reads that list from
the beginning: no counters, no indexes, no drafts. To think ahead is to copy the list.
"""

from dataclasses import dataclass

import msgspec
from flashsale_server.domain import (
    Answer,
    CancelCommand,
    ChangeCommand,
    ChangeOutcome,
    ConfirmCommand,
    EndCommand,
    Outcome,
    PauseCommand,
    Purchase,
    PurchaseCommand,
    PurchaseState,
    ReleaseCommand,
    RestockCommand,
    ResumeCommand,
    SaleState,
    SaleTerms,
    Transition,
    TransitionCommand,
    TransitionOutcome,
    UpdateCommand,
)

MAKES = ("purchased", "held")
SHOPS = ("opened", "paused", "resumed", "ended", "restocked", "updated")
STATES = {
    "purchased": PurchaseState.CONFIRMED,
    "held": PurchaseState.HELD,
    "confirmed": PurchaseState.CONFIRMED,
    "released": PurchaseState.RELEASED,
    "expired": PurchaseState.EXPIRED,
    "cancelled": PurchaseState.CANCELLED,
}
WISHES = {ConfirmCommand: "confirmed", ReleaseCommand: "released", CancelCommand: "cancelled"}
TOO_LATE = {
    PurchaseState.CONFIRMED: TransitionOutcome.PURCHASE_CONFIRMED,
    PurchaseState.RELEASED: TransitionOutcome.HOLD_RELEASED,
    PurchaseState.EXPIRED: TransitionOutcome.HOLD_EXPIRED,
    PurchaseState.CANCELLED: TransitionOutcome.PURCHASE_CANCELLED,
}


@dataclass(frozen=True)
class Fact:
    """Something that happened: what an entry says, with its time."""

    kind: str
    at_us: int
    units: int = 0
    user_id: str = ""
    request_id: str = ""
    purchase_id: str = ""
    quantity: int = 0
    outcome: str = ""
    terms: SaleTerms | None = None
    expires_at_us: int | None = None


class Model:
    """A sale, as the list of its facts."""

    def __init__(self, facts: list[Fact]) -> None:
        self.facts = facts

    def copy(self) -> "Model":
        return Model(list(self.facts))

    def _all(self, *kinds: str) -> list[Fact]:
        return [fact for fact in self.facts if fact.kind in kinds]

    @property
    def terms(self) -> SaleTerms:
        return [fact.terms for fact in self.facts if fact.terms is not None][-1]

    @property
    def total(self) -> int:
        return sum(fact.units for fact in self._all("opened", "restocked"))

    @property
    def available(self) -> int:
        return sum(fact.units for fact in self.facts)

    @property
    def is_paused(self) -> bool:
        return [fact.kind for fact in self._all("paused", "resumed")][-1:] == ["paused"]

    @property
    def has_ended(self) -> bool:
        return bool(self._all("ended"))

    @property
    def revision(self) -> int:
        return [number for number, fact in enumerate(self.facts, 1) if fact.kind in SHOPS][-1]

    @property
    def purchases(self) -> list[Purchase]:
        return [
            Purchase(
                number,
                fact.at_us,
                fact.user_id,
                fact.purchase_id,
                fact.request_id,
                fact.quantity,
                self._state_of(fact.purchase_id),
                fact.expires_at_us,
            )
            for number, fact in enumerate(self.facts, 1)
            if fact.kind in MAKES
        ]

    def _state_of(self, purchase_id: str) -> PurchaseState:
        return STATES[[fact.kind for fact in self.facts if fact.purchase_id == purchase_id][-1]]

    def purchases_of(self, user_id: str) -> tuple[Purchase, ...]:
        return tuple(item for item in self.purchases if item.user_id == user_id)

    def units(self, state: PurchaseState) -> int:
        return sum(item.quantity for item in self.purchases if item.state is state)

    def holds(self) -> list[Purchase]:
        """The holds that nobody has ended, in the order in which they expire."""
        holds = [item for item in self.purchases if item.state is PurchaseState.HELD]
        return sorted(holds, key=lambda hold: hold.expires_at_us or 0)

    def phase_at(self, now_us: int) -> str:
        """What the clock alone makes of the sale."""
        ends_at_us = self.terms.ends_at_us
        if self.has_ended or (ends_at_us is not None and ends_at_us <= now_us):
            return "over"
        return "open" if self.terms.starts_at_us <= now_us else "waiting"

    def state_at(self, now_us: int) -> SaleState:
        reasons = [
            (SaleState.ENDED, self.has_ended),
            (SaleState.UPCOMING, now_us < self.terms.starts_at_us),
            (SaleState.PAUSED, self.is_paused),
            (SaleState.SOLD_OUT, self.available == 0),
            (SaleState.LIVE, True),
        ]
        return next(state for state, holds in reasons if holds)

    def notice_what_is_due(self, now_us: int) -> None:
        """Write down what the clock has made true."""
        if self.phase_at(now_us) == "over" and not self.has_ended:
            self.facts.append(Fact("ended", now_us))
        for hold in self.holds():
            if (hold.expires_at_us or 0) <= now_us:
                self._end(hold, "expired", now_us)

    def _end(self, purchase: Purchase, kind: str, at_us: int) -> None:
        self.facts.append(
            Fact(
                kind,
                at_us,
                0 if kind == "confirmed" else purchase.quantity,
                purchase.user_id,
                purchase_id=purchase.purchase_id,
                quantity=purchase.quantity,
            )
        )

    def purchase(
        self, command: PurchaseCommand, now_us: int, recorded_at_us: int, purchase_id: str
    ) -> Answer | int:
        """The answer, or the quantity that the request id was used with before.

        `now_us` is when it is judged, `recorded_at_us` what an entry says about that.
        """
        key = (command.user_id, command.request_id)
        for fact in self._all(*MAKES, "refused"):
            if key == (fact.user_id, fact.request_id):
                if fact.quantity != command.quantity:
                    return fact.quantity
                return self._told(Outcome(fact.outcome), command, replayed=True)
        outcome = self._judged(command, now_us)
        gets_units = outcome in {Outcome.PURCHASED, Outcome.HELD}
        if gets_units or command.is_retry:
            self.facts.append(
                Fact(
                    outcome.value.lower() if gets_units else "refused",
                    recorded_at_us,
                    -command.quantity if gets_units else 0,
                    *key,
                    purchase_id if gets_units else "",
                    command.quantity,
                    outcome.value,
                    expires_at_us=recorded_at_us + self.terms.hold_us
                    if outcome is Outcome.HELD
                    else None,
                )
            )
        return self._told(outcome, command, replayed=False)

    def _judged(self, command: PurchaseCommand, now_us: int) -> Outcome:
        mine = sum(item.quantity for item in self.purchases_of(command.user_id) if item.counts)
        limit = self.terms.per_user_limit
        most = self.terms.per_order_limit
        reasons = [
            (Outcome.ENDED, self.has_ended),
            (Outcome.NOT_STARTED, now_us < self.terms.starts_at_us),
            (Outcome.PAUSED, self.is_paused),
            (Outcome.ALREADY_PURCHASED, mine > 0 and limit == 1),
            (Outcome.USER_LIMIT_REACHED, mine + command.quantity > limit),
            (Outcome.USER_LIMIT_REACHED, most is not None and command.quantity > most),
            (Outcome.SOLD_OUT, self.available == 0),
            (Outcome.INSUFFICIENT_STOCK, self.available < command.quantity),
            (Outcome.HELD, self.terms.hold_us > 0),
            (Outcome.PURCHASED, True),
        ]
        return next(outcome for outcome, holds in reasons if holds)

    def _told(self, outcome: Outcome, command: PurchaseCommand, *, replayed: bool) -> Answer:
        mine = self.purchases_of(command.user_id)
        by_this = [item for item in mine if item.request_id == command.request_id]
        match outcome:
            case Outcome.PURCHASED | Outcome.HELD:
                return Answer(outcome, replayed, by_this[0])
            case Outcome.ALREADY_PURCHASED:
                # The counted one; of those that are over meanwhile, the last.
                had = [item for item in mine if item.counts][:1] or mine[-1:]
                return Answer(outcome, replayed, had[0] if had else None)
            case Outcome.NOT_STARTED:
                return Answer(outcome, replayed, starts_at_us=self.terms.starts_at_us)
            case Outcome.INSUFFICIENT_STOCK:
                return Answer(outcome, replayed, available_stock=self.available)
            case _:
                return Answer(outcome, replayed)

    def transition(
        self, command: TransitionCommand, now_us: int, recorded_at_us: int
    ) -> Transition:
        """What a change of one purchase comes to; `now_us` is when it is judged."""
        found = [
            item
            for item in self.purchases_of(command.user_id)
            if item.purchase_id == command.purchase_id
        ]
        if not found:
            return Transition(TransitionOutcome.NOT_FOUND, None)
        (purchase,) = found
        kind = WISHES[type(command)]
        outcome = TransitionOutcome.DONE
        if purchase.state is PurchaseState.HELD and now_us >= (purchase.expires_at_us or 0):
            outcome = TransitionOutcome.HOLD_EXPIRED
            self._end(purchase, "expired", recorded_at_us)
        elif purchase.state is PurchaseState.HELD or (
            purchase.state is PurchaseState.CONFIRMED and kind == "cancelled"
        ):
            self._end(purchase, kind, recorded_at_us)
        elif purchase.state is not STATES[kind]:
            outcome = TOO_LATE[purchase.state]
        state = self._state_of(purchase.purchase_id)
        return Transition(outcome, msgspec.structs.replace(purchase, state=state))

    def change(self, command: ChangeCommand, recorded_at_us: int) -> ChangeOutcome:
        if command.revision is not None and command.revision != self.revision:
            return ChangeOutcome.ETAG_MISMATCH
        if self.has_ended:
            is_end = isinstance(command, EndCommand)
            return ChangeOutcome.UNCHANGED if is_end else ChangeOutcome.SALE_ENDED
        fact = self._changing(command, recorded_at_us)
        if isinstance(fact, ChangeOutcome):
            return fact
        self.facts.append(fact)
        self.notice_what_is_due(recorded_at_us)
        return ChangeOutcome.CHANGED

    def _changing(self, command: ChangeCommand, at_us: int) -> Fact | ChangeOutcome:
        """What a change adds to the list, or why it adds nothing."""
        match command:
            case PauseCommand() if not self.is_paused:
                return Fact("paused", at_us)
            case ResumeCommand() if self.is_paused:
                return Fact("resumed", at_us)
            case EndCommand():
                return Fact("ended", at_us)
            case RestockCommand(units):
                return self._restocking(units, at_us)
            case UpdateCommand(terms, fields):
                terms = self._updated(terms, fields)
                is_backwards = (
                    terms.ends_at_us is not None and terms.ends_at_us <= terms.starts_at_us
                )
                if is_backwards or terms != self.terms:
                    updated = Fact("updated", at_us, terms=terms)
                    return ChangeOutcome.ENDS_BEFORE_START if is_backwards else updated
        return ChangeOutcome.UNCHANGED

    def _restocking(self, units: int, at_us: int) -> Fact | ChangeOutcome:
        if -units > self.available:
            return ChangeOutcome.NOT_ENOUGH_UNSOLD
        if self.total + units >= 2**31:
            return ChangeOutcome.TOO_MUCH_STOCK
        return Fact("restocked", at_us, units) if units else ChangeOutcome.UNCHANGED

    def _updated(self, new: SaleTerms, fields: tuple[str, ...] | None) -> SaleTerms:
        old = self.terms
        return SaleTerms(
            *(
                getattr(new if fields is None or name in fields else old, name)
                for name in SaleTerms.__struct_fields__
            )
        )

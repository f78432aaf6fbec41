"""The rules of a sale, kept the slow and plain way, to compare the inventory with.

The model has no state but the list of what happened. Whatever it is asked, it reads that list from
the beginning: no counters, no indexes, no drafts. To think ahead is to copy the list.
"""

from dataclasses import dataclass

from flashsale_server.domain import (
    Answer,
    ChangeOutcome,
    Command,
    EndCommand,
    Outcome,
    PauseCommand,
    Purchase,
    PurchaseCommand,
    RestockCommand,
    ResumeCommand,
    SaleState,
    SaleTerms,
    UpdateCommand,
)


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

    def purchases_of(self, user_id: str) -> tuple[Purchase, ...]:
        return tuple(
            Purchase(number, fact.at_us, user_id, fact.purchase_id, fact.request_id, fact.quantity)
            for number, fact in enumerate(self.facts, 1)
            if fact.kind == "purchased" and fact.user_id == user_id
        )

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

    def notice_the_end(self, now_us: int, recorded_at_us: int) -> None:
        if self.phase_at(now_us) == "over" and not self.has_ended:
            self.facts.append(Fact("ended", recorded_at_us))

    def purchase(
        self, command: PurchaseCommand, now_us: int, recorded_at_us: int, purchase_id: str
    ) -> Answer | int:
        """The answer, or the quantity that the request id was used with before.

        `now_us` is when it is judged, `recorded_at_us` what an entry says about that.
        """
        key = (command.user_id, command.request_id)
        for fact in self._all("purchased", "refused"):
            if key == (fact.user_id, fact.request_id):
                if fact.quantity != command.quantity:
                    return fact.quantity
                return self._told(Outcome(fact.outcome), command, replayed=True)
        outcome = self._judged(command, now_us)
        if outcome is Outcome.PURCHASED or command.is_retry:
            is_purchase = outcome is Outcome.PURCHASED
            self.facts.append(
                Fact(
                    "purchased" if is_purchase else "refused",
                    recorded_at_us,
                    -command.quantity if is_purchase else 0,
                    *key,
                    purchase_id if is_purchase else "",
                    command.quantity,
                    outcome.value,
                )
            )
        return self._told(outcome, command, replayed=False)

    def _judged(self, command: PurchaseCommand, now_us: int) -> Outcome:
        mine = sum(purchase.quantity for purchase in self.purchases_of(command.user_id))
        limit = self.terms.per_user_limit
        reasons = [
            (Outcome.ENDED, self.has_ended),
            (Outcome.NOT_STARTED, now_us < self.terms.starts_at_us),
            (Outcome.PAUSED, self.is_paused),
            (Outcome.ALREADY_PURCHASED, mine > 0 and limit == 1),
            (Outcome.USER_LIMIT_REACHED, mine + command.quantity > limit),
            (Outcome.SOLD_OUT, self.available == 0),
            (Outcome.INSUFFICIENT_STOCK, self.available < command.quantity),
            (Outcome.PURCHASED, True),
        ]
        return next(outcome for outcome, holds in reasons if holds)

    def _told(self, outcome: Outcome, command: PurchaseCommand, *, replayed: bool) -> Answer:
        mine = self.purchases_of(command.user_id)
        by_this = [item for item in mine if item.request_id == command.request_id]
        match outcome:
            case Outcome.PURCHASED:
                return Answer(outcome, replayed, by_this[0])
            case Outcome.ALREADY_PURCHASED:
                return Answer(outcome, replayed, mine[0])
            case Outcome.NOT_STARTED:
                return Answer(outcome, replayed, starts_at_us=self.terms.starts_at_us)
            case Outcome.INSUFFICIENT_STOCK:
                return Answer(outcome, replayed, available_stock=self.available)
            case _:
                return Answer(outcome, replayed)

    def change(self, command: Command, recorded_at_us: int) -> ChangeOutcome:
        if self.has_ended:
            is_end = isinstance(command, EndCommand)
            return ChangeOutcome.UNCHANGED if is_end else ChangeOutcome.SALE_ENDED
        match command:
            case PauseCommand():
                fact = Fact("paused", recorded_at_us)
                changes = not self.is_paused
            case ResumeCommand():
                fact = Fact("resumed", recorded_at_us)
                changes = self.is_paused
            case EndCommand():
                fact = Fact("ended", recorded_at_us)
                changes = True
            case RestockCommand(stock_change):
                if -stock_change > self.available:
                    return ChangeOutcome.NOT_ENOUGH_UNSOLD
                fact = Fact("restocked", recorded_at_us, stock_change)
                changes = stock_change != 0
            case UpdateCommand(terms):
                fact = Fact("updated", recorded_at_us, terms=terms)
                changes = terms != self.terms
            case _:
                raise AssertionError(command)
        if not changes:
            return ChangeOutcome.UNCHANGED
        self.facts.append(fact)
        self.notice_the_end(recorded_at_us, recorded_at_us)
        return ChangeOutcome.CHANGED

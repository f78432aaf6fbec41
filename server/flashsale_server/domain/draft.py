"""A draft: what a sale will be if the ledger accepts the entries that were decided on it.

A batch must see its own earlier decisions, and the next batch those of an append that is still
being written. Neither may show in the inventory before it is durable. So they are kept in a draft,
a sheet laid over the inventory, or over an earlier draft. When the append fails, the draft is
thrown away and nothing has to be undone.

All entries of a draft become one append and share one instant of decision. A later batch may join
the draft only while nothing that the clock alone would change, be it a start, an end or the expiry
of a hold, lies between that instant and the batch's own, so that deciding it at the earlier instant
comes to the same.
"""

import heapq
import itertools
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from flashsale_server.domain.changes import decided_change
from flashsale_server.domain.commands import (
    ChangeCommand,
    Command,
    PurchaseCommand,
    TransitionCommand,
)
from flashsale_server.domain.decisions import (
    Mint,
    entries_due,
    expired_entry,
    held_entry,
    purchase_outcome,
    purchased_entries,
    purchased_entry,
    refused_answer,
    refused_entry,
    replayed_answer,
)
from flashsale_server.domain.entries import Entry, EntryKind
from flashsale_server.domain.inventory import Inventory, Refusal
from flashsale_server.domain.outcomes import (
    Answer,
    ChangeOutcome,
    Outcome,
    Purchase,
    PurchaseState,
    ReusedRequestId,
    Transition,
)
from flashsale_server.domain.transitions import decided_transition

Decided = Answer | ReusedRequestId | ChangeOutcome | Transition
"""What a command came to."""


class Draft(Inventory):
    """An inventory with entries that are not durable yet.

    Attributes:
        entries: the entries decided so far, in order.
        base_position: the last position of what the draft lies on.
        decided_at_us: the one instant of all its decisions, in microseconds since 1970 UTC.
    """

    __slots__ = (
        "_boundary_us",
        "_hold_changes",
        "_under",
        "base_position",
        "decided_at_us",
        "entries",
    )

    def __init__(self, under: Inventory, now_us: int) -> None:
        super().__init__()
        self._under = under
        # The holds that begin and end here, in order: the calendar is the inventory's alone.
        self._hold_changes: list[tuple[Purchase, bool]] = []
        self._stand_as(under)
        self.base_position = under.last_position
        self.entries: list[Entry] = []
        # The clock may have run backwards; the ledger's time never does.
        self.decided_at_us = max(now_us, under.recorded_at_us)
        self._boundary_us: int | None = None
        self._write_what_is_due()

    def admits(self, now_us: int) -> bool:
        """Whether a batch of `now_us` may join: the draft's instant decides it like its own."""
        return self._boundary_us is None or now_us < self._boundary_us

    def decide(self, commands: Sequence[Command], mint: Mint) -> list[Decided]:
        """Decide commands in order, each seeing the decisions before it; one result a command."""
        if len(commands) > 1 and _are_purchases(commands):
            alike = self._decided_alike(commands, mint)
            if alike is not None:
                return alike
        return [
            self._decide_purchase(command, mint)
            if isinstance(command, PurchaseCommand)
            else self._decide_transition(command)
            if isinstance(command, TransitionCommand)
            else self._decide_change(command)
            for command in commands
        ]

    def fence(self) -> None:
        """Take a position, so that an append whose fate is unknown can no longer have it."""
        self._write(Entry(EntryKind.FENCED.value))

    def settle_on(self, inventory: Inventory) -> None:
        """Lie on `inventory`, which has taken in the entries of the draft that this one lay on."""
        self._under = inventory

    def settle_into(self, inventory: Inventory) -> None:
        """Make `inventory` what it would be after `apply(self.entries, self.decided_at_us)`.

        It must be the one that the draft lies on, and the entries durable. They have been applied
        once, to the draft; what that came to is taken over.
        """
        if self.entries:
            inventory._adopt(self, self._purchases_of, self._refusals, self._hold_changes)  # noqa: SLF001  # a draft is an inventory

    def purchases_of(self, user_id: str) -> tuple[Purchase, ...]:
        """The user's purchases, oldest first, those of this draft included."""
        found = self._purchases_of.get(user_id)
        return self._under.purchases_of(user_id) if found is None else found

    def refusal_for(self, user_id: str, request_id: str) -> Refusal | None:
        """The recorded refusal of the user's request, that of this draft included."""
        refusal = self._refusals.get((user_id, request_id))
        return refusal or self._under.refusal_for(user_id, request_id)

    def are_strangers(self, user_ids: Sequence[str], request_ids: Sequence[str]) -> bool:
        """Whether no user has a purchase, and no request a recorded refusal, here or below."""
        return super().are_strangers(user_ids, request_ids) and self._under.are_strangers(
            user_ids, request_ids
        )

    @property
    def has_holds(self) -> bool:
        """Whether anything may be held, here or below."""
        return bool(self._hold_changes) or self._under.has_holds

    def next_expiry_us(self, after_us: int = -1) -> int | None:
        """The first instant after `after_us` at which a hold expires, one made here included.

        One that was ended here may be counted, too: then a batch is kept out that might have come
        in.
        """
        if not self._hold_changes:
            return self._under.next_expiry_us(after_us)
        expiries = [_expiry_of(hold) for hold, begins in self._hold_changes if begins]
        below_us = self._under.next_expiry_us(after_us)
        if below_us is not None:
            expiries.append(below_us)
        return min((expiry for expiry in expiries if expiry > after_us), default=None)

    def holds_due(self, now_us: int) -> Iterator[Purchase]:
        """The holds whose time is over and that nothing here has ended, the earliest first."""
        begun = sorted((hold for hold, begins in self._hold_changes if begins), key=_expiry_of)
        over = itertools.takewhile(lambda hold: _expiry_of(hold) <= now_us, begun)
        for hold in heapq.merge(self._under.holds_due(now_us), over, key=_expiry_of):
            found = self.purchase(hold.user_id, hold.purchase_id)
            if found is not None and found.state is PurchaseState.HELD:
                yield found

    def _decided_alike(
        self, commands: Sequence[PurchaseCommand], mint: Mint
    ) -> list[Decided] | None:
        """Decide purchases as one, in a fraction of the time; None where each needs a look.

        None does where different users want one unit each and nobody has been here before, as in a
        rush. Then all are in the same case: only the sale itself and its stock can turn them away.
        """
        user_ids = [command.user_id for command in commands]
        request_ids = [command.request_id for command in commands]
        if (
            any(command.quantity != 1 for command in commands)
            or len(set(user_ids)) < len(user_ids)
            or not self.are_strangers(user_ids, request_ids)
        ):
            return None
        outcome = purchase_outcome(self, commands[0], (), self.decided_at_us)
        if outcome is Outcome.HELD:
            return None
        if outcome is Outcome.PURCHASED:
            if self.available_stock < len(commands):
                return None
            return self._purchase_alike(commands, user_ids, request_ids, mint)
        if any(command.is_retry for command in commands):
            return None
        return [refused_answer(self, outcome, commands[0])] * len(commands)

    def _purchase_alike(
        self,
        commands: Sequence[PurchaseCommand],
        user_ids: Sequence[str],
        request_ids: Sequence[str],
        mint: Mint,
    ) -> list[Decided]:
        purchase_ids = [mint() for _ in commands]
        self.entries += purchased_entries(commands, user_ids, purchase_ids, request_ids)
        self.recorded_at_us = self.decided_at_us
        purchases = self._purchase_each(user_ids, purchase_ids, request_ids)
        return list(
            map(Answer, itertools.repeat(Outcome.PURCHASED), itertools.repeat(False), purchases)
        )

    def _decide_purchase(self, command: PurchaseCommand, mint: Mint) -> Answer | ReusedRequestId:
        purchases = self.purchases_of(command.user_id)
        if purchases and self._end_those_that_are_over(purchases):
            purchases = self.purchases_of(command.user_id)
        if purchases or self.refusals:
            replayed = replayed_answer(self, command)
            if replayed is not None:
                return replayed
        outcome = purchase_outcome(self, command, purchases, self.decided_at_us)
        if outcome is Outcome.PURCHASED or outcome is Outcome.HELD:
            if outcome is Outcome.PURCHASED:
                self._write(purchased_entry(command, mint()))
            else:
                expires_at_us = self.decided_at_us + self.terms.hold_us
                self._write(held_entry(command, mint(), expires_at_us))
            return Answer(outcome, False, self._purchases_of[command.user_id][-1])
        if command.is_retry:
            self._write(refused_entry(command, outcome))
        return refused_answer(self, outcome, command)

    def _end_those_that_are_over(self, purchases: Sequence[Purchase]) -> bool:
        """Write down which of a user's holds are over, where many are, and not all are yet."""
        over = [
            purchase
            for purchase in purchases
            if purchase.state is PurchaseState.HELD and _expiry_of(purchase) <= self.decided_at_us
        ]
        for hold in over:
            self._write(expired_entry(hold))
        return bool(over)

    def _decide_transition(self, command: TransitionCommand) -> Transition:
        outcome, entry = decided_transition(self, command, self.decided_at_us)
        if entry is not None:
            self._write(entry)
        return Transition(outcome, self.purchase(command.user_id, command.purchase_id))

    def _decide_change(self, command: ChangeCommand) -> ChangeOutcome:
        outcome, entry = decided_change(self, command)
        if entry is not None:
            self._write(entry)
            # New terms may move the boundary, and one that has just passed is due at once.
            self._write_what_is_due()
        return outcome

    def _write_what_is_due(self) -> None:
        for entry in entries_due(self, self.decided_at_us):
            self._write(entry)
        after_us = self.decided_at_us
        boundaries = (self.next_boundary_us(after_us), self.next_expiry_us(after_us))
        self._boundary_us = min((item for item in boundaries if item is not None), default=None)

    def _begin_hold(self, hold: Purchase) -> None:
        self._hold_changes.append((hold, True))
        if self._boundary_us is None or _expiry_of(hold) < self._boundary_us:
            self._boundary_us = _expiry_of(hold)

    def _end_hold(self, hold: Purchase) -> None:
        self._hold_changes.append((hold, False))

    def _write(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.recorded_at_us = self.decided_at_us
        self._take_in(entry)


def _expiry_of(hold: Purchase) -> int:
    return hold.expires_at_us or 0


def _are_purchases(commands: Sequence[Command]) -> TypeGuard[Sequence[PurchaseCommand]]:
    return all(issubclass(kind, PurchaseCommand) for kind in set(map(type, commands)))

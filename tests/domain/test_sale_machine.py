"""A sale under random commands, as a lane drives it, beside a model that only remembers.

The machine decides batches on drafts, lays a draft over one that is still being written, and lets
that land, be lost, land unseen (and be fenced off), or lose the race to another node. After every
step the rules must hold, whatever was decided must be what the model says, entry by entry, and a
replay of the ledger's text must rebuild the inventory exactly.
"""

import copy
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from flashsale_server.domain import (
    Answer,
    CancelCommand,
    Command,
    ConfirmCommand,
    Decided,
    Draft,
    EndCommand,
    Entry,
    EntryDetail,
    EntryKind,
    Inventory,
    Outcome,
    PauseCommand,
    Purchase,
    PurchaseCommand,
    PurchaseState,
    ReleaseCommand,
    RestockCommand,
    ResumeCommand,
    ReusedRequestId,
    SaleTerms,
    TransitionCommand,
    UnknownEntry,
    UpdateCommand,
    replayed_answer,
)
from flashsale_server.ledger import GENESIS_DIGEST, Append, encoded
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.domain.allowed import check_allowed
from tests.domain.sale_model import MAKES, Fact, Model

SECOND_US = 1_000_000
USERS = ("ann", "bob", "cid")
REQUESTS = tuple(f"r-{number}" for number in range(1, 11))
PURCHASES = st.builds(
    PurchaseCommand,
    user_id=st.sampled_from(USERS),
    request_id=st.sampled_from(REQUESTS),
    quantity=st.sampled_from([1, 1, 1, 2, 2, 3, 4]),
    is_retry=st.integers(0, 4).map(lambda number: number == 4),
    arrival=st.integers(0, 9),
)
TERMS = st.builds(
    SaleTerms,
    starts_at_us=st.sampled_from([0, 0, 0, SECOND_US, 2 * SECOND_US]),
    ends_at_us=st.sampled_from([None, None, None, 3 * SECOND_US, 9 * SECOND_US, SECOND_US]),
    per_user_limit=st.sampled_from([5, 9, 3, 1]),
    per_order_limit=st.sampled_from([None, None, 3, 1]),
    hold_us=st.sampled_from([SECOND_US, SECOND_US, 0, SECOND_US // 2, 4 * SECOND_US]),
)
FIELDS = st.lists(st.sampled_from(SaleTerms.__struct_fields__), max_size=3, unique=True).map(tuple)
REVISIONS = st.integers(0, 12).map(lambda number: number if 0 < number < 4 else None)
CHANGES = st.one_of(
    st.builds(PauseCommand, REVISIONS),
    st.builds(ResumeCommand, REVISIONS),
    st.builds(RestockCommand, st.integers(-6, 6) | st.just(2**31 - 9), REVISIONS),
    st.builds(UpdateCommand, TERMS, st.none() | FIELDS, REVISIONS),
)


@dataclass(frozen=True)
class Wish:
    """To confirm, release or cancel a purchase: which one is known only when it comes to it."""

    kind: type[ConfirmCommand | ReleaseCommand | CancelCommand]
    number: int
    is_mine: bool


WISHES = st.builds(
    Wish,
    st.sampled_from([ConfirmCommand, ReleaseCommand, CancelCommand, ConfirmCommand]),
    st.integers(0, 20),
    st.integers(0, 9).map(bool),
)
Asked = Command | Wish
KINDS = (PURCHASES, PURCHASES, PURCHASES, PURCHASES, PURCHASES, WISHES, WISHES, CHANGES)
BATCHES = st.lists(
    # Most calls are purchases; `one_of` alone would draw every kind of change as often.
    st.integers(0, 7).flatmap(KINDS.__getitem__),
    min_size=1,
    max_size=8,
)
JUMPS_US = st.sampled_from([-2 * SECOND_US, -SECOND_US, -1, 1, SECOND_US // 2, SECOND_US])


class Deciding:
    """A draft, what the model makes of it, and what would be told to whom if it landed."""

    def __init__(self, under: Inventory, model: Model, now_us: int) -> None:
        self.draft = Draft(under, now_us)
        self.model = model.copy()
        self.told: list[tuple[Command, Decided]] = []
        self.model.notice_what_is_due(self.draft.decided_at_us)


class SaleMachine(RuleBasedStateMachine):
    """One sale, its ledger, an append that is being written, and what is decided ahead of it."""

    @initialize(stock=st.integers(0, 20), terms=TERMS)
    def open(self, stock: int, terms: SaleTerms) -> None:
        self.now_us = SECOND_US
        self.minted: list[str] = []
        self.promised: dict[tuple[str, str], tuple[int, Outcome, str]] = {}
        self.inventory = Inventory()
        self.ledger: list[Append] = []
        self.written: Deciding | None = None
        self.ahead: Deciding | None = None
        self.model = Model([Fact("opened", SECOND_US, stock, terms=terms)])
        self._append([Entry(EntryKind.OPENED.value, stock, detail=EntryDetail(terms))], SECOND_US)

    # What happens to a lane.

    @rule(jump_us=JUMPS_US)
    def the_clock_jumps(self, jump_us: int) -> None:
        self.now_us = max(0, self.now_us + jump_us)

    @rule(is_end=st.booleans(), off_us=st.sampled_from([-1, 0, 1]))
    def the_clock_comes_to_a_boundary(self, is_end: bool, off_us: int) -> None:
        terms = self.inventory.terms
        boundary_us = terms.ends_at_us if is_end else terms.starts_at_us
        if boundary_us is not None:
            self.now_us = max(0, boundary_us + off_us)

    @precondition(lambda self: self.model.holds())
    @rule(number=st.integers(0, 9), off_us=st.sampled_from([-1, 0, 1]))
    def the_clock_comes_to_the_end_of_a_hold(self, number: int, off_us: int) -> None:
        holds = self.model.holds()
        expires_at_us = holds[number % len(holds)].expires_at_us
        assert expires_at_us is not None
        self.now_us = max(0, expires_at_us + off_us)

    @rule(commands=BATCHES, later_us=st.sampled_from([0, 1, SECOND_US // 2]))
    def a_batch_is_decided(self, commands: list[Asked], later_us: int = 0) -> None:
        self.now_us += later_us
        if self.ahead is None:
            self.ahead = self._laid_over(self.written)
        draft, model = self.ahead.draft, self.ahead.model
        own_us = max(self.now_us, draft.decided_at_us)
        admitted = draft.admits(self.now_us)
        is_same = model.phase_at(own_us) == model.phase_at(draft.decided_at_us)
        if not admitted:
            # The expiry of a hold that has been ended meanwhile may keep a batch out, too.
            assert not is_same or _expire(model.purchases, draft.decided_at_us, own_us)
        else:
            assert is_same
            assert not _expire(model.holds(), draft.decided_at_us, own_us)
        if admitted:
            self._decide(self.ahead, commands, own_us)

    @precondition(lambda self: self.written is None)
    @rule(commands=BATCHES)
    def a_batch_is_decided_and_lands(self, commands: list[Asked]) -> None:
        self.a_batch_is_decided(commands)
        self.the_append_begins()
        self.the_append_lands()

    @precondition(lambda self: self.written is None)
    @rule(commands=BATCHES, later_commands=BATCHES)
    def a_batch_is_decided_while_another_is_written(
        self, commands: list[Asked], later_commands: list[Asked]
    ) -> None:
        self.a_batch_is_decided(commands)
        self.the_append_begins()
        self.a_batch_is_decided(later_commands)

    @rule(is_meant=st.integers(0, 9))
    def the_shop_ends_the_sale(self, is_meant: int) -> None:
        # Seldom: afterwards there is little left to see.
        if is_meant == 9:
            self.a_batch_is_decided([EndCommand()])

    @precondition(lambda self: self.written is None and self.ahead is not None)
    @rule()
    def the_append_begins(self) -> None:
        self.written, self.ahead = self.ahead, None

    @precondition(lambda self: self.written is not None)
    @rule()
    def the_append_lands(self) -> None:
        assert self.written is not None
        self._land(self.written)
        self.written = None
        if self.ahead is not None:
            self.ahead.draft.settle_on(self.inventory)

    @precondition(lambda self: self.written is not None)
    @rule()
    def the_append_is_lost(self) -> None:
        self.written = self.ahead = None

    @precondition(lambda self: self.written is not None)
    @rule()
    def the_append_lands_unseen_and_a_fence_follows(self) -> None:
        assert self.written is not None
        self.written.told = []
        self._land(self.written)
        self.written = self.ahead = None
        fenced_at_us = max(self.now_us, self.inventory.recorded_at_us)
        self._append([Entry(EntryKind.FENCED.value)], fenced_at_us)
        self.model.facts.append(Fact("fenced", fenced_at_us))

    @precondition(lambda self: self.written is not None)
    @rule(commands=BATCHES, ahead_us=JUMPS_US)
    def another_node_is_quicker(self, commands: list[Asked], ahead_us: int) -> None:
        other = Deciding(self.inventory, self.model, max(0, self.now_us + ahead_us))
        self._decide(other, commands, other.draft.decided_at_us)
        if other.draft.entries:
            self._land(other)
            self.written = self.ahead = None

    # The rules.

    @rule(quantity=st.integers(1, 99), user_id=st.sampled_from(USERS))
    def what_the_ledger_holds_is_not_judged_again(self, quantity: int, user_id: str) -> None:
        sale = copy.deepcopy(self.inventory)
        sale.apply([Entry("purchased", -quantity, user_id, "p", "r", quantity)], self.now_us)
        assert sale.available_stock == self.inventory.available_stock - quantity
        with pytest.raises(UnknownEntry):
            sale.apply([Entry("teleported")], self.now_us)

    @invariant()
    def the_stock_adds_up(self) -> None:
        for sale, _ in self._sales():
            parts = (sale.available_stock, sale.held_stock, sale.sold_stock)
            assert sum(parts) == sale.total_stock
            assert min(parts) >= 0

    @invariant()
    def every_sale_is_what_the_model_says(self) -> None:
        for sale, model in self._sales():
            assert sale.last_position == len(model.facts)
            assert (sale.total_stock, sale.available_stock) == (model.total, model.available)
            assert sale.held_stock == model.units(PurchaseState.HELD)
            assert sale.sold_stock == model.units(PurchaseState.CONFIRMED)
            assert sale.revision == model.revision
            assert (sale.is_paused, sale.has_ended) == (model.is_paused, model.has_ended)
            assert sale.terms == model.terms
            assert sale.state_at(self.now_us) is model.state_at(self.now_us)
            for user_id in USERS:
                assert sale.purchases_of(user_id) == model.purchases_of(user_id)

    @invariant()
    def whatever_was_decided_is_an_entry(self) -> None:
        for deciding in (self.written, self.ahead):
            if deciding is not None:
                draft = deciding.draft
                facts = deciding.model.facts[draft.base_position :]
                assert [_fact(entry, draft.decided_at_us) for entry in draft.entries] == facts

    @invariant()
    def what_was_once_told_is_told_for_ever(self) -> None:
        for (user_id, request_id), (quantity, outcome, purchase_id) in self.promised.items():
            again = replayed_answer(
                self.inventory, PurchaseCommand(user_id, request_id, quantity, is_retry=True)
            )
            assert isinstance(again, Answer)
            assert (again.outcome, again.replayed) == (outcome, True)
            if outcome in {Outcome.PURCHASED, Outcome.HELD}:
                assert again.purchase is not None
                assert again.purchase.purchase_id == purchase_id
            other = PurchaseCommand(user_id, request_id, quantity + 1)
            assert replayed_answer(self.inventory, other) == ReusedRequestId(quantity)

    @invariant()
    def a_replay_of_the_ledgers_text_rebuilds_the_inventory(self) -> None:
        replayed, digest = Inventory(), GENESIS_DIGEST
        for append in self.ledger:
            append.verify(last_position=replayed.last_position, digest=digest)
            assert append.recorded_at_us >= replayed.recorded_at_us, "time ran backwards"
            for entry in append.decoded():
                check_allowed(replayed, entry, append.recorded_at_us)
                replayed.apply([entry], append.recorded_at_us)
            digest = append.digest
        assert replayed == self.inventory

    # The machine's parts.

    def _sales(self) -> list[tuple[Inventory, Model]]:
        decided = [item for item in (self.written, self.ahead) if item is not None]
        return [(self.inventory, self.model), *((item.draft, item.model) for item in decided)]

    def _laid_over(self, written: Deciding | None) -> Deciding:
        if written is None:
            return Deciding(self.inventory, self.model, self.now_us)
        return Deciding(written.draft, written.model, self.now_us)

    def _decide(self, deciding: Deciding, asked: list[Asked], own_us: int) -> None:
        """Decide a batch on the draft, and by the model at the batch's own time."""
        commands = [_command_of(item, deciding.model) for item in asked]
        before = copy.deepcopy((self.inventory, self.written and self.written.draft))
        earlier_ids = len(self.minted)
        results = deciding.draft.decide(commands, self._mint)
        assert (self.inventory, self.written and self.written.draft) == before
        new_ids = iter(self.minted[earlier_ids:])
        recorded_at_us = deciding.draft.decided_at_us
        for command, result in zip(commands, results, strict=True):
            if isinstance(command, PurchaseCommand):
                new_id = next(new_ids) if _is_new_purchase(result) else ""
                expected = deciding.model.purchase(command, own_us, recorded_at_us, new_id)
                assert _told(result) == (
                    ReusedRequestId(expected) if isinstance(expected, int) else _told(expected)
                )
            elif isinstance(command, TransitionCommand):
                assert result == deciding.model.transition(command, own_us, recorded_at_us)
            else:
                assert result == deciding.model.change(command, recorded_at_us)
            if isinstance(command, UpdateCommand):
                # New terms hold from the draft's instant on, for the rest of the batch too.
                own_us = recorded_at_us
        assert next(new_ids, None) is None, "an id was minted for nothing"
        deciding.told += zip(commands, results, strict=True)

    def _land(self, deciding: Deciding) -> None:
        if deciding.draft.entries:
            self._append(deciding.draft.entries, deciding.draft.decided_at_us)
        self.model = deciding.model
        for command, result in deciding.told:
            if isinstance(command, PurchaseCommand) and isinstance(result, Answer):
                gets_units = result.outcome in {Outcome.PURCHASED, Outcome.HELD}
                if gets_units or result.replayed or command.is_retry:
                    purchase_id = ""
                    if gets_units and result.purchase:
                        purchase_id = result.purchase.purchase_id
                    promise = (command.quantity, result.outcome, purchase_id)
                    key = (command.user_id, command.request_id)
                    assert self.promised.setdefault(key, promise) == promise

    def _append(self, entries: list[Entry], recorded_at_us: int) -> None:
        last = self.ledger[-1] if self.ledger else None
        append = encoded(
            "sale",
            entries,
            last_position=last.last_position if last else 0,
            digest=last.digest if last else GENESIS_DIGEST,
            recorded_at_us=recorded_at_us,
            node="node",
        )
        self.ledger.append(append)
        self.inventory.apply(entries, recorded_at_us)

    def _mint(self) -> str:
        self.minted.append(f"p-{len(self.minted) + 1}")
        return self.minted[-1]


def _told(result: Decided) -> Decided:
    """What of an answer must be right; a replayed refusal may show the stock of then or of now."""
    if isinstance(result, Answer) and result.replayed:
        return Answer(result.outcome, True, result.purchase, result.starts_at_us)
    return result


def _is_new_purchase(result: Decided) -> bool:
    return (
        isinstance(result, Answer)
        and result.outcome in {Outcome.PURCHASED, Outcome.HELD}
        and not result.replayed
    )


def _command_of(asked: Asked, model: Model) -> Command:
    if not isinstance(asked, Wish):
        return asked
    purchases = model.purchases
    if not purchases:
        return asked.kind("ann", "p-0")
    purchase = purchases[asked.number % len(purchases)]
    return asked.kind(purchase.user_id if asked.is_mine else "eve", purchase.purchase_id)


def _expire(purchases: Iterable[Purchase], after_us: int, until_us: int) -> bool:
    """Whether the time of any of them ends in between."""
    expiries = [item.expires_at_us for item in purchases if item.expires_at_us is not None]
    return any(after_us < expiry <= until_us for expiry in expiries)


def _fact(entry: Entry, recorded_at_us: int) -> Fact:
    outcome = entry.detail.outcome if entry.detail and entry.detail.outcome else ""
    return Fact(
        entry.kind,
        recorded_at_us,
        entry.stock_change,
        entry.user_id,
        entry.request_id,
        entry.purchase_id,
        entry.quantity,
        entry.kind.upper() if entry.kind in MAKES else outcome,
        entry.detail.terms if entry.detail else None,
        entry.detail.expires_at_us if entry.detail else None,
    )


TestSaleMachine = SaleMachine.TestCase
TestSaleMachine.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)

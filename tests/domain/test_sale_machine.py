"""A sale under random commands, as a lane drives it, beside a model that keeps the rules in another
way.

The machine decides batches on drafts, lays drafts over drafts that are still being written, and
lets those land or be lost. After every step the rules must hold, and a replay of the ledger must
rebuild the inventory exactly.
"""

import copy
from dataclasses import dataclass, field

from flashsale_server.domain import (
    Answer,
    ChangeOutcome,
    Command,
    Draft,
    EndCommand,
    Entry,
    EntryDetail,
    EntryKind,
    Inventory,
    Outcome,
    PauseCommand,
    PurchaseCommand,
    RestockCommand,
    ResumeCommand,
    ReusedRequestId,
    SaleTerms,
    UpdateCommand,
)
from flashsale_server.ledger import GENESIS_DIGEST, Append, encoded
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

START_US = 1_000_000
USERS = st.sampled_from(["ann", "bob", "cid"])
REQUESTS = st.sampled_from(["r-1", "r-2", "r-3", "r-4"])
PURCHASES = st.builds(
    PurchaseCommand,
    user_id=USERS,
    request_id=REQUESTS,
    quantity=st.integers(1, 4),
    is_retry=st.booleans(),
)
TERMS = st.builds(
    SaleTerms,
    starts_at_us=st.integers(0, 3 * START_US),
    ends_at_us=st.none() | st.integers(0, 3 * START_US),
    per_user_limit=st.integers(1, 5),
)
CHANGES = st.one_of(
    st.just(PauseCommand()),
    st.just(ResumeCommand()),
    st.builds(RestockCommand, st.integers(-6, 6)),
    st.builds(UpdateCommand, TERMS),
)
COMMANDS = st.lists(st.one_of(PURCHASES, PURCHASES, PURCHASES, CHANGES), min_size=1, max_size=8)


@dataclass
class Model:
    """The rules of a sale, kept the slow and plain way: what was sold, and what was said."""

    terms: SaleTerms
    total: int
    sold: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: dict[tuple[str, str], tuple[Outcome, int]] = field(default_factory=dict)
    is_paused: bool = False
    has_ended: bool = False

    @property
    def available(self) -> int:
        return self.total - sum(self.sold.values())

    def notice(self, now_us: int) -> None:
        if self.terms.ends_at_us is not None and self.terms.ends_at_us <= now_us:
            self.has_ended = True

    def answer(self, command: PurchaseCommand, now_us: int) -> tuple[Outcome | None, bool]:
        """The outcome, None for a reused request id, and whether it was known before."""
        key = (command.user_id, command.request_id)
        if key in self.sold:
            return (Outcome.PURCHASED if self.sold[key] == command.quantity else None), True
        if key in self.refused:
            outcome, quantity = self.refused[key]
            return (outcome if quantity == command.quantity else None), True
        outcome = self._judged(command, now_us)
        if outcome is Outcome.PURCHASED:
            self.sold[key] = command.quantity
        elif command.is_retry:
            self.refused[key] = (outcome, command.quantity)
        return outcome, False

    def _judged(self, command: PurchaseCommand, now_us: int) -> Outcome:
        mine = sum(units for (user, _), units in self.sold.items() if user == command.user_id)
        checks = [
            (self.has_ended, Outcome.ENDED),
            (now_us < self.terms.starts_at_us, Outcome.NOT_STARTED),
            (self.is_paused, Outcome.PAUSED),
            (bool(mine) and self.terms.per_user_limit == 1, Outcome.ALREADY_PURCHASED),
            (mine + command.quantity > self.terms.per_user_limit, Outcome.USER_LIMIT_REACHED),
            (self.available == 0, Outcome.SOLD_OUT),
            (self.available < command.quantity, Outcome.INSUFFICIENT_STOCK),
        ]
        return next((outcome for fails, outcome in checks if fails), Outcome.PURCHASED)

    def change(self, command: Command, now_us: int) -> ChangeOutcome:
        if self.has_ended:
            is_end = isinstance(command, EndCommand)
            return ChangeOutcome.UNCHANGED if is_end else ChangeOutcome.SALE_ENDED
        before = (self.is_paused, self.has_ended, self.total, self.terms)
        match command:
            case PauseCommand():
                self.is_paused = True
            case ResumeCommand():
                self.is_paused = False
            case EndCommand():
                self.has_ended = True
            case RestockCommand(stock_change):
                if self.available + stock_change < 0:
                    return ChangeOutcome.NOT_ENOUGH_UNSOLD
                self.total += stock_change
            case UpdateCommand(terms):
                self.terms = terms
        changed = before != (self.is_paused, self.has_ended, self.total, self.terms)
        self.notice(now_us)
        return ChangeOutcome.CHANGED if changed else ChangeOutcome.UNCHANGED


class SaleMachine(RuleBasedStateMachine):
    """One sale, its ledger, an append that is being written, and what is decided ahead of it."""

    @initialize(stock=st.integers(0, 12), terms=TERMS)
    def open(self, stock: int, terms: SaleTerms) -> None:
        self.now_us = START_US
        self.minted = 0
        self.inventory = Inventory()
        self.ledger: list[Append] = []
        self.written: Draft | None = None
        self.ahead: Draft | None = None
        self.durable = self.model_written = self.model_ahead = Model(terms, stock)
        opened = Entry(EntryKind.OPENED.value, stock, detail=EntryDetail(terms))
        self._store([opened], START_US)
        self.inventory.apply([opened], START_US)

    @rule(seconds=st.integers(-2, 2))
    def move_the_clock(self, seconds: int) -> None:
        self.now_us = max(0, self.now_us + seconds * START_US // 2)

    @rule(commands=COMMANDS)
    def decide_a_batch(self, commands: list[Command]) -> None:
        before = copy.deepcopy((self.inventory.purchases_of("ann"), self.inventory.available_stock))
        if self.ahead is None:
            under = self.inventory if self.written is None else self.written
            self.ahead = Draft(under, self.now_us)
            self.model_ahead = copy.deepcopy(
                self.durable if self.written is None else self.model_written
            )
            self.model_ahead.notice(self.ahead.decided_at_us)
        if not self.ahead.admits(self.now_us):
            return
        results = self.ahead.decide(commands, self._mint)
        assert len(results) == len(commands)
        for command, result in zip(commands, results, strict=True):
            self._check(command, result, self.ahead.decided_at_us)
        after = (self.inventory.purchases_of("ann"), self.inventory.available_stock)
        assert after == before, "deciding changed the inventory"

    @precondition(lambda self: self.written is None)
    @rule()
    def end(self) -> None:
        self.decide_a_batch([EndCommand()])

    @precondition(lambda self: self.written is None and self.ahead is not None)
    @rule()
    def begin_to_write(self) -> None:
        self.written, self.ahead = self.ahead, None
        self.model_written = self.model_ahead

    @precondition(lambda self: self.written is not None)
    @rule()
    def land(self) -> None:
        assert self.written is not None
        if self.written.entries:
            self._store(self.written.entries, self.written.decided_at_us)
            self.inventory.apply(self.written.entries, self.written.decided_at_us)
        self.durable = self.model_written
        self.written = None
        if self.ahead is not None:
            self.ahead.settle_on(self.inventory)

    @precondition(lambda self: self.written is not None)
    @rule()
    def lose(self) -> None:
        self.written = self.ahead = None

    @invariant()
    def stock_adds_up(self) -> None:
        for sale in (self.inventory, self.written, self.ahead):
            if sale is not None:
                parts = (sale.available_stock, sale.held_stock, sale.sold_stock)
                assert sum(parts) == sale.total_stock
                assert min(parts) >= 0

    @invariant()
    def the_inventory_is_what_the_model_says(self) -> None:
        assert self.inventory.available_stock == self.durable.available
        assert self.inventory.total_stock == self.durable.total
        assert self.inventory.is_paused == self.durable.is_paused
        for user in ("ann", "bob", "cid"):
            mine = {item.request_id: item.quantity for item in self.inventory.purchases_of(user)}
            sold = {key[1]: units for key, units in self.durable.sold.items() if key[0] == user}
            assert mine == sold

    @invariant()
    def a_replay_rebuilds_the_inventory(self) -> None:
        replayed, digest = Inventory(), GENESIS_DIGEST
        for append in self.ledger:
            append.verify(last_position=replayed.last_position, digest=digest)
            assert append.recorded_at_us >= replayed.recorded_at_us, "time ran backwards"
            replayed.apply(append.decoded(), append.recorded_at_us)
            digest = append.digest
        assert replayed == self.inventory

    def _check(self, command: Command, result: object, now_us: int) -> None:
        if isinstance(command, PurchaseCommand):
            outcome, known = self.model_ahead.answer(command, now_us)
            if outcome is None:
                assert isinstance(result, ReusedRequestId)
                assert result.quantity != command.quantity
            else:
                assert isinstance(result, Answer)
                assert (result.outcome, result.replayed) == (outcome, known)
                if outcome is Outcome.PURCHASED:
                    assert result.purchase is not None
                    assert result.purchase.request_id == command.request_id
        else:
            assert result == self.model_ahead.change(command, now_us)

    def _store(self, entries: list[Entry], recorded_at_us: int) -> None:
        last = self.ledger[-1] if self.ledger else None
        self.ledger.append(
            encoded(
                "sale",
                entries,
                last_position=last.last_position if last else 0,
                digest=last.digest if last else GENESIS_DIGEST,
                recorded_at_us=recorded_at_us,
                node="node",
            )
        )

    def _mint(self) -> str:
        self.minted += 1
        return f"p-{self.minted}"


TestSaleMachine = SaleMachine.TestCase
TestSaleMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

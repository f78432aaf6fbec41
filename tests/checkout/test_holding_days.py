"""Rough days of sales that sell holds: two nodes, every change of the shop, holds that expire.

Whatever happens, the ledger keeps every rule, both nodes agree with it, and so does every answer.
"""

from collections.abc import Awaitable, Callable

import pytest
from flashsale_server.checkout import Call
from flashsale_server.domain import (
    Answer,
    CancelCommand,
    ChangeCommand,
    ChangeOutcome,
    ConfirmCommand,
    Entry,
    Inventory,
    Outcome,
    PauseCommand,
    ReleaseCommand,
    RestockCommand,
    ResumeCommand,
    SaleTerms,
    Transition,
    TransitionCommand,
    TransitionOutcome,
    UpdateCommand,
)
from flashsale_server.ledger import GENESIS_DIGEST, Ledger

from tests.checkout.rough_day import LIMIT, SALES, RoughDay, nobody
from tests.checkout.shops import settled
from tests.domain.allowed import check_allowed

TERMS = SaleTerms(per_user_limit=LIMIT, per_order_limit=2, hold_us=3_000_000)
WRITES = {ConfirmCommand: "confirmed", ReleaseCommand: "released", CancelCommand: "cancelled"}
OVER = {
    TransitionOutcome.HOLD_EXPIRED: "expired",
    TransitionOutcome.HOLD_RELEASED: "released",
    TransitionOutcome.PURCHASE_CONFIRMED: "confirmed",
    TransitionOutcome.PURCHASE_CANCELLED: "cancelled",
}


class HoldingDay(RoughDay):
    """A rough day on which units are held, and the shop interferes."""

    terms = TERMS

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.moved: list[tuple[str, TransitionCommand, Call]] = []
        self.changed: list[Call] = []

    def _deeds(self) -> dict[Callable[[int], Awaitable[None]], int]:
        return {**super()._deeds(), self._move_purchases: 25, self._change: 5}

    async def _move_purchases(self, number: int) -> None:
        """Confirm, release and cancel what anybody was told that they have."""
        told = [
            (asked.sale_id, asked.call.result.purchase)
            for asked in self.asked
            if isinstance(asked.call.result, Answer) and asked.call.result.purchase
        ]
        if not told:
            return
        kinds: list[type[TransitionCommand]] = [
            ConfirmCommand,
            ConfirmCommand,
            ReleaseCommand,
            CancelCommand,
        ]
        for _ in range(self.chance.randrange(1, 6)):
            sale_id, purchase = self.chance.choice(told[-30:])
            kind = self.chance.choice(kinds)
            command = kind(purchase.user_id, purchase.purchase_id)
            lane = await self.nodes[number].lane(sale_id)
            call = self.nodes[number]._admission.admit_command(lane, command, None)
            call.listen(nobody)
            self.moved.append((sale_id, command, call))

    async def _change(self, number: int) -> None:
        lane = await self._lane(number)
        changes: list[ChangeCommand] = [
            PauseCommand(),
            ResumeCommand(),
            ResumeCommand(),
            RestockCommand(self.chance.randrange(-5, 5)),
            RestockCommand(1, self.chance.choice([lane.inventory.revision, 1])),
            UpdateCommand(
                SaleTerms(hold_us=self.chance.choice([0, 1_000_000, 3_000_000])), ("hold_us",)
            ),
        ]
        command = self.chance.choice(changes)
        call = self.nodes[number]._admission.admit_command(lane, command, None)
        call.listen(nobody)
        self.changed.append(call)

    async def _calm(self) -> None:
        await super()._calm()
        await settled(*(call for _, _, call in self.moved), *self.changed)

    async def after_the_last_hold(self) -> None:
        """Move the clock on until every hold is over, and let each lane notice."""
        self.clock.move(60)
        for checkout in self.nodes:
            for sale_id in SALES:
                lane = await checkout.lane(sale_id)
                call = checkout.admit(lane, "the last")
                call.listen(nobody)
                await settled(call)


async def audited(ledger: Ledger, sale_id: str) -> tuple[Inventory, list[Entry]]:
    """The sale as its ledger has it, every entry allowed at its place, and the entries."""
    sale, digest = Inventory(), GENESIS_DIGEST
    entries: list[Entry] = []
    async for append in ledger.read(sale_id, 0):
        append.verify(last_position=sale.last_position, digest=digest)
        assert append.recorded_at_us >= sale.recorded_at_us
        digest = append.digest
        for entry in append.decoded():
            check_allowed(sale, entry, append.recorded_at_us)
            sale.apply([entry], append.recorded_at_us)
            entries.append(entry)
            parts = (sale.available_stock, sale.held_stock, sale.sold_stock)
            assert sum(parts) == sale.total_stock
            assert min(parts) >= 0
    return sale, entries


def check_moves(day: HoldingDay, sale_id: str, entries: list[Entry]) -> None:
    happened = {(entry.kind, entry.purchase_id) for entry in entries}
    for of_sale, command, call in day.moved:
        result = call.result
        if of_sale != sale_id or not isinstance(result, Transition):
            continue
        if result.outcome is TransitionOutcome.DONE:
            is_sold = isinstance(command, ConfirmCommand) and (
                ("purchased", command.purchase_id) in happened
            )
            assert is_sold or (WRITES[type(command)], command.purchase_id) in happened
        elif result.outcome is TransitionOutcome.PURCHASE_CONFIRMED:
            made = {("confirmed", command.purchase_id), ("purchased", command.purchase_id)}
            assert made & happened
        else:
            assert (OVER[result.outcome], command.purchase_id) in happened


def check_orders(day: HoldingDay, sale_id: str, entries: list[Entry]) -> None:
    made = {
        (entry.user_id, entry.request_id): entry
        for entry in entries
        if entry.kind in {"held", "purchased"}
    }
    for asked in day.asked:
        answer = asked.call.result
        if asked.sale_id != sale_id or not isinstance(answer, Answer):
            continue
        entry = made.get((asked.user_id, asked.request_id))
        if answer.outcome in {Outcome.HELD, Outcome.PURCHASED}:
            assert entry is not None
            assert entry.kind.upper() == answer.outcome
            assert answer.purchase is not None
            assert answer.purchase.purchase_id == entry.purchase_id
            assert answer.purchase.quantity == asked.quantity == entry.quantity


@pytest.mark.parametrize("seed", range(60))
async def test_the_ledger_the_nodes_and_the_answers_agree_on_holds(seed: int) -> None:
    day = HoldingDay(seed)
    await day.open()
    await day.live(300)
    for call in day.changed:
        assert isinstance(call.result, ChangeOutcome | Exception)
    await day.after_the_last_hold()
    for sale_id in SALES:
        sale, entries = await audited(day.ledgers[0].truth, sale_id)
        check_orders(day, sale_id, entries)
        check_moves(day, sale_id, entries)
        for checkout in day.nodes:
            lane = await checkout.lane(sale_id)
            assert lane.stopped is None
            await checkout.refresh(lane)
            assert lane.inventory == sale
        over = [item for item in entries if item.kind == "held" and item.user_id != "the last"]
        states = {sale.purchase(item.user_id, item.purchase_id) for item in over}
        assert not [item for item in states if item is None or item.state == "HELD"]
    await day.close()

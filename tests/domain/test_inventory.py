"""The inventory: it takes in what has happened and never judges it again."""

import pytest
from flashsale_server.domain import (
    Entry,
    EntryDetail,
    EntryKind,
    Inventory,
    Outcome,
    SaleState,
    SaleTerms,
    UnknownEntry,
)

from tests.domain.sales import opened


def bought(user_id: str, request_id: str, quantity: int = 1) -> Entry:
    return Entry("purchased", -quantity, user_id, f"p-{request_id}", request_id, quantity)


@pytest.mark.parametrize(
    "entries",
    [
        [bought("ann", "r-1", 5)],
        [bought("ann", "r-1"), bought("ann", "r-1")],
        [Entry("paused"), bought("ann", "r-1")],
        [Entry("ended"), bought("ann", "r-1")],
        [Entry("restocked", -9)],
        [Entry("refused", 0, "ann", "", "r-1", 1, 0, EntryDetail(outcome="SOLD_OUT"))],
    ],
    ids=["oversold", "twice", "while paused", "after the end", "below zero", "refused in stock"],
)
def test_what_the_ledger_holds_has_happened_whatever_the_rules_say(entries: list[Entry]) -> None:
    inventory = opened(1)
    inventory.apply(entries, 7)
    assert inventory.last_position == 1 + len(entries)
    assert inventory.available_stock == 1 + sum(entry.stock_change for entry in entries)
    parts = inventory.available_stock + inventory.held_stock + inventory.sold_stock
    assert parts == inventory.total_stock


def test_before_its_first_entry_a_sale_is_nothing_at_all() -> None:
    inventory = Inventory()
    assert inventory.terms == SaleTerms()
    assert (inventory.last_position, inventory.recorded_at_us) == (0, 0)
    stock = (inventory.available_stock, inventory.held_stock, inventory.sold_stock)
    assert (inventory.total_stock, stock) == (0, (0, 0, 0))
    assert (inventory.is_paused, inventory.has_ended) == (False, False)


def test_a_fence_takes_a_position_and_changes_nothing_else() -> None:
    fenced, twin = opened(), opened()
    fenced.apply([Entry(EntryKind.FENCED.value)], 0)
    assert fenced != twin
    twin.last_position = 2
    assert fenced == twin


def test_the_same_entries_make_the_same_inventory() -> None:
    one_by_one, at_once = opened(), opened()
    entries = [bought("ann", "r-1"), Entry("paused"), bought("bob", "r-2")]
    for entry in entries:
        one_by_one.apply([entry], 5)
    at_once.apply(entries, 5)
    assert one_by_one == at_once


def test_a_recorded_refusal_is_part_of_what_an_inventory_is() -> None:
    def refused(outcome: Outcome, quantity: int = 1) -> Inventory:
        inventory = opened()
        detail = EntryDetail(outcome=outcome.value)
        inventory.apply([Entry("refused", 0, "ann", "", "r", quantity, 0, detail)], 5)
        return inventory

    assert refused(Outcome.PAUSED) == refused(Outcome.PAUSED)
    assert refused(Outcome.PAUSED) != refused(Outcome.ENDED)
    assert refused(Outcome.PAUSED) != refused(Outcome.PAUSED, 2)


def test_an_inventory_is_nothing_else() -> None:
    assert opened() != object()


def test_an_unknown_kind_of_entry_stops_the_replay() -> None:
    inventory = opened()
    with pytest.raises(UnknownEntry, match="position 3: unknown kind of entry 'teleported'"):
        inventory.apply([bought("ann", "r-1"), Entry("teleported"), Entry("paused")], 0)
    assert not inventory.is_paused


@pytest.mark.parametrize("kind", ["held", "confirmed", "released", "expired", "cancelled"])
def test_what_happened_to_purchases_that_are_missing_is_not_guessed_at(kind: str) -> None:
    with pytest.raises(UnknownEntry, match=kind):
        opened().apply([Entry(kind, 1, "ann", "p")], 0)


@pytest.mark.parametrize("kind", ["opened", "updated"])
@pytest.mark.parametrize("detail", [None, EntryDetail()])
def test_terms_that_are_missing_are_not_guessed_at(kind: str, detail: EntryDetail | None) -> None:
    with pytest.raises(UnknownEntry, match="position 2: no terms"):
        opened().apply([Entry(kind, detail=detail)], 0)


@pytest.mark.parametrize("detail", [None, EntryDetail(), EntryDetail(outcome="TOO_TALL")])
def test_a_refusal_for_an_unknown_reason_is_not_guessed_at(detail: EntryDetail | None) -> None:
    with pytest.raises(UnknownEntry, match="position 2: a refusal"):
        opened().apply([Entry("refused", 0, "ann", "", "r", 1, 0, detail)], 0)


def test_the_states_of_a_sale_follow_its_clock_and_its_entries() -> None:
    inventory = opened(1, SaleTerms(starts_at_us=10, ends_at_us=20))
    assert inventory.state_at(9) is SaleState.UPCOMING
    assert inventory.state_at(10) is SaleState.LIVE
    assert inventory.state_at(25) is SaleState.LIVE  # until the end is written down
    inventory.apply([bought("ann", "r")], 11)
    assert inventory.state_at(11) is SaleState.SOLD_OUT
    inventory.apply([Entry("paused")], 12)
    assert inventory.state_at(12) is SaleState.PAUSED
    inventory.apply([Entry("ended")], 20)
    assert inventory.state_at(20) is SaleState.ENDED


def test_the_next_boundary_is_the_start_then_the_end_then_none() -> None:
    inventory = opened(1, SaleTerms(starts_at_us=10, ends_at_us=20))
    assert [inventory.next_boundary_us(at_us) for at_us in (9, 10, 19, 20)] == [10, 20, 20, None]
    inventory.apply([Entry("ended")], 5)
    assert inventory.next_boundary_us(5) is None


@pytest.mark.parametrize("outcome", ["PURCHASED", "HELD", "VANISHED"])
def test_a_refusal_must_be_one(outcome: str) -> None:
    refused = Entry("refused", 0, "ann", "", "r-1", 1, detail=EntryDetail(outcome=outcome))
    with pytest.raises(UnknownEntry):
        Inventory().apply([refused], 0)

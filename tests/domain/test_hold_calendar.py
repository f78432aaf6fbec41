"""The calendar of holds: what is over, what comes next."""

import pytest
from flashsale_server.domain import Purchase, PurchaseState
from flashsale_server.domain.hold_calendar import HoldCalendar
from hypothesis import given
from hypothesis import strategies as st


def kept(purchase_id: str, expires_at_us: int | None) -> Purchase:
    return Purchase(1, 0, "ann", purchase_id, "r", 1, PurchaseState.HELD, expires_at_us)


def calendar(*expiries_us: int) -> HoldCalendar:
    made = HoldCalendar()
    for number, expires_at_us in enumerate(expiries_us):
        made.add(kept(f"p-{number}", expires_at_us))
    return made


def test_an_empty_calendar_has_nothing_to_come() -> None:
    assert calendar().first_expiry_us(0) is None
    assert list(calendar().due(10**18)) == []


def test_a_hold_is_due_at_its_expiry_and_not_a_microsecond_before() -> None:
    assert list(calendar(50).due(49)) == []
    assert list(calendar(50).due(50)) == [("ann", "p-0")]


def test_the_earliest_hold_is_due_first_and_of_equals_the_one_that_was_added_first() -> None:
    due = calendar(70, 50, 90, 50).due(70)
    assert [purchase_id for _, purchase_id in due] == ["p-1", "p-3", "p-0"]


def test_the_next_expiry_is_strictly_later() -> None:
    times = calendar(50, 70)
    assert [times.first_expiry_us(after) for after in (0, 49, 50, 70)] == [50, 50, 70, None]


def test_a_hold_that_has_ended_is_neither_due_nor_to_come() -> None:
    times = calendar(50, 50)
    times.remove(kept("p-0", 50))
    assert list(times.due(50)) == [("ann", "p-1")]
    times.remove(kept("p-1", 50))
    assert times.first_expiry_us(0) is None


def test_what_is_no_hold_has_no_place_in_it() -> None:
    with pytest.raises(ValueError, match="no hold"):
        HoldCalendar().add(kept("p", None))


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=30), st.integers(0, 20))
def test_it_knows_what_a_plain_list_knows(holds: list[tuple[int, bool]], now_us: int) -> None:
    times = calendar(*(expiry for expiry, _ in holds))
    left = []
    for number, (expiry, is_ended) in enumerate(holds):
        if is_ended:
            times.remove(kept(f"p-{number}", expiry))
        else:
            left.append((expiry, f"p-{number}"))
    due = [
        purchase_id
        for expiry, purchase_id in sorted(left, key=lambda item: item[0])
        if expiry <= now_us
    ]
    assert [purchase_id for _, purchase_id in times.due(now_us)] == due
    later = [expiry for expiry, _ in left if expiry > now_us]
    assert times.first_expiry_us(now_us) == min(later, default=None)

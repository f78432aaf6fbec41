"""Which holds are due: all whose time is over for long enough, the earliest first, and no other."""

from flashsale_server.domain import Purchase, PurchaseState
from flashsale_server.domain.hold_calendar import GROUP_US, HoldCalendar
from hypothesis import given
from hypothesis import strategies as st

NEAR = st.integers(1, 30 * GROUP_US)
FAR = st.integers(1, 10**6 * GROUP_US)


def hold(number: int, expires_at_us: int) -> Purchase:
    return Purchase(
        number, 0, f"u-{number}", f"p-{number}", "r", 1, PurchaseState.HELD, expires_at_us
    )


@given(
    expiries=st.lists(st.one_of(NEAR, FAR), max_size=40),
    ended=st.sets(st.integers(0, 39)),
    now_us=st.one_of(NEAR, FAR),
)
def test_those_are_due_whose_group_is_over(
    expiries: list[int], ended: set[int], now_us: int
) -> None:
    calendar = HoldCalendar()
    holds = [hold(number, expires_at_us) for number, expires_at_us in enumerate(expiries)]
    for item in holds:
        calendar.add(item)
    for number in ended & set(range(len(holds))):
        calendar.remove(holds[number])
    left = [item for number, item in enumerate(holds) if number not in ended]
    over_at = {
        item.purchase_id: -(-(item.expires_at_us or 0) // GROUP_US) * GROUP_US for item in left
    }
    due = [purchase_id for _, purchase_id in calendar.due(now_us)]
    assert sorted(due) == sorted(key for key, at_us in over_at.items() if at_us <= now_us)
    assert [over_at[key] for key in due] == sorted(over_at[key] for key in due)
    assert calendar.next_due_us() == min(over_at.values(), default=None)

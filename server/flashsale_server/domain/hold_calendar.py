"""The holds of a sale by the time at which they expire, so that those to end are found at once.

Times are grouped by tenths of a second, and a whole group comes due together when the last of it
has expired. So a hold ends up to that much late, and never early.
"""

import heapq
from collections.abc import Iterator
from typing import Final

from flashsale_server.domain.outcomes import Purchase

GROUP_US: Final = 100_000
"""The span of time whose expiries come due together."""


class HoldCalendar:
    """Holds that nobody has ended yet."""

    __slots__ = ("_groups", "_order")

    def __init__(self) -> None:
        self._groups: dict[int, dict[str, str]] = {}
        self._order: list[int] = []  # a heap of the groups' numbers; some may have gone

    def add(self, hold: Purchase) -> None:
        """Note when a hold expires."""
        number = _group(hold)
        group = self._groups.get(number)
        if group is None:
            group = self._groups[number] = {}
            heapq.heappush(self._order, number)
        group[hold.purchase_id] = hold.user_id

    def remove(self, hold: Purchase) -> None:
        """Forget a hold that has ended."""
        number = _group(hold)
        group = self._groups[number]
        del group[hold.purchase_id]
        if not group:
            del self._groups[number]

    def next_due_us(self) -> int | None:
        """When the next holds come due, in microseconds since 1970 UTC; None for never."""
        while self._order and self._order[0] not in self._groups:
            heapq.heappop(self._order)
        return (self._order[0] + 1) * GROUP_US if self._order else None

    def due(self, now_us: int) -> Iterator[tuple[str, str]]:
        """The users and purchase ids of the holds that have come due, the earliest group first."""
        next_due_us = self.next_due_us()
        if next_due_us is None or now_us < next_due_us:
            return
        for number in sorted(self._groups):
            if now_us < (number + 1) * GROUP_US:
                return
            for purchase_id, user_id in self._groups[number].items():
                yield user_id, purchase_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HoldCalendar) and self._groups == other._groups

    __hash__ = None  # type: ignore[assignment]  # it changes


def _group(hold: Purchase) -> int:
    if hold.expires_at_us is None:
        raise ValueError(f"purchase {hold.purchase_id} is no hold")
    return (hold.expires_at_us - 1) // GROUP_US

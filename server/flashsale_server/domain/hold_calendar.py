"""The holds of a sale by the instant at which they expire, so that those to end are found at once.

Holds that one append has made expire together, so there are far fewer instants than holds.
"""

import bisect
from collections.abc import Iterator

from flashsale_server.domain.outcomes import Purchase


class HoldCalendar:
    """Holds that nobody has ended yet."""

    __slots__ = ("_holds_at", "_instants_us")

    def __init__(self) -> None:
        self._holds_at: dict[int, dict[str, str]] = {}
        self._instants_us: list[int] = []  # sorted; those that have holds

    def add(self, hold: Purchase) -> None:
        """Note when a hold expires."""
        expires_at_us = _expiry_of(hold)
        holds = self._holds_at.get(expires_at_us)
        if holds is None:
            holds = self._holds_at[expires_at_us] = {}
            bisect.insort(self._instants_us, expires_at_us)
        holds[hold.purchase_id] = hold.user_id

    def remove(self, hold: Purchase) -> None:
        """Forget a hold that has ended."""
        expires_at_us = _expiry_of(hold)
        holds = self._holds_at[expires_at_us]
        del holds[hold.purchase_id]
        if not holds:
            del self._holds_at[expires_at_us]
            del self._instants_us[bisect.bisect_left(self._instants_us, expires_at_us)]

    def __bool__(self) -> bool:
        return bool(self._instants_us)

    def first_expiry_us(self, after_us: int) -> int | None:
        """The first instant after `after_us`, in microseconds since 1970 UTC, with an expiry."""
        number = bisect.bisect_right(self._instants_us, after_us)
        return self._instants_us[number] if number < len(self._instants_us) else None

    def due(self, now_us: int) -> Iterator[tuple[str, str]]:
        """The users and purchase ids of the holds whose time is over, the earliest first."""
        for expires_at_us in self._instants_us:
            if expires_at_us > now_us:
                return
            for purchase_id, user_id in self._holds_at[expires_at_us].items():
                yield user_id, purchase_id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HoldCalendar) and self._holds_at == other._holds_at

    __hash__ = None  # type: ignore[assignment]  # it changes


def _expiry_of(hold: Purchase) -> int:
    if hold.expires_at_us is None:
        raise ValueError(f"purchase {hold.purchase_id} is no hold")
    return hold.expires_at_us

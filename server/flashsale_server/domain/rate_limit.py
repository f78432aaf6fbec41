"""The rate limit of users: at most so many charged attempts in any window of time.

A true sliding window: the instants of a user's attempts within the window are kept, never more than
the limit. Users without an attempt in the window are forgotten, so memory follows the users who are
active. Time comes in as an argument, in microseconds of a clock that never runs backwards.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

_FORGOTTEN_AT_ONCE: Final = 4
"""Charges that are forgotten for each new one, so that nobody waits for a whole crowd to be."""


class UserRateLimit:
    """Counts attempts by user.

    Args:
        limit: attempts that a user has in any window; 0 for no limit.
        window_us: the window's length in microseconds.
    """

    def __init__(self, limit: int, window_us: int = 60_000_000) -> None:
        self._limit = limit
        self._window_us = window_us
        # Tuples, because most users have one attempt, for which anything else is larger.
        self._attempts: dict[str, tuple[int, ...]] = {}
        # Who was charged when, oldest first: those to forget are in front.
        self._charges: deque[tuple[int, Sequence[str]]] = deque()

    @property
    def limit(self) -> int:
        """Attempts that a user has in any window; 0 for no limit."""
        return self._limit

    def charge(self, user_id: str, now_us: int) -> int:
        """Count an attempt of the user; return 0, or the microseconds until the next one is free.

        An attempt that is refused is not counted.
        """
        if not self._limit:
            return 0
        self._forget(now_us, _FORGOTTEN_AT_ONCE)
        attempts = self._attempts.get(user_id, ())
        if len(attempts) == self._limit:
            wait_us = attempts[0] + self._window_us - now_us
            if wait_us > 0:
                return wait_us
            attempts = attempts[1:]
        self._attempts[user_id] = (*attempts, now_us)
        self._charges.append((now_us, (user_id,)))
        return 0

    def charge_strangers(self, user_ids: Sequence[str], now_us: int) -> bool:
        """Count an attempt of each of these users, all different, if none has had one yet."""
        if not self._limit:
            return True
        self._forget(now_us, _FORGOTTEN_AT_ONCE)
        if not self._attempts.keys().isdisjoint(user_ids):
            return False
        self._attempts.update(dict.fromkeys(user_ids, (now_us,)))
        self._charges.append((now_us, user_ids))
        return True

    def active_users(self, now_us: int) -> int:
        """Users with an attempt in the window that ends now."""
        self._forget(now_us, len(self._charges))
        return len(self._attempts)

    def _forget(self, now_us: int, at_most: int) -> None:
        horizon_us = now_us - self._window_us
        charges = self._charges
        while charges and charges[0][0] <= horizon_us and at_most > 0:
            at_most -= 1
            for user_id in charges.popleft()[1]:
                if self._attempts.get(user_id, (now_us,))[-1] <= horizon_us:
                    del self._attempts[user_id]

"""The rate limit of users: at most so many charged attempts in any window of time.

A true sliding window: the instants of a user's attempts within the window are kept, never more than
the limit. Users without an attempt in the window are forgotten, so memory follows the users who are
active. Time comes in as an argument, in microseconds of a clock that never runs backwards.
"""

from collections import OrderedDict


class UserRateLimit:
    """Counts attempts by user.

    Args:
        limit: attempts that a user has in any window; 0 for no limit.
        window_us: the window's length in microseconds.
    """

    def __init__(self, limit: int, window_us: int = 60_000_000) -> None:
        self._limit = limit
        self._window_us = window_us
        # Ordered by a user's latest attempt, oldest first, so that those to forget are in front. A
        # plain dict would pass by all who were forgotten before, to find its first.
        # Tuples, because most users have one attempt, for which anything else is larger.
        self._attempts: OrderedDict[str, tuple[int, ...]] = OrderedDict()
        self._nobody_to_forget_until_us = 0

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
        if now_us >= self._nobody_to_forget_until_us:
            self._forget(now_us)
        attempts = self._attempts.get(user_id)
        if attempts is None:
            self._attempts[user_id] = (now_us,)
            return 0
        if len(attempts) == self._limit:
            wait_us = attempts[0] + self._window_us - now_us
            if wait_us > 0:
                return wait_us
            attempts = attempts[1:]
        self._attempts[user_id] = (*attempts, now_us)
        self._attempts.move_to_end(user_id)
        return 0

    def active_users(self, now_us: int) -> int:
        """Users with an attempt in the window that ends now."""
        self._forget(now_us)
        return len(self._attempts)

    def _forget(self, now_us: int) -> None:
        horizon_us = now_us - self._window_us
        while self._attempts:
            user_id, attempts = next(iter(self._attempts.items()))
            if attempts[-1] > horizon_us:
                # Later attempts of the same user can only put this off.
                self._nobody_to_forget_until_us = attempts[-1] + self._window_us
                return
            del self._attempts[user_id]

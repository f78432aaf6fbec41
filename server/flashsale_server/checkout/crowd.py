"""Crowds: many callers who come one by one, rather than in batches.

An append for each few of them would cost more than all the rest, and make everybody wait for it. So
a lane lets its batch fill up while a crowd keeps coming. Whoever is alone, or one of few, is never
delayed, nor are those who come in batches anyway.
"""

from typing import Final

CROWD: Final = 4
"""Arrivals between two appends, of one call each, that show that more are about to come."""

MEMORY_SECONDS: Final = 0.05
"""How long a crowd is expected to go on."""

BATCH_GATHER_SECONDS: Final = 0.004
"""How long a batch may fill up."""

GATHER_PAUSE_SECONDS: Final = 0.001
"""When no call has come for so long, no more are waited for."""


class Crowd:
    """Watches how callers come to one lane. Times are in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._arrivals = 0
        self._seen_at = float("-inf")

    def arrived(self) -> None:
        """Count an arrival: a call, or several that came together."""
        self._arrivals += 1

    def decided(self, calls: int, now: float) -> None:
        """Look back, when `calls` calls have been decided and are about to be committed."""
        if self._arrivals >= CROWD and calls < 2 * self._arrivals:
            self._seen_at = now
        else:
            self._seen_at = float("-inf")
        self._arrivals = 0

    def is_here(self, now: float) -> bool:
        """Whether there was a crowd at the last commit, and that was just now."""
        return now - self._seen_at < MEMORY_SECONDS

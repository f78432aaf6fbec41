"""Crowds: many callers who come one by one, rather than in batches.

An append for each few of them would cost more than all the rest, and make everybody wait for it. So
a lane lets its batch fill up while a crowd keeps coming. Whoever is alone is not delayed, unless a
crowd was here just before, and then once; nor are those who come in batches where nobody else does.
A few who come again and again look like a crowd until some batches were waited for and stayed
small; then nobody is waited for for a while, so they are hardly delayed.
"""

from collections import deque
from typing import Final

CROWD: Final = 4
"""Arrivals between two appends, of one call each, that show that more are about to come."""

MEMORY_SECONDS: Final = 0.05
"""How long a crowd is expected to go on."""

WORTHWHILE: Final = 10
"""Calls that a batch must have come to for the waiting to pay."""

IN_VAIN_MAX: Final = 8
"""Batches in a row that may be waited for in vain."""

GIVEN_UP_SECONDS: Final = 0.5
"""How long nobody is waited for then."""

BATCH_GATHER_SECONDS: Final = 0.008
"""How long a batch may fill up."""

GATHER_PAUSE_SECONDS: Final = 0.001
"""How long a pause is: after one in which no call has come, no more are waited for."""

PATIENCE_SECONDS: Final = 0.002
"""How long it is when it begins with less than half of those who came for a batch lately."""

LATELY: Final = 8
"""How many of the last batches tell how many come."""


class Crowd:
    """Watches how callers come to one lane. Times are in seconds of the monotonic clock."""

    def __init__(self, batch_size: int = WORTHWHILE) -> None:
        self._worthwhile = min(WORTHWHILE, batch_size)
        self._arrivals = 0
        self._seen_at = float("-inf")
        self._in_vain = 0
        self._came_lately: deque[int] = deque(maxlen=LATELY)
        self._given_up_until = float("-inf")

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
        """Whether to wait: there was a crowd at the last commit, just now, and it is worth it."""
        return now - self._seen_at < MEMORY_SECONDS and now >= self._given_up_until

    def pause_seconds(self, calls: int) -> float:
        """How long to wait for more when a batch has `calls`; if none come, it is complete."""
        most = max(self._came_lately, default=0)
        return PATIENCE_SECONDS if calls < most / 2 else GATHER_PAUSE_SECONDS

    def gathered(self, calls: int, now: float) -> None:
        """Look at how many calls a batch has while a crowd is here.

        How many came is told by the arrivals: a batch that came as one will not come in pauses.
        """
        self._came_lately.append(min(calls, self._arrivals))
        self._in_vain = 0 if calls >= self._worthwhile else self._in_vain + 1
        if self._in_vain >= IN_VAIN_MAX:
            self._in_vain = 0
            self._given_up_until = now + GIVEN_UP_SECONDS

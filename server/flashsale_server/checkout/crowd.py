"""Crowds: many callers who come one by one, rather than in batches.

An append for each few of them would cost more than all the rest, and make everybody wait for it. So
a lane lets its batch fill up while a crowd keeps coming. Whoever is alone, or one of few, is never
delayed, nor are those who come in batches anyway.
"""

from typing import Final

CROWD: Final = 4
"""Arrivals since the last append, of one call each, that show that more are about to come."""

GATHER_SECONDS: Final = 0.004
"""How long a batch may fill up."""

GATHER_PAUSE_SECONDS: Final = 0.001
"""When no call has come for so long, no more are waited for."""


class Crowd:
    """Watches how callers come to one lane.

    Attributes:
        is_here: whether there was a crowd before the last append.
    """

    def __init__(self) -> None:
        self.is_here = False
        self._arrivals = 0

    def arrived(self) -> None:
        """Count an arrival: a call, or several that came together."""
        self._arrivals += 1

    def appended(self, calls: int) -> None:
        """Look back, when `calls` calls have been decided and are about to be appended."""
        self.is_here = self._arrivals >= CROWD and calls < 2 * self._arrivals
        self._arrivals = 0

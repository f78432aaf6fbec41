"""The two clocks of the checkout: one that people share, and one that never runs backwards.

What is recorded or compared with a sale's start and end is read from the wall clock. Waiting, rate
limits and cooldowns are measured on the monotonic one. Tests bring clocks of their own.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Where the checkout reads the time."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed instant."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds of time.monotonic, as those of a caller's deadline."""
        return time.monotonic()

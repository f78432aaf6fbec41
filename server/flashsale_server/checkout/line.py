"""The line: the calls that this server has let in and not answered yet, of all lanes.

Whoever is in the line is answered sooner or later, so its length is what the server owes. It is
bounded: past the capacity nobody is let in. When the server drains, the line is what it waits for.
"""

import asyncio


class Line:
    """The calls on their way, all lanes together.

    Attributes:
        capacity: how many may be on their way at once.
        length: how many are.
        recent_peak: the most that were since it was last taken.
        is_closed: whether nobody is let in any more.
        lanes: how many lanes it is for.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.length = 0
        self.recent_peak = 0
        self._earlier_peak = 0
        self.is_closed = False
        self.lanes = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def share(self) -> int:
        """What each lane may have of it, if all wanted some; a lane alone may have it all."""
        return self.capacity // self.lanes if self.lanes > 1 else self.capacity + 1

    @property
    def length_peak(self) -> int:
        """The most calls that ever were on their way at once."""
        return max(self._earlier_peak, self.recent_peak)

    def take_recent_peak(self) -> int:
        """The most calls that were on their way at once since this was last asked."""
        peak = self.recent_peak
        self._earlier_peak = self.length_peak
        self.recent_peak = self.length
        return peak

    def enter(self, count: int = 1) -> None:
        """Let calls in."""
        if not self.length:
            self._empty.clear()
        self.length += count
        if self.length > self.recent_peak:  # noqa: PLR1730  # max() takes three times as long
            self.recent_peak = self.length

    def leave(self, count: int) -> None:
        """Let calls go that have their results."""
        self.length -= count
        if not self.length:
            self._empty.set()

    def close(self) -> None:
        """Let nobody in any more."""
        self.is_closed = True

    async def emptied(self) -> None:
        """Wait until everybody has been answered."""
        await self._empty.wait()

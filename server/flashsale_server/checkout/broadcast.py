"""A broadcast: tells everybody who waits that something has changed, without saying what.

Listeners look at the newest state themselves, so changes that come faster than they look are seen
as one.
"""

import asyncio
from typing import Self


class Broadcast:
    """Something whose changes are numbered.

    Args:
        part_of: a whole that changes whenever this does; it is told, too.

    Attributes:
        version: how often it has changed.
    """

    def __init__(self, part_of: Self | None = None) -> None:
        self.version = 0
        self._part_of = part_of
        self._changed: asyncio.Future[None] | None = None

    def changed(self) -> None:
        """Say that it has changed."""
        self.version += 1
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None
        if self._part_of is not None:
            self._part_of.changed()

    async def beyond(self, version: int, timeout_seconds: float) -> bool:
        """Wait until it has changed since `version`; return False when that took too long."""
        if self.version > version:
            return True
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        # One future serves everybody, so nobody's time-out may cancel it.
        await asyncio.wait((self._changed,), timeout=timeout_seconds)
        return self.version > version

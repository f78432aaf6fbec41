"""A broadcast: tells everybody who waits that something has changed, without saying what.

Listeners look at the newest state themselves, so changes that come faster than they look are seen
as one.
"""

import asyncio


class Broadcast:
    """Something whose changes are numbered.

    Attributes:
        version: how often it has changed.
    """

    def __init__(self) -> None:
        self.version = 0
        self._changed: asyncio.Future[None] | None = None

    def changed(self) -> None:
        """Say that it has changed."""
        self.version += 1
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    async def beyond(self, version: int, timeout_seconds: float) -> bool:
        """Wait until it has changed since `version`; return False when that took too long."""
        if self.version > version:
            return True
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        # One future serves everybody, so nobody's time-out may cancel it.
        await asyncio.wait((self._changed,), timeout=timeout_seconds)
        return self.version > version

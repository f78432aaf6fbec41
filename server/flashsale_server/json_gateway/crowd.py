"""The crowd at the HTTP door: how many connections there are, and from where.

No address may have more than half of them all, so that nobody can shut the others out alone.
"""

from collections import Counter


class Crowd:
    """Counts connections.

    Args:
        capacity: how many may be open at once.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._per_host = max(1, capacity // 2)
        self._open: Counter[str] = Counter()
        self._total = 0

    def has_let_in(self, host: str) -> bool:
        """Whether there was room for one more from this address; then it is counted."""
        if self._total >= self._capacity or self._open[host] >= self._per_host:
            return False
        self._total += 1
        self._open[host] += 1
        return True

    def leave(self, host: str) -> None:
        """Let one go that was let in."""
        self._total -= 1
        self._open[host] -= 1
        if not self._open[host]:
            del self._open[host]

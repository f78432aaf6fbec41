"""The circuit breaker around the ledger: stops asking what keeps failing.

Closed, it lets commits through and counts failures in a row. When there are too many it opens:
until the cooldown is over, nothing is let through. Then it lets one commit through, half open, and
that one closes or reopens it. What counts as a failure is the caller's to say; a lost race is none.
Time comes in as an argument, in seconds of a clock that never runs backwards.
"""

import enum


class CircuitState(enum.StrEnum):
    """Whether commits are let through."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class CircuitBreaker:
    """Counts failures in a row.

    Args:
        failures: how many in a row open it.
        cooldown_seconds: how long it stays open.
    """

    def __init__(self, failures: int, cooldown_seconds: float) -> None:
        self._failures = failures
        self._cooldown_seconds = cooldown_seconds
        self._failed_in_a_row = 0
        self._opened_at: float | None = None
        self._is_trying = False

    @property
    def failed_in_a_row(self) -> int:
        """Failures since the last success."""
        return self._failed_in_a_row

    def state_at(self, now: float) -> CircuitState:
        """The state; open turns half open when the cooldown is over."""
        if self._opened_at is None:
            return CircuitState.CLOSED
        is_cooling = now < self._opened_at + self._cooldown_seconds
        return CircuitState.OPEN if is_cooling else CircuitState.HALF_OPEN

    def wait_seconds(self, now: float) -> float:
        """How long to wait before asking again; 0 when a call may come in.

        While the one commit of the half-open state is under way its result is awaited: nobody knows
        for how long, so the answer is a second.
        """
        if self._opened_at is None:
            return 0.0
        if self._is_trying:
            return 1.0
        return max(0.0, self._opened_at + self._cooldown_seconds - now)

    def begin(self, now: float) -> bool:
        """Whether a commit may be tried now.

        One that may must end in `succeeded`, `failed` or `proved_nothing`.
        """
        if self._opened_at is None:
            return True
        if self._is_trying or self.wait_seconds(now) > 0:
            return False
        self._is_trying = True
        return True

    def succeeded(self) -> None:
        """A commit went through."""
        self._failed_in_a_row = 0
        self._opened_at = None
        self._is_trying = False

    def proved_nothing(self) -> None:
        """A commit ended without saying whether the ledger works."""
        self._is_trying = False

    def failed(self, now: float) -> bool:
        """A commit failed; return whether that opened the circuit, or opened it again."""
        self._failed_in_a_row += 1
        opens = self._is_trying or self._failed_in_a_row >= self._failures
        if opens:
            self._opened_at = now
        self._is_trying = False
        return opens

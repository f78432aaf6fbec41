"""The circuit breaker around the ledger: stops asking what keeps failing.

Closed, it lets commits through and counts failures in a row. When there are too many it opens:
until the cooldown is over, nothing is let through. Then it lets one commit through, half open, and
that one closes or reopens it. What counts as a failure is the caller's to say; a lost race is none.
Many lanes share one, with commits that a closed circuit let through still under way when it opens:
so whoever is let through gets a permit, and the end is told with it.

Time comes in as an argument, in seconds of a clock that never runs backwards.
"""

import enum


class CircuitState(enum.StrEnum):
    """Whether commits are let through."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


class Permit:
    """Leave to try one commit."""

    __slots__ = ()


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
        self._trial: Permit | None = None

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
        left = self._opened_at + self._cooldown_seconds - now
        if left > 0:
            return left
        return 0.0 if self._trial is None else 1.0

    def begin(self, now: float) -> Permit | None:
        """Leave to try a commit now; None when it may not be tried.

        One that may must end in `succeeded`, `failed` or `proved_nothing`.
        """
        if self.wait_seconds(now) > 0:
            return None
        permit = Permit()
        if self._opened_at is not None:
            self._trial = permit
        return permit

    def succeeded(self) -> None:
        """A commit went through, whichever: the ledger works."""
        self._failed_in_a_row = 0
        self._opened_at = None
        self._trial = None

    def proved_nothing(self, permit: Permit) -> None:
        """A commit ended without saying whether the ledger works."""
        self._is_end_of_trial(permit)

    def failed(self, now: float, permit: Permit | None = None) -> bool:
        """A commit failed, or a read, which needs no permit.

        Returns:
            Whether that opened the circuit, or opened it again.
        """
        self._failed_in_a_row += 1
        is_trial = self._is_end_of_trial(permit)
        opens = is_trial or self._failed_in_a_row >= self._failures
        if opens:
            self._opened_at = now
        return opens

    def _is_end_of_trial(self, permit: Permit | None) -> bool:
        if permit is None or permit is not self._trial:
            return False
        self._trial = None
        return True

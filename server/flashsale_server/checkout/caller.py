"""Who calls, and how long an answer is of use to them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The far end of one call, whichever door it came through.

    Attributes:
        deadline: the event loop's time after which nobody waits for the answer; None for no limit.
    """

    deadline: float | None = None

"""Who calls, and how long an answer is of use to them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The far end of one call, whichever door it came through.

    Attributes:
        deadline: the event loop's time after which nobody waits for the answer; None for no limit.
        user_id: the only user that the caller may act for; None for any.
    """

    deadline: float | None = None
    user_id: str | None = None

    def may_act_for(self, user_id: str) -> bool:
        """Whether the caller may act for a user."""
        return self.user_id is None or self.user_id == user_id

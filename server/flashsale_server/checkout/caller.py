"""Who calls, and how long an answer is of use to them."""

import time
from collections.abc import Callable, Mapping

import msgspec

from flashsale_server.checkout.tracing import CallSpan


class Caller(msgspec.Struct, frozen=True):
    """The far end of one call, whichever door it came through.

    Attributes:
        deadline: when nobody waits for the answer any more, in seconds of time.monotonic; None for
            never.
        user_id: the only user that the caller may act for; None for any.
        carried: the headers of a trace that came along; None where calls are not traced.
        span: where the call is drawn, if it is traced.
        begin_span: begins the span of one purchase of a stream, None where that one is not traced;
            None where none is.
    """

    deadline: float | None = None
    user_id: str | None = None
    carried: Mapping[str, str] | None = None
    span: CallSpan | None = None
    begin_span: Callable[[], CallSpan | None] | None = None

    def may_act_for(self, user_id: str) -> bool:
        """Whether the caller may act for a user."""
        return self.user_id is None or self.user_id == user_id


def deadline_in(seconds: float) -> float:
    """The deadline of a caller who waits for so long from now."""
    return time.monotonic() + seconds

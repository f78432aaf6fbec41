"""Who calls, and how long an answer is of use to them."""

from collections.abc import Callable, Mapping

import msgspec

from flashsale_server.checkout.tracing import CallSpan


class Caller(msgspec.Struct, frozen=True):
    """The far end of one call, whichever door it came through.

    Attributes:
        deadline: the event loop's time after which nobody waits for the answer; None for no limit.
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

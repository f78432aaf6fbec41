"""A call: one command on its way through the checkout, and those who wait for its result.

A call belongs to its lane, not to whoever made it. Several callers may wait for one call, because
copies of a request join the first of them; each may leave, and leaving cancels nothing. A call has
exactly one result: what was decided, or the fault that kept it from being answered.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from flashsale_server.checkout.faults import Fault
from flashsale_server.domain import Answer, ChangeOutcome, Command, Transition

if TYPE_CHECKING:
    from flashsale_server.checkout.tracing import CallSpan

CallResult = Answer | ChangeOutcome | Transition | Fault
CallKey = tuple[str, str]
Listener = Callable[["Call"], None]


class Call(msgspec.Struct, eq=False):
    """One command on its way.

    Attributes:
        sale_id: whose lane it takes.
        command: what is asked.
        key: what copies of a purchase request have in common; None for other commands.
        arrived_at: when it was read, in seconds of the monotonic clock.
        deadline: when nobody waits for it any more, on the same clock; None for never.
        is_abandoned: whether everybody who waited for it has left.
        is_decided: whether a decision about it may be on its way to the ledger.
        span: where it is drawn, if it is traced.
        result: what it came to; None while it is on its way.
    """

    sale_id: str
    command: Command
    arrived_at: float
    deadline: float | None
    key: CallKey | None = None
    is_abandoned: bool = False
    is_decided: bool = False
    result: CallResult | None = None
    span: "CallSpan | None" = None
    _listeners: tuple[Listener, ...] = ()

    @property
    def request_id(self) -> str:
        """The request id of a purchase, else ""."""
        return self.key[1] if self.key else ""

    def is_late(self, now: float) -> bool:
        """Whether its deadline has passed."""
        return self.deadline is not None and self.deadline <= now

    def listen(self, listener: Listener) -> None:
        """Have `listener` called once, when the result is there; at once if it is there already."""
        if self.result is not None:
            listener(self)
        else:
            self._listeners += (listener,)
            self.is_abandoned = False

    def leave(self, listener: Listener) -> None:
        """Do not call `listener` any more."""
        if listener in self._listeners:
            self._listeners = tuple(other for other in self._listeners if other != listener)
            self.is_abandoned = not self._listeners

    def extend_deadline(self, deadline: float | None) -> None:
        """Keep the call for a further caller, who waits until `deadline`."""
        if self.deadline is not None:
            self.deadline = None if deadline is None else max(self.deadline, deadline)

    def settle(self, result: CallResult) -> None:
        """Give the call its result and tell those who wait."""
        self.result = result
        listeners, self._listeners = self._listeners, ()
        for listener in listeners:
            listener(self)


async def result_of(call: Call) -> CallResult:
    """What a call comes to. Whoever is cancelled here leaves the call to go on."""
    while call.result is None:
        its_end = asyncio.get_running_loop().create_future()

        def told(_: Call, its_end: "asyncio.Future[None]" = its_end) -> None:
            if not its_end.done():
                its_end.set_result(None)

        call.listen(told)
        try:
            await its_end
        finally:
            call.leave(told)
    return call.result


async def all_settled(calls: Iterable[Call]) -> None:
    """Wait until every call has its result. Whoever is cancelled here leaves the calls to go on."""
    waiting = [call for call in calls if call.result is None]
    if not waiting:
        return
    everything = asyncio.get_running_loop().create_future()
    left = len(waiting)

    def told(_: Call) -> None:
        nonlocal left
        left -= 1
        if not left and not everything.done():
            everything.set_result(None)

    listeners = (told,)
    for call in waiting:
        call._listeners += listeners  # noqa: SLF001  # `listen`, in half the time
        call.is_abandoned = False
    try:
        await everything
    finally:
        if left:
            for call in waiting:
                call.leave(told)

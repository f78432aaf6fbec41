"""The queue of a lane: calls in order of arrival, from the moment they are let in to their result.

A call enters once and leaves once. In between it may go out to be decided and come back to the
front, where it keeps its place before everybody who came later.
"""

from collections import deque
from collections.abc import Callable, Iterable

from flashsale_server.checkout.call import Call, CallResult
from flashsale_server.checkout.clock import Clock
from flashsale_server.checkout.faults import DeadlineExceeded, Fault
from flashsale_server.checkout.line import Line
from flashsale_server.checkout.meters import Meters
from flashsale_server.domain import PurchaseCommand


class CallQueue:
    """The calls of one lane; those that are out to be decided are not counted in its length."""

    def __init__(self, line: Line, meters: Meters, clock: Clock) -> None:
        self._line = line
        self._meters = meters
        self._clock = clock
        self._waiting: deque[Call] = deque()
        self._copies: dict[tuple[str, str], Call] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def copy_of(self, user_id: str, request_id: str) -> Call | None:
        """The call without a result yet that has this user's request id, if there is one."""
        return self._copies.get((user_id, request_id))

    def enter(self, call: Call) -> None:
        """Let a call in, behind everybody else."""
        self._line.enter()
        self._waiting.append(call)
        if isinstance(call.command, PurchaseCommand):
            self._copies[call.command.user_id, call.command.request_id] = call

    def take(self, count: int) -> list[Call]:
        """The next calls, in order, without those that nobody waits for any more."""
        calls: list[Call] = []
        now = self._clock.monotonic()
        while self._waiting and len(calls) < count:
            call = self._waiting.popleft()
            if call.is_late(now) or call.is_abandoned:
                self.settle(call, DeadlineExceeded())
            else:
                calls.append(call)
        return calls

    def put_back(self, calls: Iterable[Call]) -> None:
        """Put calls that were not decided after all in front, in their order."""
        waiting = [call for call in calls if call.result is None]
        for call in waiting:
            call.is_decided = False
        self._waiting.extendleft(reversed(waiting))

    def settle(self, call: Call, result: CallResult, now: float | None = None) -> None:
        """Give a call its result, unless it has one already, and let it go.

        `now` saves a look at the clock to whoever settles many calls at once.
        """
        if call.result is not None:
            return
        command = call.command
        if isinstance(command, PurchaseCommand):
            key = (command.user_id, command.request_id)
            if self._copies.get(key) is call:
                del self._copies[key]
        self._line.leave()
        self._meters.answered(result, (now or self._clock.monotonic()) - call.arrived_at)
        call.settle(result)

    def settle_all(self, fault: Callable[[], Fault]) -> None:
        """Give everybody who waits a fault."""
        while self._waiting:
            self.settle(self._waiting.popleft(), fault())

    def settle_late(self, out: Iterable[Call], unknown: Callable[[Call], Fault]) -> None:
        """Tell those whose deadline has passed: of those who are `out`, nothing is known."""
        now = self._clock.monotonic()
        for call in out:
            if call.is_late(now):
                self.settle(call, unknown(call))
        late = [call for call in self._waiting if call.is_late(now)]
        for call in late:
            self.settle(call, DeadlineExceeded())
        if late:
            self._waiting = deque(call for call in self._waiting if call.result is None)

"""The queue of a lane: calls in order of arrival, from the moment they are let in to their result.

A call enters once and leaves once. In between it may go out to be decided and come back to the
front, where it keeps its place before everybody who came later.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from flashsale_server.checkout.call import Call, CallKey, CallResult
from flashsale_server.checkout.clock import Clock
from flashsale_server.checkout.faults import DeadlineExceeded, Fault
from flashsale_server.checkout.line import Line
from flashsale_server.checkout.meters import Meters


class CallQueue:
    """The calls of one lane; those that are out to be decided are not counted in its length.

    Attributes:
        copy_of: returns the call without a result yet that has a user and request id, if any.
    """

    def __init__(self, line: Line, meters: Meters, clock: Clock) -> None:
        self._line = line
        self._meters = meters
        self._clock = clock
        self._waiting: deque[Call] = deque()
        self._copies: dict[CallKey | None, Call] = {}
        self.copy_of: Callable[[CallKey | None], Call | None] = self._copies.get
        self._woken = asyncio.Event()
        self._enough = 1

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, call: Call) -> None:
        """Let a call in, behind everybody else."""
        self._line.enter()
        self._waiting.append(call)
        if call.key is not None:
            self._copies[call.key] = call

    def enter_all(self, calls: Sequence[Call], keys: Sequence[CallKey]) -> None:
        """Let calls in that came together and have no copies here; `keys` are their keys."""
        self._line.enter(len(calls))
        self._waiting.extend(calls)
        self._copies.update(zip(keys, calls, strict=True))

    def has_none_of(self, keys: Iterable[CallKey]) -> bool:
        """Whether no call without a result yet has one of these keys."""
        return self._copies.keys().isdisjoint(keys)

    def wake(self) -> None:
        """Wake who waits with `until`, if so many calls are here now."""
        if len(self._waiting) >= self._enough:
            self._woken.set()

    def wake_anyway(self) -> None:
        """Wake who waits with `until`."""
        self._woken.set()

    async def until(self, count: int, timeout_seconds: float | None = None) -> None:
        """Wait until so many calls are here, or the time is over, or until woken anyway."""
        if len(self._waiting) >= count:
            return
        self._enough = count
        self._woken.clear()
        timer = None
        if timeout_seconds is not None:
            timer = asyncio.get_running_loop().call_later(timeout_seconds, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            if timer is not None:
                timer.cancel()

    def take(self, count: int) -> list[Call]:
        """The next calls, in order, without those that nobody waits for any more."""
        calls: list[Call] = []
        now = self._clock.monotonic()
        while self._waiting and len(calls) < count:
            taken = min(count - len(calls), len(self._waiting))
            next_calls = [self._waiting.popleft() for _ in range(taken)]
            for call in next_calls:
                if call.is_abandoned or (call.deadline is not None and call.deadline <= now):
                    self.settle(call, DeadlineExceeded())
            calls += [call for call in next_calls if call.result is None]
        return calls

    def put_back(self, calls: Iterable[Call]) -> None:
        """Put calls that were not decided after all in front, in their order."""
        waiting = [call for call in calls if call.result is None]
        for call in waiting:
            call.is_decided = False
        self._waiting.extendleft(reversed(waiting))

    def settle(self, call: Call, result: CallResult) -> None:
        """Give a call its result, unless it has one already, and let it go."""
        if call.result is None:
            self.settle_all([call], [result])

    def settle_all(self, calls: Sequence[Call], results: Sequence[CallResult]) -> None:
        """Give calls without a result theirs, and let them go."""
        self._meters.answered_all(calls, results, self._clock.monotonic())
        left = 0
        try:
            for call, result in zip(calls, results, strict=True):
                left += 1
                newest = self._copies.pop(call.key, call)
                if newest is not call:  # a retry that takes its own turn behind this call
                    self._copies[call.key] = newest
                call.settle(result)
        finally:
            self._line.leave(left)

    def refuse_all(self, fault: Callable[[], Fault]) -> None:
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

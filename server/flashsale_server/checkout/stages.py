"""The stages of a lane: where its calls are on their way, and how they leave it without a decision.

A call waits in the queue, is decided ahead with others, and is in flight while their entries are
being written. When something goes wrong it goes back to the queue, to be decided again in order of
arrival, or gets a fault. Of a call in flight that is let go nothing is known, so that is what it is
told; of any other it is known that nothing was bought.
"""

from collections.abc import Callable, Iterator

from flashsale_server.checkout.call import Call
from flashsale_server.checkout.call_queue import CallQueue
from flashsale_server.checkout.faults import Fault, LedgerRefused, OutcomeUnknown
from flashsale_server.checkout.pending import Pending
from flashsale_server.domain import PurchaseCommand


class Stages:
    """The calls of one lane that have no result yet.

    Attributes:
        queue: those that wait, in order of arrival.
        ahead: those that are decided, with what they came to; None when none are.
        in_flight: those whose entries are being written; None when none are.
    """

    def __init__(self, queue: CallQueue) -> None:
        self.queue = queue
        self.ahead: Pending | None = None
        self.in_flight: Pending | None = None

    @property
    def length(self) -> int:
        """How many calls are on their way."""
        return len(self.queue) + sum(call.result is None for call in self._out_of_queue())

    def take_off(self) -> Pending | None:
        """Put what is decided ahead in flight."""
        self.in_flight, self.ahead = self.ahead, None
        return self.in_flight

    def put_back(self, pending: Pending) -> None:
        """Have calls in flight, and all that was decided on top of them, decided again."""
        self._put_back_ahead()
        self.queue.put_back(pending.calls)

    def fail(self, pending: Pending, *, nothing_was_written: bool) -> None:
        """Tell those in flight who had entries to write; the others are decided again."""
        self.in_flight = None
        self._put_back_ahead()
        writers, others = pending.parted()
        self.queue.put_back(others)
        for call in writers:
            self.queue.settle(call, LedgerRefused() if nothing_was_written else unknown(call))

    def refuse_all(self, fault: Callable[[], Fault]) -> None:
        """Answer all that is not in flight."""
        self._put_back_ahead()
        self.queue.refuse_all(fault)

    def abandon(self, fault: Callable[[], Fault]) -> None:
        """Answer everybody."""
        if self.in_flight is not None:
            self.fail(self.in_flight, nothing_was_written=False)
        self.refuse_all(fault)

    def settle_late(self) -> None:
        """Tell those whose deadline has passed, wherever they are."""
        self.queue.settle_late(self._out_of_queue(), unknown)

    def _put_back_ahead(self) -> None:
        if self.ahead is not None:
            self.queue.put_back(self.ahead.calls)
            self.ahead = None

    def _out_of_queue(self) -> Iterator[Call]:
        for pending in (self.in_flight, self.ahead):
            if pending is not None:
                yield from pending.calls


def not_recorded(call: Call) -> Fault:
    """What can be said of a call that wrote nothing: of a retry's earlier copies, nothing."""
    command = call.command
    is_retry = isinstance(command, PurchaseCommand) and command.is_retry
    return unknown(call) if is_retry else LedgerRefused()


def unknown(call: Call) -> OutcomeUnknown:
    """What can be said of a call whose entries may be in the ledger."""
    return OutcomeUnknown(call.request_id)

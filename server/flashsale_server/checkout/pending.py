"""What is pending: batches decided on one draft, to be appended and answered together."""

from collections.abc import Iterator, Sequence

from flashsale_server.checkout.call import Call, CallResult
from flashsale_server.checkout.faults import RequestIdReused
from flashsale_server.domain import (
    ChangeOutcome,
    Decided,
    Draft,
    Inventory,
    Mint,
    PurchaseCommand,
    ReusedRequestId,
    TransitionCommand,
)


class Pending:
    """Decided batches that are not durable yet.

    Attributes:
        draft: the sale as it will be, with the entries to append.
        calls: the calls that were decided, in order of arrival.
        deciding_from, decided_at: when the first decision began, and when the last was taken, in
            seconds of the monotonic clock; None, and 0, where they are not timed.
        appending_from: when the entries were handed to the ledger; None while they are not.
    """

    __slots__ = (
        "_capacity",
        "_results",
        "appending_from",
        "calls",
        "decided_at",
        "deciding_from",
        "draft",
    )

    def __init__(self, under: Inventory, now_us: int, capacity: int) -> None:
        self.draft = Draft(under, now_us)
        self.calls: list[Call] = []
        self.deciding_from: float | None = None
        self.decided_at = 0.0
        self.appending_from: float | None = None
        self._results: list[Decided] = []
        self._capacity = capacity

    def admits(self, now_us: int) -> bool:
        """Whether a batch of `now_us` may still join."""
        return self.room > 0 and self.draft.admits(now_us)

    @property
    def room(self) -> int:
        """How many more decisions the append can carry."""
        return self._capacity - len(self.calls)

    def decide(self, calls: Sequence[Call], mint: Mint) -> None:
        """Decide a batch; nothing of it may be told to anybody yet."""
        results = self.draft.decide([call.command for call in calls], mint)
        self._results += results
        self.calls += calls
        for call in calls:
            call.is_decided = True

    def decided_between(self, began: float, ended: float) -> None:
        """Note when a batch was decided."""
        if self.deciding_from is None:
            self.deciding_from = began
        self.decided_at = ended

    def results(self) -> Iterator[tuple[Call, Decided]]:
        """Every call with what was decided."""
        return zip(self.calls, self._results, strict=True)

    def unanswered(self) -> tuple[list[Call], list[CallResult]]:
        """The calls without a result yet, and each one's."""
        calls, results = self.calls, self._results
        if [call.result for call in calls].count(None) < len(calls):
            open_calls = [pair for pair in self.results() if pair[0].result is None]
            calls, results = [call for call, _ in open_calls], [result for _, result in open_calls]
        return calls, [
            RequestIdReused(call.request_id, result.quantity)
            if isinstance(result, ReusedRequestId)
            else result
            for call, result in zip(calls, results, strict=True)
        ]

    def parted(self) -> tuple[list[Call], list[Call]]:
        """The calls that have an entry in the draft, and those that wrote nothing."""
        entries = self.draft.entries
        requests = {(entry.user_id, entry.request_id) for entry in entries}
        purchases = {(entry.user_id, entry.purchase_id) for entry in entries}
        writers: list[Call] = []
        others: list[Call] = []
        for call, result in self.results():
            command = call.command
            if isinstance(command, PurchaseCommand):
                wrote = (command.user_id, command.request_id) in requests
            elif isinstance(command, TransitionCommand):
                wrote = (command.user_id, command.purchase_id) in purchases
            else:
                wrote = result is ChangeOutcome.CHANGED
            (writers if wrote else others).append(call)
        return writers, others

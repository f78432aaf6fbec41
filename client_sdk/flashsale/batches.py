"""Batches: purchases without a result, the message that carries many, and what its answer says.

Of these there are many, so the plainest, which is nearly all of them, is no message of its own: it
travels as two strings in the columns of its batch.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from flashsale.errors import (
    SAYS_NOTHING_OF_EARLIER_TRIES,
    DeadlineExceeded,
    FlashSaleError,
    OutcomeUnknown,
)
from flashsale.results import OUTCOMES, Outcome, Purchase, PurchaseResult, PurchaseState, instant_at
from flashsale.v1 import flash_sale_pb2 as pb

BATCH_BYTES_MAX: Final = 1024 * 1024
# So long may the strings of a plain purchase be altogether: a thousand fit into any batch.
PLAIN_LENGTH_MAX: Final = 1_000
# A batch of fewer gains nothing by columns, and rows can be read by whoever looks at a call.
COLUMNS_FROM: Final = 16
# Who has at least this part of a call's time does not say how much: gRPC rounds by as much.
CALLS_LIMIT_GOES_FOR: Final = 0.99


class Asked:
    """A purchase that was asked for and has no result yet.

    Attributes:
        message: the request, where it is not plain. Plain is what fits into columns: one
            unit, in ASCII, not too long, no repetition.
        tried: tries that have ended.
        error: what the last of them came to.
        deadline: when its time is over, by the event loop's clock; set by who carries it.
        future: what the caller waits for, done as well when the caller has left; likewise.
    """

    __slots__ = (
        "deadline",
        "error",
        "future",
        "message",
        "request_id",
        "sale_id",
        "tried",
        "user_id",
    )

    deadline: float
    future: "asyncio.Future[PurchaseResult]"

    def __init__(
        self,
        user_id: str,
        request_id: str,
        sale_id: str,
        message: pb.PurchaseRequest | None = None,
    ) -> None:
        self.user_id = user_id
        self.request_id = request_id
        self.sale_id = sale_id
        self.message = message
        self.tried = 0
        self.error: FlashSaleError | None = None

    def add_to(self, batch: pb.BatchPurchaseRequest) -> None:
        """Add the request as a row."""
        if self.message is not None:
            batch.requests.append(self.message)
            return
        row = batch.requests.add()  # in a third of the time that a message and its copy take
        row.user_id = self.user_id
        row.quantity = 1
        row.request_id = self.request_id
        row.sale_id = self.sale_id

    def repeat_unknown(self) -> None:
        """Make all further tries say that the fate of an earlier one is unknown."""
        if self.message is None:
            alone = pb.BatchPurchaseRequest()
            self.add_to(alone)
            self.message = alone.requests[0]
        self.message.retry = True

    def size_bytes(self) -> int:
        """How large the request is in a batch, within a few bytes."""
        if self.message is not None:
            return self.message.ByteSize()
        return len(self.user_id) + len(self.request_id) + len(self.sale_id) + 16

    def tell(self, result: PurchaseResult) -> None:
        """Give the caller the result, unless they have left."""
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: FlashSaleError, *, is_sent: bool) -> None:
        """Tell the caller, unless they have left; `is_sent` while a try is under way.

        Once the fate is unknown it stays unknown.
        """
        if self.future.done():
            return
        is_unknown = is_sent or (self.message is not None and self.message.retry)
        says_nothing_of_it = isinstance(error, SAYS_NOTHING_OF_EARLIER_TRIES)
        if is_unknown and says_nothing_of_it and not isinstance(error, OutcomeUnknown):
            error = OutcomeUnknown(
                error.message,
                request_id=self.request_id,
                retry_after_seconds=error.retry_after_seconds,
            )
        self.future.set_exception(error)

    def time_out(self, *, is_sent: bool) -> None:
        """Tell the caller that their time is over."""
        last = f"; the last try said: {self.error}" if self.error else ""
        error = DeadlineExceeded(f"the deadline passed{last}", request_id=self.request_id)
        self.fail(error, is_sent=is_sent)


def count_that_fits(batch: Sequence[Asked]) -> int:
    """How many of the first purchases one message may carry: at least one."""
    if _are_plain(batch):
        return len(batch)
    size = 0
    for count, asked in enumerate(batch):
        size += asked.size_bytes()
        if size > BATCH_BYTES_MAX and count:
            return count  # what is too large for any call must not take its neighbours along
    return len(batch)


def message_of(batch: Sequence[Asked], limits: Sequence[float]) -> pb.BatchPurchaseRequest:
    """What is asked for, and how many seconds each may take if the call may take much longer."""
    needs_limits = min(limits) < max(limits) * CALLS_LIMIT_GOES_FOR
    if len(batch) >= COLUMNS_FROM and not needs_limits and _fit_columns(batch):
        columns = pb.PurchaseColumns(
            user_ids=[asked.user_id for asked in batch],
            request_ids=[asked.request_id for asked in batch],
        )
        return pb.BatchPurchaseRequest(sale_id=batch[0].sale_id, columns=columns)
    message = pb.BatchPurchaseRequest()
    for asked in batch:
        asked.add_to(message)
    if needs_limits:
        for item, limit in zip(message.requests, limits, strict=True):
            item.timeout.FromNanoseconds(int(limit * 1e9) or 1)  # none at all would be malformed
    return message


def results_of(batch: Sequence[Asked], columns: pb.ResultColumns) -> list[PurchaseResult | None]:
    """The results that columns hold, in the batch's order; None where they hold none.

    Raises:
        ValueError, OverflowError: they do not fit together, or a time is none.
    """
    numbers, times_us = list(columns.outcomes), list(columns.create_times_us)
    sizes = {len(columns.purchase_ids), len(columns.positions), len(times_us)}
    if sizes != {numbers.count(pb.OUTCOME_PURCHASED)}:
        raise ValueError("there are not as many purchases as there should be")
    instants = {time_us: instant_at(0, time_us * 1000) for time_us in set(times_us)}
    bought = zip(columns.purchase_ids, columns.positions, times_us, strict=True)
    # Enums are slow to look up, and a named tuple's own `new` takes twice the time of a tuple's.
    purchased, confirmed, new = Outcome.PURCHASED, PurchaseState.CONFIRMED, tuple.__new__
    unrecognized = Outcome.UNRECOGNIZED
    results: list[PurchaseResult | None] = []
    for asked, number in zip(batch, numbers, strict=True):
        user_id, request_id, sale_id = asked.user_id, asked.request_id, asked.sale_id
        outcome = OUTCOMES.get(number, unrecognized)
        purchase = None
        if outcome is purchased:
            purchase_id, position, time_us = next(bought)
            instant = instants[time_us]
            one = (purchase_id, sale_id, user_id, request_id, 1, confirmed, position, instant, None)
            purchase = new(Purchase, one)
        result = (outcome, request_id, sale_id, False, purchase, None, None)
        results.append(new(PurchaseResult, result) if number else None)
    return results


def _are_plain(batch: Sequence[Asked]) -> bool:
    return [asked.message for asked in batch].count(None) == len(batch)


def _fit_columns(batch: Sequence[Asked]) -> bool:
    return _are_plain(batch) and len({asked.sale_id for asked in batch}) == 1

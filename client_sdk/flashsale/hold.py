"""Hold: AsyncHold, for ordinary code."""

from types import TracebackType
from typing import Self

from flashsale.async_hold import AsyncHold
from flashsale.errors import ClientClosed
from flashsale.loop_thread import LoopThread
from flashsale.results import Purchase, PurchaseResult


class Hold:
    """Units that are kept for a user, from entering to leaving; see AsyncHold, and Client.hold."""

    def __init__(self, hold: AsyncHold, thread: LoopThread) -> None:
        self._hold = hold
        self._thread = thread

    @property
    def result(self) -> PurchaseResult:
        """What trying to buy came to; see AsyncHold.result."""
        return self._hold.result

    @property
    def purchase(self) -> Purchase | None:
        """The hold as it was last heard of; None where trying to buy was refused."""
        return self._hold.purchase

    @property
    def is_held(self) -> bool:
        """Whether the units are the user's; see AsyncHold.is_held."""
        return self._hold.is_held

    def confirm(self, *, timeout: float | None = None) -> Purchase:
        """Make the hold a purchase; see AsyncHold.confirm."""
        return self._thread.result(self._hold.confirm(timeout=timeout))

    def release(self, *, timeout: float | None = None) -> Purchase:
        """Give the units back before leaving; see AsyncHold.release."""
        return self._thread.result(self._hold.release(timeout=timeout))

    def __enter__(self) -> Self:
        self._thread.result(self._hold.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._thread.result(self._hold.__aexit__(kind, error, trace))
        except ClientClosed as closed:
            if error is None:
                raise
            error.add_note(f"The hold could not be given back: {closed}")

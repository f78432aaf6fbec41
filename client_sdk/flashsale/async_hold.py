"""AsyncHold: units that are kept for a user while a body of code runs."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from flashsale.errors import FlashSaleError, OutcomeUnknown, PreconditionFailed
from flashsale.results import Outcome, Purchase, PurchaseResult, PurchaseState

RELEASE_SECONDS: Final = 5.0
"""So long whoever leaves waits for the units to be given back; a hold expires by itself then."""

_OVER: Final = (PurchaseState.RELEASED, PurchaseState.CANCELLED)

_Value = TypeVar("_Value")

# The event loop itself does not keep a task alive.
_giving_back: set["asyncio.Task[Any]"] = set()


class AsyncHold:
    """Units of a sale that are kept for a user, from entering to leaving; see AsyncClient.hold.

    Entering tries to buy. A refusal raises nothing: `is_held` is False, and `result` says why. The
    body confirms what it has found good. Whoever leaves without having confirmed gives the units
    back: by an exception, by a cancellation, and by simply reaching the end, so that a hold which
    was forgotten is not in the way of others. Giving back hides no exception and takes at most
    RELEASE_SECONDS; if it fails, the hold expires by itself.

    A hold of which it is not known whether it was confirmed is not given back: ask again with
    `client.confirm(hold.purchase)`, or let it expire.

    In a sale without holds a purchase is final at once: there is nothing to confirm or give back.

    Raises on entering:
        FlashSaleError: as AsyncClient.purchase.
    Raises on leaving:
        FlashSaleError: the units could not be given back; only where nothing else is raised.
    """

    def __init__(
        self,
        buy: Callable[[], Coroutine[Any, Any, PurchaseResult]],
        confirm: Callable[..., Coroutine[Any, Any, Purchase]],
        release: Callable[..., Coroutine[Any, Any, Purchase]],
    ) -> None:
        self._buy = buy
        self._confirm = confirm
        self._release = release
        self._result: PurchaseResult | None = None
        self._purchase: Purchase | None = None
        self._may_be_confirmed = False

    @property
    def result(self) -> PurchaseResult:
        """What trying to buy came to.

        Raises:
            RuntimeError: the hold was not entered.
        """
        if self._result is None:
            raise RuntimeError("a hold has a result after it was entered: async with client.hold()")
        return self._result

    @property
    def purchase(self) -> Purchase | None:
        """The hold as it was last heard of; None where trying to buy was refused."""
        return self._purchase

    @property
    def is_held(self) -> bool:
        """Whether the units are the user's, for now or for good, as far as was heard.

        The clock is not asked: `result.purchase.hold_expire_time` says until when.
        """
        return self._purchase is not None and self._purchase.state not in _OVER

    async def confirm(self, *, timeout: float | None = None) -> Purchase:
        """Make the hold a purchase, and return it.

        Raises:
            PreconditionFailed: nothing is held.
            FlashSaleError: as AsyncClient.confirm.
        """
        self._may_be_confirmed = True
        try:
            self._purchase = await self._confirm(self._held(), timeout=timeout)
        except OutcomeUnknown:
            raise
        except FlashSaleError:
            self._may_be_confirmed = False
            raise
        return self._purchase

    async def release(self, *, timeout: float | None = None) -> Purchase:
        """Give the units back before leaving, and return what was the hold.

        Raises:
            PreconditionFailed: nothing is held.
            FlashSaleError: as AsyncClient.release.
        """
        self._purchase = await self._release(self._held(), timeout=timeout)
        return self._purchase

    async def __aenter__(self) -> Self:
        buying = _kept(self._buy())
        try:
            self._result = await asyncio.shield(buying)
        except asyncio.CancelledError:
            # What is bought from here on is nobody's: it is given back as soon as it is known.
            await asyncio.shield(_kept(self._give_back_unseen(buying)))
            raise
        if self._result.is_bought:
            self._purchase = self._result.purchase
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        held = self._purchase
        if held is None or held.state is not PurchaseState.HELD or self._may_be_confirmed:
            return
        try:
            # Shielded, so that a second cancellation does not stop what the first has begun.
            release = self._release(held, timeout=RELEASE_SECONDS)
            self._purchase = await asyncio.shield(_kept(release))
        except PreconditionFailed:
            pass  # the hold is over in another way, which is what leaving is about
        except FlashSaleError as failed:
            if error is None:
                raise
            error.add_note(f"The hold {held.purchase_id} could not be given back: {failed}")

    def _held(self) -> Purchase:
        if self._purchase is None:
            raise PreconditionFailed(f"nothing is held: {self.result.outcome}")
        return self._purchase

    async def _give_back_unseen(self, buying: "asyncio.Task[PurchaseResult]") -> None:
        """Give back what a purchase may still come to, whose caller has left."""
        await asyncio.wait((buying,), timeout=RELEASE_SECONDS)
        if not buying.done() or buying.cancelled() or buying.exception() is not None:
            buying.cancel()
            return
        result = buying.result()
        if result.outcome is Outcome.HELD and result.purchase is not None:
            with contextlib.suppress(FlashSaleError):  # it expires by itself
                await self._release(result.purchase, timeout=RELEASE_SECONDS)


def _kept(work: Coroutine[Any, Any, _Value]) -> "asyncio.Task[_Value]":
    """A task that goes on when nobody waits for it any more, and whose error is no news then."""
    task = asyncio.ensure_future(work)
    _giving_back.add(task)
    task.add_done_callback(_over)
    return task


def _over(task: "asyncio.Task[Any]") -> None:
    _giving_back.discard(task)
    if not task.cancelled():
        task.exception()

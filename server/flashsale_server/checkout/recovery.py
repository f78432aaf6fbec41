"""Recovery: what makes the end of a ledger certain again after something has put it in doubt.

Nobody is answered while the end is in doubt. A lost race leaves entries of others to be read. An
append of unknown fate must be fenced off as well: the ledger is read to its end, and a `fenced`
entry takes the next position, so that the lost append cannot land any more.
"""

from collections.abc import Awaitable, Callable

from flashsale_server.checkout.clock import Clock
from flashsale_server.checkout.replica import Replica
from flashsale_server.domain import CircuitBreaker, CircuitState, Draft, Permit
from flashsale_server.ledger import Ledger, PositionConflict


class Recovery:
    """Knows whether one lane's ledger is in doubt, and ends the doubt.

    Args:
        catch_up: brings the replica to the end of the ledger, and tells who watches.
    """

    def __init__(
        self,
        replica: Replica,
        ledger: Ledger,
        breaker: CircuitBreaker,
        clock: Clock,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._replica = replica
        self._ledger = ledger
        self._breaker = breaker
        self._clock = clock
        self._catch_up = catch_up
        self._must_read = False
        self._must_fence = False

    def doubt(self, *, is_unknown: bool = False) -> None:
        """Note that the ledger has more than was read, or may get what was lost."""
        self._must_read = True
        self._must_fence = self._must_fence or is_unknown

    @property
    def is_needed(self) -> bool:
        """Whether the ledger is in doubt, or nothing has been written since the circuit opened."""
        is_closed = self._breaker.state_at(self._clock.monotonic()) is CircuitState.CLOSED
        return self._must_read or not is_closed

    async def recover(self, permit: Permit) -> None:
        """End the doubt, with the breaker's leave.

        A circuit that is not closed is closed by a fence, so that it takes no purchase to try it.

        Raises:
            AppendRejected, AppendUnknown: the fence could not be written.
            LedgerUnavailable: the ledger could not be read now.
            LedgerDamaged, LedgerTooNew: it must not be sold from.
        """
        is_closed = self._breaker.state_at(self._clock.monotonic()) is CircuitState.CLOSED
        self._must_fence = self._must_fence or not is_closed
        await self._catch_up()
        if not self._must_fence:
            self._breaker.proved_nothing(permit)
        while self._must_fence:
            await self._fence()
        self._must_read = False

    async def _fence(self) -> None:
        draft = Draft(self._replica.inventory, self._clock.now_us())
        draft.fence()
        append = self._replica.append_of(draft.entries, draft.decided_at_us)
        try:
            await self._ledger.append(append)
        except PositionConflict:
            # The lost append has landed, or another node was quicker. Either way it must be read.
            await self._catch_up()
            return
        await self._replica.appended(append, draft)
        self._breaker.succeeded()
        self._must_fence = False

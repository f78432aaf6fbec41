"""Retries: when a call is tried again, and how long to wait before.

Only UNAVAILABLE is retried. The server's word on how long to wait is obeyed; beyond it waits grow
from try to try, each drawn at random up to its bound, so that a crowd that was turned away together
does not come back together. There is one deadline for everything: a wait that would end after it is
not begun.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from flashsale.errors import FlashSaleError, Unavailable


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how soon.

    Attributes:
        attempts: tries altogether, the first included; 1 for none again.
        first_seconds: the bound of the wait before the second try.
        longest_seconds: no bound grows beyond this.
        chance: draws from 0 to 1.
    """

    attempts: int = 5
    first_seconds: float = 0.05
    longest_seconds: float = 2.0
    chance: Callable[[], float] = random.random

    def wait_seconds(
        self,
        error: FlashSaleError,
        tried: int,
        left_seconds: float,
        drawn: float | None = None,
    ) -> float | None:
        """How long to wait after the try number `tried` ended with `error`; None to give up.

        Who failed together, and is to be tried again together, shares what was `drawn` by chance.
        """
        if not isinstance(error, Unavailable) or tried >= self.attempts:
            return None
        bound: float = min(self.longest_seconds, self.first_seconds * 2.0 ** (tried - 1))
        wait = (error.retry_after_seconds or 0.0) + bound * (
            self.chance() if drawn is None else drawn
        )
        return wait if wait < left_seconds else None

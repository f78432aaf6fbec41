"""What a decision can say, and the values that say it.

A refusal is a value like any other answer. Nothing in this file is an error of the server; how an
answer looks on the wire is decided elsewhere.
"""

import enum

import msgspec


class Outcome(enum.StrEnum):
    """What a purchase request came to. The values are what `refused` entries store."""

    PURCHASED = "PURCHASED"
    HELD = "HELD"
    SOLD_OUT = "SOLD_OUT"
    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"
    ALREADY_PURCHASED = "ALREADY_PURCHASED"
    USER_LIMIT_REACHED = "USER_LIMIT_REACHED"
    NOT_STARTED = "NOT_STARTED"
    PAUSED = "PAUSED"
    ENDED = "ENDED"

    __hash__ = str.__hash__  # an Enum's own takes as long as a call of a function


class SaleState(enum.StrEnum):
    """Where a sale is in its life."""

    UPCOMING = "UPCOMING"
    LIVE = "LIVE"
    PAUSED = "PAUSED"
    SOLD_OUT = "SOLD_OUT"
    ENDED = "ENDED"


class PurchaseState(enum.StrEnum):
    """Where a purchase is in its life."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"
    CANCELLED = "CANCELLED"


class Purchase(msgspec.Struct, frozen=True, gc=False):
    """Units of a sale that belong to a user.

    Attributes:
        position: its position in the sale's ledger; of two purchases, the lower was first.
        recorded_at_us: when it was decided, in microseconds since 1970 UTC.
        quantity: units.
    """

    position: int
    recorded_at_us: int
    user_id: str
    purchase_id: str
    request_id: str
    quantity: int
    state: PurchaseState = PurchaseState.CONFIRMED

    @property
    def counts(self) -> bool:
        """Whether its units count against the user's limit."""
        return self.state is PurchaseState.CONFIRMED or self.state is PurchaseState.HELD


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What a purchase request came to.

    Attributes:
        outcome: what was decided.
        replayed: whether an earlier copy of the request was decided so.
        purchase: the purchase as it is now: for PURCHASED, HELD and ALREADY_PURCHASED.
        starts_at_us: when the sale opens: for NOT_STARTED.
        available_stock: units available at the answer: for INSUFFICIENT_STOCK.
    """

    outcome: Outcome
    replayed: bool = False
    purchase: Purchase | None = None
    starts_at_us: int | None = None
    available_stock: int | None = None


class ReusedRequestId(msgspec.Struct, frozen=True, gc=False):
    """Not an answer: the request id was used before, for `quantity` units instead."""

    quantity: int


class ChangeOutcome(enum.StrEnum):
    """What a shop's change to a sale came to."""

    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    SALE_ENDED = "SALE_ENDED"
    NOT_ENOUGH_UNSOLD = "NOT_ENOUGH_UNSOLD"

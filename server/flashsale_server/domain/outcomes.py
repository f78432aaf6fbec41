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
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class Purchase(msgspec.Struct, frozen=True, gc=False):
    """Units of a sale that belong to a user.

    Attributes:
        position: its position in the sale's ledger; of two purchases, the lower was first.
        recorded_at_us: when it was decided, in microseconds since 1970 UTC.
        quantity: units.
        expires_at_us: until when a hold keeps the units, in microseconds since 1970 UTC; None for
            what was bought without a hold.
    """

    position: int
    recorded_at_us: int
    user_id: str
    purchase_id: str
    request_id: str
    quantity: int
    state: PurchaseState = PurchaseState.CONFIRMED
    expires_at_us: int | None = None

    @property
    def first_outcome(self) -> Outcome:
        """What the request that made it was answered."""
        return Outcome.PURCHASED if self.expires_at_us is None else Outcome.HELD

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
    ETAG_MISMATCH = "ETAG_MISMATCH"
    NOT_ENOUGH_UNSOLD = "NOT_ENOUGH_UNSOLD"
    TOO_MUCH_STOCK = "TOO_MUCH_STOCK"
    ENDS_BEFORE_START = "ENDS_BEFORE_START"


class TransitionOutcome(enum.StrEnum):
    """What a change of a single purchase came to. All but DONE are refusals."""

    DONE = "DONE"
    NOT_FOUND = "NOT_FOUND"
    HOLD_EXPIRED = "HOLD_EXPIRED"
    HOLD_RELEASED = "HOLD_RELEASED"
    PURCHASE_CONFIRMED = "PURCHASE_CONFIRMED"
    PURCHASE_CANCELLED = "PURCHASE_CANCELLED"


class Transition(msgspec.Struct, frozen=True):
    """What confirming, releasing or cancelling a purchase came to.

    Attributes:
        purchase: the purchase as it is now; None when there is none.
    """

    outcome: TransitionOutcome
    purchase: Purchase | None

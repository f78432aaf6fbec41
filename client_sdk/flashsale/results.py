"""What the SDK returns: frozen values, made from the contract's messages.

Of purchases and their results there are many, so they are named tuples, made in a third of the time
that a frozen dataclass takes. Times are datetimes in UTC, spans are timedeltas. An enum value that
this version does not know is UNRECOGNIZED, so that an older client goes on to work with a newer
server.
"""

import enum
import functools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from google.protobuf.timestamp_pb2 import Timestamp

from flashsale.errors import FlashSaleError
from flashsale.v1 import flash_sale_pb2 as pb

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Outcome(enum.StrEnum):
    """What a purchase request came to. Everything but PURCHASED and HELD is a refusal."""

    PURCHASED = "PURCHASED"
    HELD = "HELD"
    SOLD_OUT = "SOLD_OUT"
    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"
    ALREADY_PURCHASED = "ALREADY_PURCHASED"
    USER_LIMIT_REACHED = "USER_LIMIT_REACHED"
    NOT_STARTED = "NOT_STARTED"
    PAUSED = "PAUSED"
    ENDED = "ENDED"
    UNRECOGNIZED = "UNRECOGNIZED"


class SaleState(enum.StrEnum):
    """Where a sale is in its life."""

    UPCOMING = "UPCOMING"
    LIVE = "LIVE"
    PAUSED = "PAUSED"
    SOLD_OUT = "SOLD_OUT"
    ENDED = "ENDED"
    UNRECOGNIZED = "UNRECOGNIZED"


class PurchaseState(enum.StrEnum):
    """Where a purchase is in its life."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"
    CANCELLED = "CANCELLED"
    UNRECOGNIZED = "UNRECOGNIZED"


class SystemHealth(enum.StrEnum):
    """How a server process is."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNHEALTHY = "UNHEALTHY"
    UNRECOGNIZED = "UNRECOGNIZED"


class CircuitState(enum.StrEnum):
    """Whether the circuit breaker around the ledger lets commits through."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"
    UNRECOGNIZED = "UNRECOGNIZED"


OUTCOMES = {pb.Outcome.Value(f"OUTCOME_{item}"): item for item in list(Outcome)[:-1]}
SALE_STATES = {pb.SaleState.Value(f"SALE_STATE_{item}"): item for item in list(SaleState)[:-1]}
_PURCHASE_STATES = {
    pb.PurchaseState.Value(f"PURCHASE_STATE_{item}"): item for item in list(PurchaseState)[:-1]
}
_HEALTH = {pb.SystemHealth.Value(f"SYSTEM_HEALTH_{item}"): item for item in list(SystemHealth)[:-1]}
CIRCUITS = {
    pb.CircuitState.Value(f"CIRCUIT_STATE_{item}"): item for item in list(CircuitState)[:-1]
}


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase to try, for the calls that take many.

    Attributes:
        user_id: who buys.
        quantity: units.
        request_id: makes it safe to repeat; made up when None.
        sale_id: the sale; the client's own when None.
    """

    user_id: str
    quantity: int = 1
    request_id: str | None = None
    sale_id: str | None = None


class Purchase(NamedTuple):
    """Units of a sale that belong to a user.

    Attributes:
        position: its position in the sale's ledger; of two purchases, the lower was first.
        create_time: when it was decided.
        hold_expire_time: until when a hold keeps the units; None where there is no hold.
    """

    purchase_id: str
    sale_id: str
    user_id: str
    request_id: str
    quantity: int
    state: PurchaseState
    position: int
    create_time: datetime
    hold_expire_time: datetime | None

    @staticmethod
    def of(message: pb.Purchase) -> "Purchase":
        """The purchase that a message describes."""
        return Purchase(
            message.purchase_id,
            message.sale_id,
            message.user_id,
            message.request_id,
            message.quantity,
            _PURCHASE_STATES.get(message.state) or PurchaseState.UNRECOGNIZED,
            message.position,
            instant_of(message.create_time),
            instant_of(message.hold_expire_time) if message.HasField("hold_expire_time") else None,
        )


class PurchaseResult(NamedTuple):
    """What a purchase request came to.

    Attributes:
        outcome: what was decided.
        request_id: the request's id, as given or as made up.
        replayed: whether this repeats the answer to an earlier copy of the request.
        purchase: the purchase as it is now: for PURCHASED, HELD and ALREADY_PURCHASED.
        start_time: when the sale opens: for NOT_STARTED.
        available_stock: units available at the answer: for INSUFFICIENT_STOCK.
    """

    outcome: Outcome
    request_id: str
    sale_id: str
    replayed: bool
    purchase: Purchase | None
    start_time: datetime | None
    available_stock: int | None

    @property
    def is_bought(self) -> bool:
        """Whether the units are the user's, for good or for a while."""
        return self.outcome is Outcome.PURCHASED or self.outcome is Outcome.HELD

    @staticmethod
    def of(message: pb.PurchaseResponse) -> "PurchaseResult":
        """The result that a message describes."""
        outcome = message.outcome
        return PurchaseResult(
            OUTCOMES.get(outcome) or Outcome.UNRECOGNIZED,
            message.request_id,
            message.sale_id,
            message.replayed,
            Purchase.of(message.purchase) if message.HasField("purchase") else None,
            instant_of(message.start_time) if message.HasField("start_time") else None,
            message.available_stock if outcome == pb.OUTCOME_INSUFFICIENT_STOCK else None,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """One order's answer among many: a result, or the error that kept it from one."""

    request_id: str
    result: PurchaseResult | None
    error: FlashSaleError | None


@dataclass(frozen=True, slots=True)
class UserPurchases:
    """What a user has bought in a sale.

    Attributes:
        purchased: whether the user has any units, held or sold.
        purchases: all purchases, oldest first, whatever became of them.
    """

    purchased: bool
    purchases: tuple[Purchase, ...]

    @classmethod
    def of(cls, message: pb.GetPurchaseResponse) -> Self:
        """The purchases that a message describes."""
        return cls(message.purchased, tuple(Purchase.of(item) for item in message.purchases))


@dataclass(frozen=True, slots=True)
class SaleStatus:
    """The state of a sale; stock is in units.

    Attributes:
        queue_length: calls of this sale on their way, on the server that answered.
        position: the last position in the sale's ledger that this rests on.
        server_time: the server's clock when it answered.
        paused: whether the shop has paused it, also before its start, when it is UPCOMING.
    """

    sale_id: str
    title: str
    state: SaleState
    total_stock: int
    available_stock: int
    held_stock: int
    sold_stock: int
    sold_out: bool
    start_time: datetime | None
    end_time: datetime | None
    per_user_limit: int
    hold_duration: timedelta | None
    queue_length: int
    system_health: SystemHealth
    position: int
    server_time: datetime
    paused: bool = False

    @classmethod
    def of(cls, message: pb.StatusResponse) -> Self:
        """The state that a message describes."""
        has_holds = message.HasField("hold_duration")
        return cls(
            sale_id=message.sale_id,
            title=message.title,
            state=SALE_STATES.get(message.state, SaleState.UNRECOGNIZED),
            total_stock=message.total_stock,
            available_stock=message.available_stock,
            held_stock=message.held_stock,
            sold_stock=message.sold_stock,
            sold_out=message.sold_out,
            start_time=instant_of(message.start_time) if message.HasField("start_time") else None,
            end_time=instant_of(message.end_time) if message.HasField("end_time") else None,
            per_user_limit=message.per_user_limit,
            hold_duration=message.hold_duration.ToTimedelta() if has_holds else None,
            queue_length=message.queue_length,
            system_health=_HEALTH.get(message.system_health, SystemHealth.UNRECOGNIZED),
            position=message.position,
            server_time=instant_of(message.server_time),
            paused=message.paused,
        )


@dataclass(frozen=True, slots=True)
class Health:
    """How a server process is, and why it is not better."""

    health: SystemHealth
    reasons: tuple[str, ...]
    node: str
    version: str
    uptime: timedelta
    circuit_state: CircuitState
    queue_length: int
    queue_capacity: int
    memory_bytes: int
    ledger: str
    draining: bool

    @classmethod
    def of(cls, message: pb.HealthResponse) -> Self:
        """The health that a message describes."""
        return cls(
            health=_HEALTH.get(message.health, SystemHealth.UNRECOGNIZED),
            reasons=tuple(message.reasons),
            node=message.node,
            version=message.version,
            uptime=message.uptime.ToTimedelta(),
            circuit_state=CIRCUITS.get(message.circuit_state, CircuitState.UNRECOGNIZED),
            queue_length=message.queue_length,
            queue_capacity=message.queue_capacity,
            memory_bytes=message.memory_bytes,
            ledger=message.ledger,
            draining=message.draining,
        )


def instant_of(timestamp: Timestamp) -> datetime:
    """The time that a message gives."""
    return instant_at(timestamp.seconds, timestamp.nanos)


# Purchases that were recorded together were so at one instant, which is made once.
@functools.lru_cache(maxsize=64)
def instant_at(seconds: int, nanos: int) -> datetime:
    """So long after the beginning of 1970."""
    return _EPOCH + timedelta(0, seconds, nanos // 1000)

"""What the shop is shown: sales, and the entries of their ledgers, as frozen values."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from flashsale.results import OUTCOMES, SALE_STATES, Outcome, SaleState, instant_of
from flashsale.v1 import sale_admin_pb2 as pb


class EntryKind(enum.StrEnum):
    """What an entry of a ledger says happened; see EntryKind in the contract."""

    OPENED = "OPENED"
    PURCHASED = "PURCHASED"
    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    ENDED = "ENDED"
    RESTOCKED = "RESTOCKED"
    UPDATED = "UPDATED"
    REFUSED = "REFUSED"
    FENCED = "FENCED"
    UNRECOGNIZED = "UNRECOGNIZED"


_KINDS = {pb.EntryKind.Value(f"ENTRY_KIND_{item}"): item for item in list(EntryKind)[:-1]}


class Unchanged(enum.Enum):
    """The type of UNCHANGED."""

    UNCHANGED = "UNCHANGED"


UNCHANGED = Unchanged.UNCHANGED
"""Stands for what an update leaves as it is, where None would take it away."""


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """What the shop fixes about a sale, beside its stock.

    Attributes:
        end_time: when the sale ends; None when it has no end.
        per_user_limit: units that one user may have, held and sold together.
        per_order_limit: units that one order may ask for; None when only per_user_limit counts.
        hold_duration: how long a hold lasts; None when purchases are final at once.
    """

    title: str
    start_time: datetime
    end_time: datetime | None
    per_user_limit: int
    per_order_limit: int | None
    hold_duration: timedelta | None

    @classmethod
    def of(cls, message: pb.SaleTerms | pb.Sale) -> Self:
        """The terms that a message describes."""
        has_holds = message.HasField("hold_duration")
        return cls(
            title=message.title,
            start_time=instant_of(message.start_time),
            end_time=instant_of(message.end_time) if message.HasField("end_time") else None,
            per_user_limit=message.per_user_limit,
            per_order_limit=message.per_order_limit or None,
            hold_duration=message.hold_duration.ToTimedelta() if has_holds else None,
        )


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale as the shop sees it; stock is in units.

    Attributes:
        terms: what the shop has fixed about it.
        position: the last position in the sale's ledger that this rests on.
        etag: names the sale as the shop has last changed it; purchases do not change it.
        create_time: when the sale was made.
        paused: whether it is paused, also before its start, when it is UPCOMING.
    """

    sale_id: str
    state: SaleState
    total_stock: int
    available_stock: int
    held_stock: int
    sold_stock: int
    terms: SaleTerms
    position: int
    etag: str
    create_time: datetime
    paused: bool = False

    @classmethod
    def of(cls, message: pb.Sale) -> Self:
        """The sale that a message describes."""
        return cls(
            sale_id=message.sale_id,
            state=SALE_STATES.get(message.state, SaleState.UNRECOGNIZED),
            total_stock=message.total_stock,
            available_stock=message.available_stock,
            held_stock=message.held_stock,
            sold_stock=message.sold_stock,
            terms=SaleTerms.of(message),
            position=message.position,
            etag=message.etag,
            create_time=instant_of(message.create_time),
            paused=message.paused,
        )


class Entry(NamedTuple):
    """One fact about a sale, as its ledger has it.

    Attributes:
        position: its number in the sale's ledger, from 1, without a gap.
        kind: what happened.
        stock_change: units that it adds to what is available.
        user_id: whose purchase or refusal it is; "" where it is nobody's.
        purchase_id: which purchase it makes or changes.
        request_id: the request that it answers.
        quantity: units of the purchase.
        record_time: when it was decided.
        node: the server process that decided it.
        arrival: the number of the call among those that its node has let in.
        hold_expire_time: until when a hold keeps the units: for HELD.
        outcome: what was answered: for REFUSED.
        terms: the sale's terms from here on: for OPENED and UPDATED.
    """

    position: int
    kind: EntryKind
    stock_change: int
    user_id: str
    purchase_id: str
    request_id: str
    quantity: int
    record_time: datetime
    node: str
    arrival: int
    hold_expire_time: datetime | None
    outcome: Outcome | None
    terms: SaleTerms | None

    @staticmethod
    def of(message: pb.Entry) -> "Entry":
        """The entry that a message describes."""
        has_expiry = message.HasField("hold_expire_time")
        has_outcome = bool(message.outcome)
        return Entry(
            message.position,
            _KINDS.get(message.kind, EntryKind.UNRECOGNIZED),
            message.stock_change,
            message.user_id,
            message.purchase_id,
            message.request_id,
            message.quantity,
            instant_of(message.record_time),
            message.node,
            message.arrival,
            instant_of(message.hold_expire_time) if has_expiry else None,
            OUTCOMES.get(message.outcome, Outcome.UNRECOGNIZED) if has_outcome else None,
            SaleTerms.of(message.terms) if message.HasField("terms") else None,
        )

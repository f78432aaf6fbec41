"""Faults: why a call was not answered. A refusal such as SOLD_OUT is an answer, and not here.

Every fault names what it is about and, where waiting helps, for how long; how it looks on the wire
is decided by the one error table of the gRPC room.

    Fault
    |-- InvalidFields        the request is malformed; every violation at once
    |-- RequestIdReused      the request id was used before, with another quantity
    |-- NotFound
    |   |-- SaleNotFound
    |   `-- PurchaseNotFound
    |-- SaleExists           there is a sale with this id
    |-- NotAllowed           the sale or the purchase is not in a state that allows it
    |   |-- HoldExpired      the hold's time is over
    |   |-- HoldReleased     the hold was released
    |   |-- PurchaseConfirmed  the purchase is confirmed
    |   |-- PurchaseCancelled  the shop has cancelled the purchase
    |   |-- SaleEnded        the sale is over
    |   `-- NotEnoughUnsold  fewer units are unsold than were to be taken away
    |-- EtagMismatch         the sale was changed since its etag was read
    |-- Unauthenticated      the caller has no credentials, or bad ones
    |-- PermissionDenied     the caller's credentials do not allow it
    |-- UserRateLimited      too many attempts of one user within the window
    |-- DeadlineExceeded     the caller's time was over before the call's turn came
    |-- Unavailable          try again later
    |   |-- QueueFull        too many calls wait already
    |   |-- CircuitOpen      the ledger failed several times in a row
    |   |-- OutcomeUnknown   what was asked may or may not be in the ledger
    |   |-- LedgerRefused    the ledger did not take what was asked; nothing has changed
    |   |-- SaleUnreadable   the sale's ledger is damaged, or newer than this server
    |   |-- ShuttingDown     the server is about to stop
    |   `-- TooManyWatchers  as many streams watch as the server allows
    `-- HTTP only
        |-- TooManyConnections  as many are open as the server allows
        |-- PathNotFound     there is no such path
        |-- MethodNotAllowed the path exists, but not for this method
        `-- BodyTooLarge     the body is larger than the server reads
"""

from collections.abc import Sequence
from dataclasses import dataclass


class Fault(Exception):
    """Why a call was not answered; the text is one sentence for people."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one field, named by its path in the request: "min_interval"."""

    field: str
    description: str


class InvalidFields(Fault):
    """The request is malformed."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{item.field}: {item.description}" for item in violations))
        self.violations = tuple(violations)


class RequestIdReused(Fault):
    """The user used this request id before, with another quantity."""

    def __init__(self, request_id: str, quantity: int) -> None:
        super().__init__(f"request id {request_id!r} was used before, with quantity {quantity}")


class NotFound(Fault):
    """Something that the request names does not exist."""

    resource_type = ""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no {self.resource_type} {name!r}")
        self.name = name


class SaleNotFound(NotFound):
    """There is no such sale."""

    resource_type = "sale"


class PurchaseNotFound(NotFound):
    """There is no such purchase."""

    resource_type = "purchase"


class SaleExists(Fault):
    """There is a sale with this id."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a sale {name!r} already")
        self.name = name


class NotAllowed(Fault):
    """The subject, a sale or a purchase, is not in a state that allows what was asked."""

    def __init__(self, message: str, subject: str) -> None:
        super().__init__(message)
        self.subject = subject


class HoldExpired(NotAllowed):
    """The hold's time is over."""

    def __init__(self, purchase_id: str) -> None:
        super().__init__("the hold has expired, and its units went back on sale", purchase_id)


class HoldReleased(NotAllowed):
    """The hold was released."""

    def __init__(self, purchase_id: str) -> None:
        super().__init__("the hold was released, and its units went back on sale", purchase_id)


class PurchaseConfirmed(NotAllowed):
    """The purchase is confirmed."""

    def __init__(self, purchase_id: str) -> None:
        super().__init__("the purchase is confirmed, and no hold any more", purchase_id)


class PurchaseCancelled(NotAllowed):
    """The shop has cancelled the purchase."""

    def __init__(self, purchase_id: str) -> None:
        super().__init__("the shop has cancelled the purchase", purchase_id)


class SaleEnded(NotAllowed):
    """The sale is over."""

    def __init__(self, sale_id: str) -> None:
        super().__init__("the sale is over, and cannot be changed any more", sale_id)


class NotEnoughUnsold(NotAllowed):
    """Fewer units are unsold than were to be taken away."""

    def __init__(self, sale_id: str) -> None:
        super().__init__("fewer units are neither sold nor held than are to be taken away", sale_id)


class EtagMismatch(Fault):
    """The sale was changed since its etag was read."""

    def __init__(self, sale_id: str) -> None:
        super().__init__(f"sale {sale_id!r} was changed since its etag was read; look again")


class Unauthenticated(Fault):
    """The caller has no credentials, or bad ones."""


class PermissionDenied(Fault):
    """The caller's credentials do not allow it."""


class UserRateLimited(Fault):
    """The user has used up the attempts of the last minute."""

    def __init__(self, user_id: str, limit_per_minute: int, retry_after_seconds: float) -> None:
        super().__init__(
            f"more than {limit_per_minute} attempts a minute; "
            f"the next one is free in {retry_after_seconds:.1f} s",
            retry_after_seconds=retry_after_seconds,
        )
        self.user_id = user_id
        self.limit_per_minute = limit_per_minute


class DeadlineExceeded(Fault):
    """The caller's time was over before the call's turn came; nothing was decided."""

    def __init__(self) -> None:
        super().__init__("the deadline passed before the call's turn came; nothing was decided")


class Unavailable(Fault):
    """Not now; the same request may be tried again after `retry_after_seconds`."""


class QueueFull(Unavailable):
    """Too many calls wait already; nothing was decided."""

    def __init__(self, capacity: int) -> None:
        super().__init__(
            f"{capacity} calls wait already; nothing was decided", retry_after_seconds=0.5
        )


class CircuitOpen(Unavailable):
    """The ledger failed several times in a row; nothing was decided."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(
            f"the ledger keeps failing and is tried again in {retry_after_seconds:.1f} s; "
            "nothing was decided",
            retry_after_seconds=retry_after_seconds,
        )


class OutcomeUnknown(Unavailable):
    """What was asked may or may not be in the ledger.

    Of a purchase the same request id will tell; of anything else, `request_id` is "", it tells to
    ask for the same again or to look at the sale.
    """

    def __init__(self, request_id: str = "") -> None:
        what, how = ("purchase", " with the same request id") if request_id else ("change", "")
        super().__init__(
            f"the {what} may or may not be recorded; ask again{how}", retry_after_seconds=0.2
        )
        self.request_id = request_id


class LedgerRefused(Unavailable):
    """The ledger did not take what was asked; nothing has changed."""

    def __init__(self) -> None:
        super().__init__("the ledger does not answer; nothing was decided", retry_after_seconds=0.5)


class SaleUnreadable(Unavailable):
    """The sale's ledger is damaged, or newer than this server."""

    def __init__(self, sale_id: str, why: str) -> None:
        super().__init__(f"sale {sale_id!r} has stopped: {why}", retry_after_seconds=60.0)


class ShuttingDown(Unavailable):
    """The server is about to stop; nothing was decided."""

    def __init__(self) -> None:
        super().__init__(
            "the server is about to stop; nothing was decided", retry_after_seconds=1.0
        )


class TooManyWatchers(Unavailable):
    """As many streams watch as the server allows."""

    def __init__(self, capacity: int) -> None:
        super().__init__(f"{capacity} streams watch already", retry_after_seconds=5.0)


class TooManyConnections(Unavailable):
    """As many connections are open as the server allows, of all or from one address."""

    def __init__(self) -> None:
        super().__init__("too many connections are open already", retry_after_seconds=1.0)


class PathNotFound(Fault):
    """There is no such path."""


class MethodNotAllowed(Fault):
    """The path exists, but not for this method; `allowed` has those that it exists for."""

    def __init__(self, message: str, allowed: Sequence[str]) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class BodyTooLarge(Fault):
    """The body is larger than the server reads."""

"""Requests: what callers may send, checked field by field before anything else looks at it.

Every violation of a request is found, not only the first, and named by its path in the message.
"""

import re
from typing import Final

from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from flashsale_server.checkout import InvalidFields, Order, Violation

DEFAULT_SALE: Final = "default"
IDENTIFIER_BYTES: Final = 128
QUANTITY_MAX: Final = 1_000_000
BATCH_MAX: Final = 1000

_SALE_ID: Final = re.compile(r"[a-z0-9-]{1,63}")
# C0 and C1 control characters, and the separators that break lines in logs and terminals.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def order_of(request: pb.PurchaseRequest, sale_id: str = "") -> Order:
    """The order that a request makes; `sale_id` is for requests that name none.

    Raises:
        InvalidFields: with every violation.
    """
    user_id = request.user_id
    request_id = request.request_id
    sale_id = request.sale_id or sale_id or DEFAULT_SALE
    quantity = request.quantity or (0 if request.HasField("quantity") else 1)
    timeout_seconds = None
    violations: list[Violation] = []
    if request.HasField("timeout"):
        timeout_seconds = _seconds_of(request.timeout)
        if timeout_seconds <= 0:
            violations.append(Violation("timeout", "must be more than 0"))
    if not (_is_plain_one(user_id) and (not request_id or _is_plain_one(request_id))):
        check_identifier(violations, "user_id", user_id)
        if request_id:
            check_identifier(violations, "request_id", request_id)
    check_sale_id(violations, "sale_id", sale_id)
    if not 1 <= quantity <= QUANTITY_MAX:
        violations.append(Violation("quantity", f"must be 1 to {QUANTITY_MAX}"))
    if violations:
        raise InvalidFields(violations)
    return Order(
        user_id,
        request_id,
        quantity,
        request.retry,
        sale_id=sale_id,
        timeout_seconds=timeout_seconds,
    )


def sale_id_of(request: pb.StatusRequest | pb.WatchStatusRequest) -> str:
    """The sale that a request is about.

    Raises:
        InvalidFields: it cannot be the id of a sale.
    """
    sale_id = request.sale_id or DEFAULT_SALE
    violations: list[Violation] = []
    check_sale_id(violations, "sale_id", sale_id)
    if violations:
        raise InvalidFields(violations)
    return sale_id


def lookup_of(request: pb.GetPurchaseRequest) -> tuple[str, str]:
    """The sale and the user that a request asks about.

    Raises:
        InvalidFields: with every violation.
    """
    sale_id = request.sale_id or DEFAULT_SALE
    violations: list[Violation] = []
    check_identifier(violations, "user_id", request.user_id)
    check_sale_id(violations, "sale_id", sale_id)
    if violations:
        raise InvalidFields(violations)
    return sale_id, request.user_id


def hold_of(
    request: pb.ConfirmPurchaseRequest | pb.ReleasePurchaseRequest,
) -> tuple[str, str, str]:
    """The sale, the user and the purchase that a request is about.

    Raises:
        InvalidFields: with every violation.
    """
    sale_id = request.sale_id or DEFAULT_SALE
    check_purchase(sale_id, request.user_id, request.purchase_id)
    return sale_id, request.user_id, request.purchase_id


def check_purchase(sale_id: str, user_id: str, purchase_id: str) -> None:
    """Check what names one purchase.

    Raises:
        InvalidFields: with every violation.
    """
    violations: list[Violation] = []
    check_sale_id(violations, "sale_id", sale_id)
    check_identifier(violations, "user_id", user_id)
    check_identifier(violations, "purchase_id", purchase_id)
    if violations:
        raise InvalidFields(violations)


def min_interval_seconds_of(request: pb.WatchStatusRequest) -> float:
    """The least time between two messages that a watcher asks for.

    Raises:
        InvalidFields: it is out of range.
    """
    if not request.HasField("min_interval"):
        return 0.5
    seconds = _seconds_of(request.min_interval)
    if not 0.2 <= seconds <= 15:
        raise InvalidFields([Violation("min_interval", "must be 0.2 s to 15 s")])
    return seconds


def instant_us_of(violations: list[Violation], field: str, value: Timestamp) -> int | None:
    """A time in microseconds since 1970 UTC; None where it is noted that it is none."""
    if not 0 <= value.seconds < 253_402_300_800 or not 0 <= value.nanos < 1_000_000_000:
        violations.append(Violation(field, "must be a time from 1970 to 9999"))
        return None
    return value.seconds * 1_000_000 + value.nanos // 1000


def check_batch_size(field: str, size: int) -> None:
    """Check how many requests a batch has.

    Raises:
        InvalidFields: none, or too many.
    """
    if not 1 <= size <= BATCH_MAX:
        raise InvalidFields([Violation(field, f"must be 1 to {BATCH_MAX}, but are {size}")])


def check_sale_id(violations: list[Violation], field: str, value: str) -> None:
    """Note it when a value cannot be the id of a sale."""
    if value != DEFAULT_SALE and not _SALE_ID.fullmatch(value):
        violations.append(Violation(field, "must match [a-z0-9-]{1,63}"))


def is_plain(*values: str) -> bool:
    """Whether identifiers need no closer look, as most do not."""
    together = "".join(values)
    lengths = list(map(len, values))
    is_printable = together.isascii() and together.isprintable()
    return is_printable and min(lengths) > 0 and max(lengths) <= IDENTIFIER_BYTES


def _is_plain_one(value: str) -> bool:
    """As `is_plain`; for one or two this is quicker."""
    return value.isascii() and value.isprintable() and 0 < len(value) <= IDENTIFIER_BYTES


def _seconds_of(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


def check_identifier(violations: list[Violation], field: str, value: str) -> None:
    """Note it when a value cannot be the id of a user, a request or a purchase."""
    if not value:
        violations.append(Violation(field, "must not be empty"))
    elif len(value.encode()) > IDENTIFIER_BYTES:
        violations.append(Violation(field, f"must be at most {IDENTIFIER_BYTES} bytes of UTF-8"))
    elif _CONTROL.search(value):
        violations.append(Violation(field, "must not have control characters"))

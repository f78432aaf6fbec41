"""What the shop may send, checked field by field before anything else looks at it."""

from typing import Final

from flashsale.v1 import sale_admin_pb2 as admin
from google.protobuf.message import Message

from flashsale_server.checkout import InvalidFields, Violation
from flashsale_server.domain import STOCK_MAX, RestockCommand, SaleTerms, UpdateCommand
from flashsale_server.grpc_api.page_tokens import position_of, sale_of
from flashsale_server.grpc_api.requests import QUANTITY_MAX, check_sale_id, instant_us_of

TITLE_CHARACTERS: Final = 200
PAGE_SIZE: Final = 100
PAGE_SIZE_MAX: Final = 1000
HOLD_US_MIN: Final = 1_000_000
HOLD_US_MAX: Final = 86_400_000_000
_NO_REVISION: Final = -1

# The terms that a sale's message has, by their field in it.
TERMS: Final = {
    "title": "title",
    "start_time": "starts_at_us",
    "end_time": "ends_at_us",
    "per_user_limit": "per_user_limit",
    "per_order_limit": "per_order_limit",
    "hold_duration": "hold_us",
}
_TELLING: Final = (
    "state",
    "available_stock",
    "held_stock",
    "sold_stock",
    "position",
    "create_time",
    "paused",
)


def new_sale_of(request: admin.CreateSaleRequest, now_us: int) -> tuple[str, SaleTerms, int]:
    """The id, the terms and the stock of the sale to make.

    Raises:
        InvalidFields: with every violation.
    """
    sale = request.sale
    violations: list[Violation] = []
    check_sale_id(violations, "sale_id", request.sale_id)
    if sale.sale_id not in {"", request.sale_id}:
        violations.append(Violation("sale.sale_id", "must be the same as sale_id"))
    violations += [
        Violation(f"sale.{name}", "is the server's to say")
        for name in (*_TELLING, "etag")
        if _is_set(sale, name)
    ]
    if not 0 <= sale.total_stock <= STOCK_MAX:
        violations.append(Violation("sale.total_stock", f"must be 0 to {STOCK_MAX}"))
    terms = _terms_of(violations, sale, now_us)
    if terms.ends_at_us is not None and terms.ends_at_us <= max(terms.starts_at_us, now_us):
        violations.append(Violation("sale.end_time", "must be after start_time, and in the future"))
    if violations:
        raise InvalidFields(violations)
    return request.sale_id, terms, sale.total_stock


def update_of(request: admin.UpdateSaleRequest, now_us: int) -> UpdateCommand:
    """The change that an update asks for.

    Raises:
        InvalidFields: with every violation.
    """
    sale = request.sale
    violations: list[Violation] = []
    check_sale_id(violations, "sale.sale_id", sale.sale_id)
    names = list(request.update_mask.paths)
    if not names or names == ["*"]:
        names = [name for name in TERMS if _is_set(sale, name)]
    violations += [
        Violation("update_mask", f"{name!r} is not one of {', '.join(TERMS)}")
        for name in names
        if name not in TERMS
    ]
    terms = _terms_of(violations, sale, now_us)
    if "end_time" in names and terms.ends_at_us is not None and terms.ends_at_us <= now_us:
        violations.append(Violation("sale.end_time", "must be in the future"))
    if violations:
        raise InvalidFields(violations)
    fields = tuple(TERMS[name] for name in names)
    return UpdateCommand(terms, fields, revision_of(sale.etag))


def etag_of(revision: int) -> str:
    """Names a revision of a sale."""
    return f"r{revision}"


def revision_of(etag: str) -> int | None:
    """The revision that an etag names; None when there is no etag, -1 when it is none of ours."""
    if not etag:
        return None
    number = etag[1:]
    is_ours = etag[0] == "r" and number.isascii() and number.isdecimal() and len(number) < 20
    return int(number) if is_ours else _NO_REVISION


def check_sale(sale_id: str) -> str:
    """The sale that a request is about; the shop has to name it.

    Raises:
        InvalidFields: it cannot be the id of a sale.
    """
    violations: list[Violation] = []
    check_sale_id(violations, "sale_id", sale_id)
    if violations:
        raise InvalidFields(violations)
    return sale_id


def restock_of(request: admin.RestockSaleRequest) -> RestockCommand:
    """The change of the stock that a request asks for.

    Raises:
        InvalidFields: with every violation.
    """
    violations: list[Violation] = []
    check_sale_id(violations, "sale_id", request.sale_id)
    if not request.stock_change:
        violations.append(Violation("stock_change", "must not be 0"))
    if violations:
        raise InvalidFields(violations)
    return RestockCommand(request.stock_change, revision_of(request.etag))


def sales_page_of(request: admin.ListSalesRequest) -> tuple[int, str]:
    """How many sales to list, and the one after which to begin.

    Raises:
        InvalidFields: with every violation.
    """
    violations: list[Violation] = []
    size = _page_size_of(violations, request.page_size)
    after = sale_of(violations, request.page_token)
    if violations:
        raise InvalidFields(violations)
    return size, after


def purchases_page_of(request: admin.ListPurchasesRequest) -> tuple[int, int]:
    """How many purchases to list, and the position after which to begin.

    Raises:
        InvalidFields: with every violation.
    """
    violations: list[Violation] = []
    check_sale_id(violations, "sale_id", request.sale_id)
    size = _page_size_of(violations, request.page_size)
    after = position_of(violations, request.sale_id, request.page_token)
    if violations:
        raise InvalidFields(violations)
    return size, after


def _page_size_of(violations: list[Violation], page_size: int) -> int:
    if not 0 <= page_size <= PAGE_SIZE_MAX:
        violations.append(Violation("page_size", f"must be 0 to {PAGE_SIZE_MAX}"))
    return page_size or PAGE_SIZE


def _terms_of(violations: list[Violation], sale: admin.Sale, now_us: int) -> SaleTerms:
    """The terms that a sale's message gives; what it does not set has its default."""
    title = sale.title
    if len(title) > TITLE_CHARACTERS or not (title.isprintable()):
        text = f"must be at most {TITLE_CHARACTERS} printable characters"
        violations.append(Violation("sale.title", text))
    violations += [
        Violation(f"sale.{name}", f"must be 1 to {QUANTITY_MAX}")
        for name in ("per_user_limit", "per_order_limit")
        if not 0 <= getattr(sale, name) <= QUANTITY_MAX
    ]
    hold_us = 0
    if sale.HasField("hold_duration"):
        nanos = sale.hold_duration.nanos
        hold_us = sale.hold_duration.seconds * 1_000_000 + nanos // 1000
        is_whole = 0 <= nanos < 1_000_000_000 and not nanos % 1_000_000
        if not HOLD_US_MIN <= hold_us <= HOLD_US_MAX or not is_whole:
            text = "must be 1 s to 24 h, in whole milliseconds"
            violations.append(Violation("sale.hold_duration", text))
    starts_at_us = _instant_of(violations, sale, "start_time")
    return SaleTerms(
        title=title,
        starts_at_us=now_us if starts_at_us is None else starts_at_us,
        ends_at_us=_instant_of(violations, sale, "end_time"),
        per_user_limit=sale.per_user_limit or 1,
        per_order_limit=sale.per_order_limit or None,
        hold_us=hold_us,
    )


def _instant_of(violations: list[Violation], sale: admin.Sale, name: str) -> int | None:
    if not sale.HasField(name):
        return None
    return instant_us_of(violations, f"sale.{name}", getattr(sale, name))


def _is_set(message: Message, name: str) -> bool:
    field = message.DESCRIPTOR.fields_by_name[name]
    return message.HasField(name) if field.has_presence else bool(getattr(message, name))

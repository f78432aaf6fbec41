"""JSON for other programs: one object a line, named and written as the HTTP API does it.

The values of the SDK go in. A field bears its contract's name in lowerCamelCase, an enum value its
whole name (SALE_STATE_LIVE), a time is RFC 3339, a span is "1.5s", a position is a text because it
may be longer than a JSON number is exact. What is not set is left out.
"""

import dataclasses
import enum
import json
import re
from datetime import datetime, timedelta
from typing import Any, Final

import typer
from flashsale import Purchase, PurchaseResult, Sale, SaleStatus
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

# Numbers that the contract always prints, where the SDK says None for 0.
_ZERO_WHEN_NONE: Final = {"available_stock", "per_order_limit"}
_INT64: Final = {"position"}

Json = dict[str, Any]  # values are of any of JSON's types


def print_json(fields: Json) -> None:
    """Print one object in one line, at once."""
    typer.echo(json.dumps(fields, ensure_ascii=False))


def status_json(status: SaleStatus) -> Json:
    """A sale's status as StatusResponse is written."""
    return _written(_fields(status))


def sale_json(sale: Sale) -> Json:
    """A sale as the message Sale is written, in which its terms are fields like the others."""
    fields = _fields(sale)
    terms = fields.pop("terms")
    return _written(fields | _fields(terms))


def purchase_json(purchase: Purchase) -> Json:
    """A purchase as the message Purchase is written."""
    return _written(purchase._asdict())


def result_json(result: PurchaseResult) -> Json:
    """What a purchase request came to, as PurchaseResponse is written."""
    return _written(result._asdict())


def counts_json(name: str, counts: dict[Any, int]) -> list[Json]:
    """Counts by a key, the most frequent first, as OutcomeCount is written."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [{name: _value(name, key), "count": count} for key, count in ordered]


def _fields(value: Any) -> Json:
    return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}


def _written(fields: Json) -> Json:
    values = {name: _value(name, value) for name, value in fields.items()}
    return {_camel(name): value for name, value in values.items() if value is not None}


def _value(name: str, value: Any) -> Any:
    if value is None:
        return 0 if name in _ZERO_WHEN_NONE else None
    if name in _INT64:
        return str(value)
    match value:
        case enum.Enum():
            return f"{_prefix(type(value).__name__)}_{value.value}"
        case Purchase():
            return purchase_json(value)
        case datetime() | timedelta():
            return _of_time(value)
    return value


def _of_time(value: datetime | timedelta) -> str:
    if isinstance(value, timedelta):
        duration = Duration()
        duration.FromTimedelta(value)
        return duration.ToJsonString()
    timestamp = Timestamp()
    timestamp.FromDatetime(value)
    return timestamp.ToJsonString()


def _prefix(enum_name: str) -> str:
    """The prefix of an enum's values in the contract: SALE_STATE for SaleState."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum_name).upper()


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)

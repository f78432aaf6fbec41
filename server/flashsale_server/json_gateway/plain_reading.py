"""Plain JSON to messages, at the speed of the hot path.

Plain is JSON that has, for names of the contract, values of the very types that they are expected
to have; buyers hardly send anything else. A message type is looked at once, and what its fields
take is kept. At anything else this reader gives up without a word, and json_format, the reference,
has to read from the start. A test compares both on random JSON.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

SPANS: Final = frozenset(("google.protobuf.Timestamp", "google.protobuf.Duration"))
_NOT_IN_NUMBERS: Final = re.compile(r"[_\s]|[^\x00-\x7f]")


def read_plain_json(text: bytes, message: Message) -> bool:
    """Fill an empty message; False, with the message empty again, where the JSON is not plain."""
    try:
        values = msgspec.json.decode(text)
        if type(values) is not dict:
            return False
        # Every member has a colon. Where there are more, they are in texts, or a member has come
        # twice and only its last value is left.
        if text.count(b":") != _count_of_members(values):
            json.loads(text, object_pairs_hook=distinct)
        _fill(message, values)
    except (_NotPlain, ValueError, RecursionError):
        message.Clear()
        return False
    return True


def is_odd_number(text: str) -> bool:
    """Whether a text has what Python allows in numbers and JSON does not, such as "1_0"."""
    return _NOT_IN_NUMBERS.search(text) is not None


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON.

    Raises:
        ValueError: a member comes twice.
    """
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a JSON object has a member twice")
    return values


class _NotPlain(Exception):
    """Something that json_format has to look at."""


@dataclass(frozen=True, slots=True)
class _PlainField:
    """A field that can be read without json_format.

    Attributes:
        name: its name in the contract.
        json_name: its name in JSON; that of the contract is understood, too.
        json_type: the type that its value in JSON must have.
        fill: how to fill it, where it is a message.
        enum: the numbers of its names, where it is an enum.
        is_repeated: whether it is a list of such values.
    """

    name: str
    json_name: str
    json_type: type
    fill: Callable[[Any, Any], None] | None
    enum: dict[str, int] | None
    is_repeated: bool


def _count_of_members(value: object) -> int:
    if type(value) is dict:
        return len(value) + sum(map(_count_of_members, value.values()))
    if type(value) is list:
        return sum(map(_count_of_members, value))
    return 0


def _fill(message: Message, values: dict[str, Any]) -> None:
    fields = _plain_fields(message.DESCRIPTOR)
    for name, value in values.items():
        field = fields.get(name)
        if field is None or (name != field.json_name and field.json_name in values):
            raise _NotPlain
        if field.is_repeated:
            _fill_list(getattr(message, field.name), field, value)
        elif type(value) is not field.json_type:
            raise _NotPlain
        elif field.fill is not None:
            inner = getattr(message, field.name)
            inner.SetInParent()
            field.fill(inner, value)
        else:
            setattr(message, field.name, _scalar(field, value))


def _fill_list(target: Any, field: _PlainField, values: object) -> None:
    """Fill a repeated field, whose container is typed by what it contains."""
    if type(values) is not list:
        raise _NotPlain
    for value in values:
        if type(value) is not field.json_type:
            raise _NotPlain
        if field.fill is not None:
            field.fill(target.add(), value)
        else:
            target.append(_scalar(field, value))


def _fill_span(span: Any, text: str) -> None:
    """Fill a Timestamp or a Duration."""
    if is_odd_number(text):
        raise _NotPlain
    span.FromJsonString(text)


def _scalar(field: _PlainField, value: Any) -> Any:
    if field.enum is None:
        return value
    if value not in field.enum:
        raise _NotPlain
    return field.enum[value]


_SCALAR_TYPES: Final[dict[int, type]] = {
    FieldDescriptor.CPPTYPE_STRING: str,
    FieldDescriptor.CPPTYPE_BOOL: bool,
    FieldDescriptor.CPPTYPE_DOUBLE: float,
    FieldDescriptor.CPPTYPE_ENUM: str,
    FieldDescriptor.CPPTYPE_INT32: int,
    FieldDescriptor.CPPTYPE_UINT32: int,
    FieldDescriptor.CPPTYPE_INT64: int,
    FieldDescriptor.CPPTYPE_UINT64: int,
}


@cache
def _plain_fields(descriptor: Descriptor) -> dict[str, _PlainField]:
    """The fields that can be read here, by each name that JSON may call them."""
    fields = {}
    for field in descriptor.fields:
        plain = _plain_field(field)
        if plain is not None:
            fields[plain.name] = fields[plain.json_name] = plain
    return fields


def _plain_field(field: FieldDescriptor) -> _PlainField | None:
    """How a field is read; None where json_format has to do it."""
    message = field.message_type
    oneof = field.containing_oneof
    is_google_enum = field.enum_type is not None and field.enum_type.full_name.startswith("google.")
    fill: Callable[[Any, Any], None] | None = None
    if (oneof is not None and len(oneof.fields) > 1) or is_google_enum:
        return None
    if message is None:
        is_bytes = field.type == FieldDescriptor.TYPE_BYTES
        json_type = None if is_bytes else _SCALAR_TYPES.get(field.cpp_type)
    elif message.full_name in SPANS:
        json_type, fill = str, _fill_span
    else:
        json_type, fill = dict if _is_plain(message) else None, _fill
    if json_type is None:
        return None
    enum = field.enum_type
    numbers = None if enum is None else {item.name: item.number for item in enum.values}
    return _PlainField(field.name, field.json_name, json_type, fill, numbers, field.is_repeated)


def _is_plain(descriptor: Descriptor, within: frozenset[str] = frozenset()) -> bool:
    """Whether a message may be read here: it is not one of Google's, nor of any depth."""
    name = descriptor.full_name
    if name.startswith("google.") or name in within or descriptor.GetOptions().map_entry:
        return False
    inner = (item.message_type for item in descriptor.fields if item.message_type is not None)
    return all(
        item.full_name.startswith("google.")
        or item.GetOptions().map_entry
        or _is_plain(item, within | {name})
        for item in inner
    )

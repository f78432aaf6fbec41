"""Messages as JSON, at the speed of the hot path.

protobuf's json_format looks at every field of every message anew. Here a message type is looked at
once, and what is to be done with each of its fields is kept. json_format stays the reference, and
writes every message type that has anything unusual in it: maps, floats, extensions, and most of
Google's own types. A test compares both on random messages.
"""

import base64
import math
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any, Final

import msgspec
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

Written = Any  # a JSON value is of any of JSON's types
Write = Callable[[Any], Written]  # a field's value is of the type that its descriptor says

_LONG_NUMBERS: Final = (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)


def json_of(message: Message) -> bytes:
    """A message as JSON in UTF-8, in one line; fields that are not set are printed."""
    return msgspec.json.encode(_writer(message.DESCRIPTOR)(message))


@cache
def _writer(descriptor: Descriptor) -> Write:
    if not _is_plain(descriptor):
        return partial(json_format.MessageToDict, always_print_fields_with_no_presence=True)
    fields = [
        (item.json_name, item.name, _field_writer(item), item.has_presence)
        for item in descriptor.fields
    ]

    def write(message: Message) -> Written:
        written = {}
        for json_name, name, write_value, has_presence in fields:
            if has_presence and not message.HasField(name):
                continue
            value = getattr(message, name)
            written[json_name] = value if write_value is None else write_value(value)
        return written

    return write


def _is_plain(descriptor: Descriptor) -> bool:
    unusual = descriptor.full_name.startswith("google.protobuf.") or descriptor.is_extendable
    return not unusual and all(
        item.type not in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_GROUP)
        and not (item.message_type is not None and item.message_type.GetOptions().map_entry)
        and not (item.enum_type is not None and item.enum_type.full_name.startswith("google."))
        for item in descriptor.fields
    )


def _field_writer(field: FieldDescriptor) -> Write | None:
    """How to write a field; None where its value is JSON already."""
    one = _value_writer(field)
    if not field.is_repeated:
        return one
    return list if one is None else lambda values: [one(value) for value in values]


def _value_writer(field: FieldDescriptor) -> Write | None:
    if field.message_type is not None:
        return _message_writer(field.message_type)
    if field.enum_type is not None:
        # Of several names of one number the first is written.
        return _Names(
            (item.number, item.name) for item in reversed(field.enum_type.values)
        ).__getitem__
    if field.cpp_type in _LONG_NUMBERS:
        return str
    if field.cpp_type == FieldDescriptor.CPPTYPE_DOUBLE:
        return _double
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value: base64.b64encode(value).decode()
    return None


class _Names(dict[int, str | int]):
    """An enum's names by number; a number that has none stands for itself."""

    def __missing__(self, number: int) -> int:
        return number


def _message_writer(descriptor: Descriptor) -> Write:
    if descriptor.full_name == "google.protobuf.Timestamp":
        return _timestamp
    if descriptor.full_name == "google.protobuf.Duration":
        return lambda value: value.ToJsonString()
    # Looked up when it is used, because a message may contain itself.
    return lambda value: _writer(descriptor)(value)  # noqa: PLW0108  # see above


def _double(value: float) -> Written:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _timestamp(value: Timestamp) -> str:
    return _time(value.seconds, value.nanos)


@lru_cache(maxsize=1024)
def _time(seconds: int, nanos: int) -> str:
    """An instant as text; the purchases of one append share theirs."""
    return str(Timestamp(seconds=seconds, nanos=nanos).ToJsonString())

"""JSON to messages: plain JSON quickly, and any other by json_format, whose errors users see.

json_format is too lenient in two ways, which are refused here: it takes for a number what Python
takes for one, such as "1_0", and both spellings of a field's name beside each other.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from flashsale_server.checkout import InvalidFields, Violation
from flashsale_server.json_gateway.plain_reading import (
    SPANS,
    distinct,
    is_odd_number,
    read_plain_json,
)

NUMBER_WRAPPERS: Final = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int32", "Int64", "UInt32", "UInt64")
)
_TEXT_TYPES: Final = (FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_BOOL)
_DEPTH_MAX: Final = 50
_FIELDS_IN_ERROR: Final = (
    re.compile(r"[Ff]ailed to parse (\w+) field"),
    re.compile(r'no field named "(\w+)"'),
    re.compile(r" at \w+\.(\w+)"),
)
_ERROR_CHARACTERS_MAX: Final = 500
"""How much of a parser's error is told; it may repeat a body of megabytes."""


def read_json(text: bytes, message: Message) -> None:
    """Fill an empty message from JSON in UTF-8; empty text leaves it empty.

    Raises:
        InvalidFields: it is not JSON, or does not fit the message.
    """
    if not text.strip() or read_plain_json(text, message):
        return
    if not text.lstrip().startswith(b"{"):
        raise invalid("body", "must be a JSON object")  # json_format takes [] for {}
    with told_as_invalid():
        written = text.decode()
        values = json.loads(written, object_pairs_hook=distinct)
        _check_strictly(message.DESCRIPTOR, values, "")  # type: ignore[arg-type]  # the stubs name one class twice
        json_format.Parse(written, message, max_recursion_depth=_DEPTH_MAX)


def invalid(field: str, description: str) -> InvalidFields:
    """The fault that says what is wrong with one field."""
    # What a request holds may be text that no message can carry, such as half a surrogate pair.
    parts = [part.encode("utf-8", "backslashreplace").decode() for part in (field, description)]
    return InvalidFields([Violation(*parts)])


@contextlib.contextmanager
def told_as_invalid() -> Iterator[None]:
    """Whatever is wrong with a body, as an invalid field."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise invalid("body", f"is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise invalid("body", "is nested too deeply") from error
    except (json_format.ParseError, ValueError, TypeError, AttributeError) as error:
        # The parser lets some wrong types through as errors of its own making.
        said = str(error)[:_ERROR_CHARACTERS_MAX]
        found = next(filter(None, (pattern.search(said) for pattern in _FIELDS_IN_ERROR)), None)
        raise invalid(found[1] if found else "body", said) from error


def _check_strictly(descriptor: Descriptor, values: object, path: str) -> None:
    """Refuse what json_format takes although it is not the JSON of a message."""
    if not isinstance(values, dict) or descriptor.full_name.startswith("google.protobuf."):
        return
    named = set()
    for name, value in values.items():
        field = _by_json_name(descriptor).get(name)
        if field is None:
            continue  # json_format says so
        if field.name in named:
            raise invalid(path + name, "is given twice, by both its names")
        named.add(field.name)
        _check_field(field, value, path + name)


def _check_field(field: FieldDescriptor, value: object, path: str) -> None:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        if isinstance(value, dict):
            for key, item in value.items():
                _check_value(entry.fields_by_name["key"], key, path)
                _check_value(entry.fields_by_name["value"], item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_value(field, item, f"{path}[{index}]")
    else:
        _check_value(field, value, path)


def _check_value(field: FieldDescriptor, value: object, path: str) -> None:
    if field.message_type is not None:
        _check_strictly(field.message_type, value, f"{path}.")
    if isinstance(value, str) and _is_read_as_number(field, value) and is_odd_number(value):
        raise invalid(path, f"cannot be {value[:_ERROR_CHARACTERS_MAX]!r}")


def _is_read_as_number(field: FieldDescriptor, value: str) -> bool:
    if field.message_type is not None:
        return field.message_type.full_name in SPANS | NUMBER_WRAPPERS
    if field.enum_type is not None:
        return value not in field.enum_type.values_by_name
    return field.cpp_type not in _TEXT_TYPES


@cache
def _by_json_name(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    return {name: field for field in descriptor.fields for name in (field.name, field.json_name)}

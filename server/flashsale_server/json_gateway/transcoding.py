"""Transcoding: from the parts of an HTTP request to a message, and from a message to JSON.

As grpc-gateway does it: path values and query parameters fill fields by their paths, the body is
the message or one field of it, names are lowerCamelCase (those of the contract are understood,
too), enums go by name, fields that are not set are printed. One thing is stricter: what a request
has that its message has not is an error, so that a misspelt field is never silently ignored.
"""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from flashsale_server.json_gateway.bindings import Binding
from flashsale_server.json_gateway.json_reading import (
    NUMBER_WRAPPERS,
    invalid,
    read_json,
    told_as_invalid,
)
from flashsale_server.json_gateway.plain_reading import SPANS, is_odd_number

_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_NUMBERS_IN_TEXT: Final = SPANS | NUMBER_WRAPPERS
_PARSED_AS_WRITTEN: Final = NUMBER_WRAPPERS | {"google.protobuf.BoolValue"}
_PARSED_FROM_TEXT: Final = SPANS | {"google.protobuf.FieldMask", "google.protobuf.StringValue"}
_NUMBER: Final = re.compile(r"[+-]?[0-9]+")

Query = Sequence[tuple[str, str]]


def request_of(
    binding: Binding, path_values: Mapping[str, str], query: Query, body: bytes
) -> Message:
    """The message that a request makes.

    Raises:
        InvalidFields: something in it does not fit the message.
    """
    message = GetMessageClass(binding.rpc.input_type)()
    if binding.body:
        _fill_from_body(message, binding.body, body)
    elif body.strip():
        raise invalid("body", "this request takes no body")
    if binding.body != "*":
        bound = {_field(message, name.split(".")[0], name).json_name for name in path_values}
        for name, values in _grouped(query).items():
            if name in path_values or name in bound:
                raise invalid(name, "is given by the path already")
            _set(message, name, values)
    elif query:
        raise invalid(query[0][0], "must be in the body; this request takes no query parameters")
    # Last, because what the path says counts most.
    for name, value in path_values.items():
        _set(message, name, [value])
    return message


def message_of_json(descriptor: Descriptor, text: bytes) -> Message:
    """The message that a JSON text writes; empty text is the empty message.

    Raises:
        InvalidFields: it is not JSON, or does not fit the message.
    """
    message = GetMessageClass(descriptor)()
    read_json(text, message)
    return message


def _fill_from_body(message: Message, body_field: str, body: bytes) -> None:
    if body_field == "*":
        read_json(body, message)
        return
    field = message.DESCRIPTOR.fields_by_name[body_field]
    if body.strip():
        # By itself first: it must not end the field and go on with another.
        with told_as_invalid():
            json.loads(body.decode())
        wrapped = b'{"' + field.json_name.encode() + b'": ' + body + b"}"
        read_json(wrapped, message)


def _grouped(query: Query) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in query:
        grouped.setdefault(name, []).append(value)
    return grouped


def _set(message: Message, path: str, values: Sequence[str]) -> None:
    """Set the field at `path`, "a.b.c", from texts."""
    *parents, name = path.split(".")
    for parent in parents:
        field = _field(message, parent, path)
        if field.message_type is None or field.is_repeated:
            raise invalid(path, "is not a field of this request")
        message = getattr(message, field.name)
    field = _field(message, name, path)
    if not field.is_repeated and len(values) > 1:
        raise invalid(path, "is given more than once")
    try:
        for value in values:
            _set_one(message, field, value)
    except (KeyError, ValueError, TypeError, json_format.ParseError) as error:
        raise invalid(path, f"cannot be {values[0]!r}") from error


def _set_one(message: Message, field: FieldDescriptor, text: str) -> None:
    if field.message_type is not None:
        known = field.message_type.full_name
        if known not in _PARSED_FROM_TEXT | _PARSED_AS_WRITTEN:
            raise ValueError(known)
        if known in _NUMBERS_IN_TEXT and is_odd_number(text):
            raise ValueError(text)
        target = getattr(message, field.name)
        target = target.add() if field.is_repeated else target
        target.SetInParent()
        json_format.Parse(json.dumps(text) if known in _PARSED_FROM_TEXT else text, target)
    elif field.is_repeated:
        getattr(message, field.name).append(_scalar(field, text))
    else:
        setattr(message, field.name, _scalar(field, text))


def _scalar(field: FieldDescriptor, text: str) -> str | int | float | bool | bytes:
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return _bytes_of(text) if field.type == FieldDescriptor.TYPE_BYTES else text
        case FieldDescriptor.CPPTYPE_BOOL:
            return _BOOLEANS[text.lower()]
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return _fraction(text)
        case FieldDescriptor.CPPTYPE_ENUM:
            assert field.enum_type is not None  # noqa: S101  # an enum field has an enum
            by_name = field.enum_type.values_by_name.get(text)
            return _whole(text) if by_name is None else by_name.number
        case _:
            return _whole(text)


def _whole(text: str) -> int:
    """A whole number, without what Python allows beyond JSON, such as 1_000."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _fraction(text: str) -> float:
    """A number with a fraction, without what Python allows beyond JSON."""
    if is_odd_number(text):
        raise ValueError(text)
    return float(text)


def _bytes_of(text: str) -> bytes:
    """Base64, either alphabet."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)


def _field(message: Message, name: str, path: str) -> FieldDescriptor:
    descriptor = message.DESCRIPTOR
    field = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
    if field is None:
        raise invalid(path, "is not a field of this request")
    return field  # type: ignore[return-value]  # the stubs name one class twice

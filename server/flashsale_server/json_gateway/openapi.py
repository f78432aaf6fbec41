"""The OpenAPI 3.1 document of the HTTP API, made from the contract: its rules and its comments.

Comments are not part of the generated code; they are read from the descriptor set beside it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import status_pb2

from flashsale_server.json_gateway.bindings import Binding, Routes, Service

Json = dict[str, Any]  # the document is JSON, whose values are of any of its types

_WELL_KNOWN: Final[dict[str, Json]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "examples": ["0.5s"]},
    "google.protobuf.FieldMask": {"type": "string", "examples": ["title,endTime"]},
    "google.protobuf.BoolValue": {"type": "boolean"},
    "google.protobuf.StringValue": {"type": "string"},
    "google.protobuf.DoubleValue": {"type": "number", "format": "double"},
    "google.protobuf.FloatValue": {"type": "number", "format": "float"},
    "google.protobuf.Int32Value": {"type": "integer", "format": "int32"},
    "google.protobuf.UInt32Value": {"type": "integer", "format": "int64"},
    "google.protobuf.Int64Value": {"type": "string", "format": "int64"},
    "google.protobuf.UInt64Value": {"type": "string", "format": "int64"},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "additionalProperties": True,
    },
}
_INT64: Final = {
    FieldDescriptor.TYPE_INT64,
    FieldDescriptor.TYPE_UINT64,
    FieldDescriptor.TYPE_SINT64,
    FieldDescriptor.TYPE_FIXED64,
    FieldDescriptor.TYPE_SFIXED64,
}
_SCALARS: Final[dict[int, Json]] = {
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "format": "int64"},
}


def openapi_document(services: Sequence[Service], *, title: str, version: str) -> Json:
    """The document for `services`."""
    schemas = _Schemas()
    paths: Json = {}
    for binding in Routes(services).bindings:
        operations = paths.setdefault(_path(binding), {})
        operations[binding.http_method.lower()] = _operation(binding, schemas, len(paths))
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "summary": _summary(services)},
        "paths": paths,
        "components": {"schemas": schemas.written()},
        "tags": [
            {"name": item.descriptor.name, "description": _comment(item.descriptor.full_name)}
            for item in services
        ],
    }


def _operation(binding: Binding, schemas: "_Schemas", number: int) -> Json:
    rpc = binding.rpc
    text = _comment(rpc.full_name)
    operation: Json = {
        "operationId": f"{rpc.name}{number}",
        "summary": text.split(". ")[0].rstrip("."),
        "description": text,
        "tags": [rpc.containing_service.name],
        "parameters": list(_parameters(binding, schemas)),
        "responses": _responses(rpc, schemas),
    }
    if binding.body:
        media = "application/x-ndjson" if rpc.client_streaming else "application/json"
        if binding.body == "*":
            schema = schemas.reference(rpc.input_type)
        else:
            schema = schemas.of_field(rpc.input_type.fields_by_name[binding.body])
        operation["requestBody"] = {"content": {media: {"schema": schema}}}
    return operation


def _responses(rpc: MethodDescriptor, schemas: "_Schemas") -> Json:
    answer = schemas.reference(rpc.output_type)
    if rpc.server_streaming:
        line = {"type": "object", "properties": {"result": answer}}
        content: Json = {"application/x-ndjson": {"schema": line}}
        if not rpc.client_streaming:
            content["text/event-stream"] = {"schema": {"type": "string"}}
    else:
        content = {"application/json": {"schema": answer}}
    error = {"application/json": {"schema": schemas.reference(status_pb2.Status.DESCRIPTOR)}}
    return {
        "200": {"description": "The answer.", "content": content},
        "default": {
            "description": "Why there is no answer: its ErrorInfo has the reason.",
            "content": error,
        },
    }


def _parameters(binding: Binding, schemas: "_Schemas") -> Iterator[Json]:
    in_path = binding.template.variables
    for path in in_path:
        yield _parameter(path, _field_at(binding.rpc.input_type, path), "path", schemas)
    if binding.body == "*":
        return
    for name, field in _query_fields(binding.rpc.input_type, "", ()):
        if name not in in_path and name.split(".")[0] != binding.body:
            json_name = ".".join(_json_names(binding.rpc.input_type, name))
            yield _parameter(json_name, field, "query", schemas)


def _parameter(name: str, field: FieldDescriptor, place: str, schemas: "_Schemas") -> Json:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": _comment(field.full_name),
        "schema": schemas.of_field(field),
    }


def _query_fields(
    message: Descriptor, prefix: str, within: tuple[str, ...]
) -> Iterator[tuple[str, FieldDescriptor]]:
    """The fields that a query can fill, by their paths: all but maps and lists of messages."""
    for field in message.fields:
        inner = field.message_type
        if inner is None or inner.full_name in _WELL_KNOWN:
            yield prefix + field.name, field
        elif not field.is_repeated and inner.full_name not in within:
            yield from _query_fields(inner, f"{prefix}{field.name}.", (*within, inner.full_name))


def _field_at(message: Descriptor, path: str) -> FieldDescriptor:
    return list(_fields_along(message, path))[-1]


def _json_names(message: Descriptor, path: str) -> Iterator[str]:
    return (field.json_name for field in _fields_along(message, path))


def _fields_along(message: Descriptor, path: str) -> Iterator[FieldDescriptor]:
    inner: Descriptor | None = message
    for name in path.split("."):
        if inner is None:
            raise ValueError(f"{path} is not a field of {message.full_name}")
        field = inner.fields_by_name[name]
        yield field
        inner = field.message_type


class _Schemas:
    """The schemas of the messages and enums that the paths need, and of those that these need."""

    def __init__(self) -> None:
        self._schemas: Json = {}

    def written(self) -> Json:
        return dict(sorted(self._schemas.items()))

    def reference(self, message: Descriptor) -> Json:
        name = message.full_name
        if name in _WELL_KNOWN:
            return _WELL_KNOWN[name]
        if name not in self._schemas:
            self._schemas[name] = {}  # a message may contain itself
            self._schemas[name] = self._message(message)
        return {"$ref": f"#/components/schemas/{name}"}

    def of_field(self, field: FieldDescriptor) -> Json:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            values = self.of_field(field.message_type.fields_by_name["value"])
            return {"type": "object", "additionalProperties": values}
        if field.message_type is not None:
            schema = self.reference(field.message_type)
        elif field.enum_type is not None:
            name = field.enum_type.full_name
            self._schemas[name] = _enum(field.enum_type)
            schema = {"$ref": f"#/components/schemas/{name}"}
        elif field.type in _INT64:
            schema = {"type": "string", "format": "int64"}
        else:
            schema = _SCALARS[field.cpp_type]
        return {"type": "array", "items": schema} if field.is_repeated else schema

    def _message(self, message: Descriptor) -> Json:
        properties = {}
        for field in message.fields:
            schema = self.of_field(field)
            text = _comment(field.full_name)
            properties[field.json_name] = {**schema, "description": text} if text else schema
        return {
            "type": "object",
            "description": _comment(message.full_name),
            "properties": properties,
        }


def _enum(enum: EnumDescriptor) -> Json:
    scope = enum.full_name.rpartition(".")[0]
    lines = [f"- `{value.name}`: {_comment(f'{scope}.{value.name}')}" for value in enum.values]
    about = "\n".join([_comment(enum.full_name), "", *lines])
    return {"type": "string", "enum": [item.name for item in enum.values], "description": about}


def _path(binding: Binding) -> str:
    return re.sub(r"\{([^{}=]+)=[^{}]*\}", r"{\1}", binding.template.text)


def _summary(services: Sequence[Service]) -> str:
    return " ".join(_comment(item.descriptor.full_name) for item in services)


def _comment(full_name: str) -> str:
    return _comments().get(full_name, "")


@cache
def _comments() -> dict[str, str]:
    """The contract's comments, by the full names of what they are about."""
    contract = FileDescriptorSet.FromString(
        files("flashsale.v1").joinpath("contract.binpb").read_bytes()
    )
    comments: dict[str, str] = {}
    for file in contract.file:
        for location in file.source_code_info.location:
            name = _name_at(file, location.path)
            text = " ".join(location.leading_comments.split())
            if name and text:
                comments[f"{file.package}.{name}"] = text
    return comments


def _name_at(file: FileDescriptorProto, path: Sequence[int]) -> str:
    """The name of what a path of field numbers and indexes leads to; "" for anything unnamed.

    An enum's values are named beside the enum, not within it.
    """
    node: Any = file  # descriptors of many kinds, followed by the numbers of their fields
    names: list[str] = []
    for number, index in zip(path[::2], path[1::2], strict=False):
        field = node.DESCRIPTOR.fields_by_number.get(number)
        if field is None or not field.is_repeated or field.message_type is None:
            return ""
        if field.name == "value":
            names.pop()
        node = getattr(node, field.name)[index]
        if not isinstance(getattr(node, "name", None), str):
            return ""
        names.append(node.name)
    return ".".join(names) if len(path) % 2 == 0 else ""

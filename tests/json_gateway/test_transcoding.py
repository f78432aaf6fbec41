"""Bindings and transcoding on a contract made for the test, with rules that ours does not use."""

import pytest
from flashsale_server.checkout import InvalidFields, MethodNotAllowed, PathNotFound
from flashsale_server.json_gateway.bindings import Routes, Service
from flashsale_server.json_gateway.transcoding import request_of
from google.api import annotations_pb2
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.json_format import MessageToDict

FIELD = descriptor_pb2.FieldDescriptorProto


def made_service() -> Service:
    """A service with one method for each way to fill a request."""
    file = descriptor_pb2.FileDescriptorProto(name="made.proto", package="made", syntax="proto3")
    file.dependency.extend(
        item.DESCRIPTOR.name
        for item in (duration_pb2, timestamp_pb2, wrappers_pb2, annotations_pb2)
    )
    kinds = file.enum_type.add(name="Kind")
    kinds.value.add(name="KIND_NONE", number=0)
    kinds.value.add(name="KIND_BIG", number=1)
    inner = file.message_type.add(name="Inner")
    inner.field.add(name="size", number=1, type=FIELD.TYPE_INT32, label=FIELD.LABEL_OPTIONAL)
    thing = file.message_type.add(name="Thing")
    fields: list[tuple[str, int, str, int]] = [
        ("name", FIELD.TYPE_STRING, "", FIELD.LABEL_OPTIONAL),
        ("inner", FIELD.TYPE_MESSAGE, ".made.Inner", FIELD.LABEL_OPTIONAL),
        ("many", FIELD.TYPE_INT64, "", FIELD.LABEL_REPEATED),
        ("kind", FIELD.TYPE_ENUM, ".made.Kind", FIELD.LABEL_OPTIONAL),
        ("is_red", FIELD.TYPE_BOOL, "", FIELD.LABEL_OPTIONAL),
        ("ratio", FIELD.TYPE_DOUBLE, "", FIELD.LABEL_OPTIONAL),
        ("bits", FIELD.TYPE_BYTES, "", FIELD.LABEL_OPTIONAL),
        ("at", FIELD.TYPE_MESSAGE, ".google.protobuf.Timestamp", FIELD.LABEL_OPTIONAL),
        ("within", FIELD.TYPE_MESSAGE, ".google.protobuf.Duration", FIELD.LABEL_OPTIONAL),
        ("limit", FIELD.TYPE_MESSAGE, ".google.protobuf.Int32Value", FIELD.LABEL_OPTIONAL),
    ]
    for number, (name, kind, type_name, label) in enumerate(fields, 1):
        thing.field.add(
            name=name, number=number, type=kind, type_name=type_name or None, label=label
        )
    service = file.service.add(name="Things")
    rules = {"Get": ("get", "/things/{name}", ""), "Put": ("put", "/things/{name}", "*")}
    rules["Patch"] = ("patch", "/things/{name}", "inner")
    for method, (verb, path, body) in rules.items():
        rpc = service.method.add(name=method, input_type=".made.Thing", output_type=".made.Thing")
        rule = rpc.options.Extensions[annotations_pb2.http]
        setattr(rule, verb, path)
        rule.body = body
    custom = service.method.add(name="Purge", input_type=".made.Thing", output_type=".made.Thing")
    custom.options.Extensions[annotations_pb2.http].custom.kind = "PURGE"
    custom.options.Extensions[annotations_pb2.http].custom.path = "/things"
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return Service(pool.FindServiceByName("made.Things"), object())


ROUTES = Routes([made_service()])


def made(method: str, path: str, query: str = "", body: bytes = b"") -> dict[str, object]:
    pairs = [tuple(item.split("=", 1)) for item in query.split("&") if item]
    binding, values = ROUTES.find(method, path)
    message = request_of(binding, values, [(key, value) for key, value in pairs], body)
    return MessageToDict(message, preserving_proto_field_name=True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("inner.size=3", {"inner": {"size": 3}}),
        ("many=1&many=2", {"many": ["1", "2"]}),
        ("kind=KIND_BIG", {"kind": "KIND_BIG"}),
        ("kind=1", {"kind": "KIND_BIG"}),
        ("isRed=true", {"is_red": True}),
        ("is_red=1", {"is_red": True}),
        ("ratio=0.5", {"ratio": 0.5}),
        ("at=2026-11-27T09:00:00Z", {"at": "2026-11-27T09:00:00Z"}),
        ("within=1.5s", {"within": "1.500s"}),
        ("limit=7", {"limit": 7}),
    ],
)
def test_a_query_fills_fields_of_every_kind(query: str, expected: dict[str, object]) -> None:
    assert made("GET", "/things/a", query) == {"name": "a", **expected}


@pytest.mark.parametrize(
    "query",
    [
        "inner=3",
        "inner.size=x",
        "inner.colour=1",
        "many=x",
        "kind=KIND_SMALL",
        "isRed=perhaps",
        "ratio=half",
        "at=noon",
        "within=long",
        "limit=x",
        "limit=7&limit=8",
        "many.size=1",
        "name=b",
    ],
)
def test_a_query_that_does_not_fit_is_refused(query: str) -> None:
    with pytest.raises(InvalidFields):
        made("GET", "/things/a", query)


def test_a_body_fills_all_and_the_path_counts_most() -> None:
    body = b'{"name": "other", "ratio": 2}'
    assert made("PUT", "/things/a", body=body) == {"name": "a", "ratio": 2.0}


def test_a_body_may_fill_one_field_and_the_query_the_rest() -> None:
    assert made("PATCH", "/things/a", "ratio=2", b'{"size": 4}') == {
        "name": "a",
        "ratio": 2.0,
        "inner": {"size": 4},
    }


def test_a_request_that_takes_no_body_refuses_one() -> None:
    with pytest.raises(InvalidFields):
        made("GET", "/things/a", body=b"{}")


def test_a_method_of_ones_own_is_found() -> None:
    assert ROUTES.find("PURGE", "/things")[0].rpc.name == "Purge"


def test_what_is_not_there_and_what_is_there_for_others() -> None:
    with pytest.raises(PathNotFound):
        ROUTES.find("GET", "/nothing")
    with pytest.raises(MethodNotAllowed) as caught:
        ROUTES.find("DELETE", "/things/a")
    assert caught.value.allowed == ("GET", "PATCH", "PUT")

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
    inner.field.add(
        name="inner", number=2, type=FIELD.TYPE_MESSAGE, type_name=".made.Inner", label=1
    )
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
        ("title", FIELD.TYPE_MESSAGE, ".google.protobuf.StringValue", FIELD.LABEL_OPTIONAL),
        ("inners", FIELD.TYPE_MESSAGE, ".made.Inner", FIELD.LABEL_REPEATED),
        ("kinds", FIELD.TYPE_ENUM, ".made.Kind", FIELD.LABEL_REPEATED),
    ]
    for number, (name, kind, type_name, label) in enumerate(fields, 1):
        thing.field.add(
            name=name, number=number, type=kind, type_name=type_name or None, label=label
        )
    service = file.service.add(name="Things")
    rules = {
        "Get": ("get", "/things/{name}", ""),
        "Put": ("put", "/things/{name}", "*"),
        "Patch": ("patch", "/things/{name}", "inner"),
        "PatchMany": ("patch", "/things/{name}/many", "many"),
        "PatchRatio": ("patch", "/things/{name}/ratio", "ratio"),
        "Send": ("post", "/things/all", "*"),
        "Stop": ("post", "/things/{name}:stop", "*"),
        "GetInner": ("get", "/inners/{inner.inner.size}/{kind}", ""),
        "GetDeep": ("get", "/deep/{name=shelves/*/things/*}", ""),
        "PutInner": ("put", "/inners/{inner.size}", "*"),
    }
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
        ("title=7", {"title": "7"}),
        ("title=", {"title": ""}),
        ("bits=_-8=", {"bits": "/+8="}),
        ("bits=/+8=", {"bits": "/+8="}),
        ("kinds=KIND_BIG&kinds=0", {"kinds": ["KIND_BIG", "KIND_NONE"]}),
        ("inner.inner.size=-3", {"inner": {"inner": {"size": -3}}}),
        ("inner.size=1&inner.inner.size=2", {"inner": {"size": 1, "inner": {"size": 2}}}),
        ("ratio=-1.5e3", {"ratio": -1500.0}),
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
        "inners=1",
        "inners.size=1",
        "inner.size=1_0",
        "inner.size= 1",
        "inner.size=%s" % (2**31),
        "inner.size=1.0",
        "inner.=1",
        ".size=1",
        "=1",
        "kind=7_0",
        "bits=*",
        "bits=abc",
        "many=1&many=x",
        "within=NaNs",
        "at=0000-00-00T00:00:00Z",
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


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/things/a/many", b"[1, 2]", {"many": ["1", "2"]}),
        ("/things/a/ratio", b"0.5", {"ratio": 0.5}),
        ("/things/a/ratio", b" ", {}),
        ("/things/a", b"{}", {"inner": {}}),
    ],
)
def test_a_body_may_be_a_list_or_a_number(
    path: str, body: bytes, expected: dict[str, object]
) -> None:
    assert made("PATCH", path, body=body) == {"name": "a", **expected}


@pytest.mark.parametrize(
    "body",
    [b'{"size": 4}, "ratio": 2', b'{}, "kind": 1', b"{} {}", b'"size"', b"7", b"\xff", b"{"],
)
def test_the_body_of_one_field_reaches_no_other(body: bytes) -> None:
    with pytest.raises(InvalidFields):
        made("PATCH", "/things/a", body=body)


def test_a_path_reaches_into_fields() -> None:
    found = made("GET", "/inners/7/KIND_BIG", "inner.size=3")
    assert found == {"inner": {"size": 3, "inner": {"size": 7}}, "kind": "KIND_BIG"}


def test_a_path_counts_more_than_a_body_within_a_field_too() -> None:
    body = b'{"inner": {"size": 1, "inner": {"size": 2}}}'
    assert made("PUT", "/inners/5", body=body) == {"inner": {"size": 5, "inner": {"size": 2}}}


@pytest.mark.parametrize("path", ["/inners/x/KIND_BIG", "/inners/7/KIND_SMALL", "/inners/1_0/1"])
def test_a_path_that_does_not_fit_is_refused(path: str) -> None:
    with pytest.raises(InvalidFields):
        made("GET", path)


def test_a_path_may_fill_a_field_with_several_segments() -> None:
    assert made("GET", "/deep/shelves/1/things/%E2%9C%93") == {"name": "shelves/1/things/✓"}


def test_the_longer_text_is_tried_first() -> None:
    assert ROUTES.find("POST", "/things/a:stop")[0].rpc.name == "Stop"
    assert ROUTES.find("GET", "/things/a:stop")[1] == {"name": "a:stop"}


def test_a_path_of_its_own_hides_no_other_method() -> None:
    assert ROUTES.find("POST", "/things/all")[0].rpc.name == "Send"
    assert ROUTES.find("GET", "/things/all")[1] == {"name": "all"}
    with pytest.raises(MethodNotAllowed) as caught:
        ROUTES.find("DELETE", "/things/all")
    assert caught.value.allowed == ("GET", "PATCH", "POST", "PUT")


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

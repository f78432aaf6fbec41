"""JSON of messages against json_format, the reference, on random messages and random JSON."""

import json
from typing import Any

import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale_server.json_gateway.json_writing import json_of
from flashsale_server.json_gateway.plain_reading import read_plain_json
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    json_format,
    timestamp_pb2,
)
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import assume, given, settings
from hypothesis import strategies as st

FIELD = descriptor_pb2.FieldDescriptorProto


def made_message() -> type[Message]:
    """A message with a field of every kind, among them what plain JSON leaves alone."""
    file = descriptor_pb2.FileDescriptorProto(name="kinds.proto", package="kinds", syntax="proto3")
    file.dependency.extend([duration_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name])
    colour = file.enum_type.add(name="Colour")
    colour.value.add(name="COLOUR_NONE", number=0)
    colour.value.add(name="COLOUR_RED", number=-7)
    colour.value.add(name="COLOUR_CRIMSON", number=-7)
    colour.options.allow_alias = True
    kinds = file.message_type.add(name="Kinds")
    scalars = [
        kind for kind in FIELD.Type.values() if kind not in (FIELD.TYPE_GROUP, FIELD.TYPE_MESSAGE)
    ]
    others = [".kinds.Kinds", ".google.protobuf.Duration", ".google.protobuf.Timestamp"]
    number = 0
    for label in (FIELD.LABEL_OPTIONAL, FIELD.LABEL_REPEATED):
        for kind in scalars:
            number += 1
            type_name = ".kinds.Colour" if kind == FIELD.TYPE_ENUM else None
            kinds.field.add(
                name=f"a_field{number}", number=number, type=kind, label=label, type_name=type_name
            )
        for name in others:
            number += 1
            kinds.field.add(
                name=f"a_field{number}",
                number=number,
                type=FIELD.TYPE_MESSAGE,
                label=label,
                type_name=name,
            )
    kinds.oneof_decl.add(name="one")
    for _ in range(2):
        number += 1
        kinds.field.add(
            name=f"a_field{number}", number=number, type=FIELD.TYPE_INT32, label=1, oneof_index=0
        )
    number += 1
    kinds.oneof_decl.add(name="_maybe")
    kinds.field.add(
        name="maybe_int",
        number=number,
        type=FIELD.TYPE_INT32,
        label=1,
        proto3_optional=True,
        oneof_index=1,
    )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName("kinds.Kinds"))


def plainer_message() -> type[Message]:
    """Every kind that plain JSON writes by itself, so that no other makes it give up."""
    file = descriptor_pb2.FileDescriptorProto(name="plain.proto", package="plain", syntax="proto3")
    file.dependency.extend(
        ["kinds.proto", duration_pb2.DESCRIPTOR.name, timestamp_pb2.DESCRIPTOR.name]
    )
    plain = file.message_type.add(name="Plain")
    plain.field.add(
        name="kinds", number=99, type=FIELD.TYPE_MESSAGE, label=1, type_name=".kinds.Kinds"
    )
    left_out = (FIELD.TYPE_GROUP, FIELD.TYPE_MESSAGE, FIELD.TYPE_FLOAT)
    kinds = [kind for kind in FIELD.Type.values() if kind not in left_out]
    names: dict[int, str] = {FIELD.TYPE_ENUM: ".kinds.Colour"}
    for number, kind in enumerate([*kinds, *kinds], 1):
        label = FIELD.LABEL_OPTIONAL if number <= len(kinds) else FIELD.LABEL_REPEATED
        plain.field.add(
            name=f"a_field{number}",
            number=number,
            type=kind,
            label=label,
            type_name=names.get(kind),
        )
    for number, name in enumerate(("Duration", "Timestamp", "Duration", "Timestamp"), 60):
        plain.field.add(
            name=f"a_span{number}",
            number=number,
            type=FIELD.TYPE_MESSAGE,
            label=1 if number < 62 else 3,
            type_name=f".google.protobuf.{name}",
        )
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName("plain.Plain"))


KINDS = made_message()

MESSAGES: list[type[Message]] = [
    pb.PurchaseRequest,
    pb.BatchPurchaseRequest,
    pb.StreamPurchasesRequest,
    pb.WatchStatusRequest,
    pb.PurchaseResponse,
    pb.BatchPurchaseResponse,
    pb.StatusResponse,
    pb.GetPurchaseResponse,
    pb.MetricsResponse,
    pb.HealthResponse,
    KINDS,
    plainer_message(),
]


def fill(draw: st.DrawFn, message: Message, depth: int = 0) -> None:
    """Set some of a message's fields, to values that they can have."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        return
    if message.DESCRIPTOR.full_name == "google.protobuf.Timestamp":
        seconds, nanos = st.integers(-62135596800, 253402300799), st.integers(0, 999_999_999)
        whole = st.sampled_from([0, 5_000_000, 7_000, 999_999_999])
        message.MergeFrom(timestamp_pb2.Timestamp(seconds=draw(seconds), nanos=draw(nanos | whole)))
        return
    if message.DESCRIPTOR.full_name == "google.protobuf.Duration":
        message.MergeFrom(
            duration_pb2.Duration(
                seconds=draw(st.integers(0, 10**9)),
                nanos=draw(st.sampled_from([0, 500_000_000, 1])),
            )
        )
        return
    for field in message.DESCRIPTOR.fields:
        if not draw(st.booleans()) or (field.message_type is not None and depth >= 2):
            continue
        value = getattr(message, field.name)
        count = draw(st.integers(0, 3)) if field.is_repeated else 1
        for _ in range(count):
            if field.message_type is not None:
                inner = value.add() if field.is_repeated else value
                inner.SetInParent()
                fill(draw, inner, depth + 1)
            elif field.is_repeated:
                value.append(draw(scalar(field)))
            else:
                setattr(message, field.name, draw(scalar(field)))


FLOAT_MAX = float.fromhex("0x1.fffffep+127")

SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_STRING: st.text(max_size=9),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_DOUBLE: st.floats(),
    # The largest of them is written so short that the library itself does not read it back.
    FieldDescriptor.CPPTYPE_FLOAT: st.floats(width=32).filter(
        lambda value: abs(value) != FLOAT_MAX
    ),
    FieldDescriptor.CPPTYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
}


def scalar(field: Any) -> st.SearchStrategy[Any]:  # the stubs name the class of descriptors twice
    """The values of a field that is no message."""
    if field.type == FIELD.TYPE_BYTES:
        return st.binary(max_size=9)
    if field.enum_type is not None:
        return st.sampled_from([*(item.number for item in field.enum_type.values), 99])
    return SCALARS[field.cpp_type]


@st.composite
def messages(draw: st.DrawFn) -> Message:
    message = draw(st.sampled_from(MESSAGES))()
    fill(draw, message)
    return message


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["1s", "0s", "-1s", "1_0s", "2026-11-27T09:00:00Z", "7", "1_0", "COLOUR_RED", "NaN", "a:b"]
    ),
    st.just([]),
    st.just({}),
)


@st.composite
def texts(draw: st.DrawFn) -> tuple[type[Message], bytes]:
    """A message type, and JSON that fits it more or less."""
    kind = draw(st.sampled_from(MESSAGES))
    return kind, written(draw, kind.DESCRIPTOR).encode()


def written(draw: st.DrawFn, descriptor: Any, depth: int = 0) -> str:
    fields = list(descriptor.fields)
    pairs = []
    for field in draw(st.lists(st.sampled_from(fields), max_size=4)) if fields else ():
        name = draw(st.sampled_from([field.name, field.json_name]))
        if field.message_type is not None and depth < 2 and draw(st.integers(0, 4)):
            value = written(draw, field.message_type, depth + 1)
        else:
            value = json.dumps(draw(fitting(field) if draw(st.integers(0, 3)) else JUNK))
        is_list = field.is_repeated and draw(st.integers(0, 4))
        pairs.append(f"{json.dumps(name)}: {f'[{value}]' if is_list else value}")
    return "{" + ", ".join(pairs) + "}"


def fitting(field: Any) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return st.sampled_from(
            ["1s", "1.5s", "2026-11-27T09:00:00Z", "2026-11-27T09:00:00.123+02:00"]
        )
    if field.type == FIELD.TYPE_BYTES:
        return st.sampled_from(["YQ==", "YQ"])
    if field.enum_type is not None:
        return st.sampled_from([item.name for item in field.enum_type.values])
    return scalar(field)


@settings(max_examples=500, deadline=None)
@given(messages())
def test_it_writes_what_json_format_writes(message: Message) -> None:
    expected = json_format.MessageToJson(message, always_print_fields_with_no_presence=True)
    assert json.loads(json_of(message)) == json.loads(expected)


@settings(max_examples=1000, deadline=None)
@given(texts())
def test_it_reads_only_what_json_format_reads_and_the_same(
    case: tuple[type[Message], bytes],
) -> None:
    kind, text = case
    message, expected = kind(), kind()
    if not read_plain_json(text, message):
        assert message == kind()
        return
    json_format.Parse(text, expected, max_recursion_depth=50)
    assert message.SerializeToString(deterministic=True) == expected.SerializeToString(
        deterministic=True
    )


@settings(max_examples=300, deadline=None)
@given(messages())
def test_what_it_writes_is_read_back(message: Message) -> None:
    assume("nan" not in str(message))
    again = type(message)()
    if not read_plain_json(json_of(message), again):
        json_format.Parse(json_of(message), again)
    assert again == message


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (pb.PurchaseRequest, b'{"userId": "ann", "requestId": "r", "quantity": 2, "retry": true}'),
        (pb.PurchaseRequest, b'{"user_id": "ann", "timeout": "1.5s"}'),
        (pb.PurchaseRequest, b'{"userId": "urn:ann:1"}'),
        (pb.BatchPurchaseRequest, b'{"requests": [{"userId": "a"}, {"userId": "b"}]}'),
        (pb.StreamPurchasesRequest, b'{"request": {"userId": "a"}}'),
    ],
)
def test_what_buyers_send_is_plain(kind: type[Message], text: bytes) -> None:
    assert read_plain_json(text, kind())


@pytest.mark.parametrize(
    "text",
    [
        b'{"maybe_int": 1, "maybeInt": 2}',
        b'{"aField39": 1, "aField40": 2}',
        b'{"aField1": 1e999}',
        b'{"aField1": NaN}',
        b'{"aField1": 1, "aField1": 1}',
        b'{"aField9": ":", "aField1": 1.0, "aField1": 1.0}',
        b'{"aField18": "1_0s"}',
        b'{"aField1": "\\ud800"}',
        b"[]",
        b"\xff",
        b"",
        b"[" * 100_000,
    ],
)
def test_what_is_odd_is_left_to_json_format(text: bytes) -> None:
    message = KINDS()
    assert not read_plain_json(text, message)
    assert message == KINDS()

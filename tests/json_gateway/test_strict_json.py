"""What json_format would take although it is no JSON of the message: it is refused."""

import httpx
import pytest
from flashsale_server.checkout import InvalidFields
from flashsale_server.json_gateway.json_reading import read_json
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, wrappers_pb2
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.json_gateway.answers import PURCHASE, fields_of, reason_of

FIELD = descriptor_pb2.FieldDescriptorProto


def made_message() -> type[Message]:
    """A message with numbers wherever numbers can be."""
    file = descriptor_pb2.FileDescriptorProto(name="strict.proto", package="strict")
    file.syntax = "proto3"
    file.dependency.extend([duration_pb2.DESCRIPTOR.name, wrappers_pb2.DESCRIPTOR.name])
    colour = file.enum_type.add(name="Colour")
    colour.value.add(name="COLOUR_NONE", number=0)
    numbers = file.message_type.add(name="Numbers")
    entry = numbers.nested_type.add(name="ByNumberEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=FIELD.TYPE_INT32, label=1)
    entry.field.add(name="value", number=2, type=FIELD.TYPE_INT64, label=1)
    fields: list[tuple[str, int, str | None, int]] = [
        ("a_long", FIELD.TYPE_INT64, None, 1),
        ("a_double", FIELD.TYPE_DOUBLE, None, 1),
        ("a_colour", FIELD.TYPE_ENUM, ".strict.Colour", 1),
        ("many", FIELD.TYPE_INT32, None, 3),
        ("span", FIELD.TYPE_MESSAGE, ".google.protobuf.Duration", 1),
        ("limit", FIELD.TYPE_MESSAGE, ".google.protobuf.Int64Value", 1),
        ("inner", FIELD.TYPE_MESSAGE, ".strict.Numbers", 1),
        ("by_number", FIELD.TYPE_MESSAGE, ".strict.Numbers.ByNumberEntry", 3),
        ("a_text", FIELD.TYPE_STRING, None, 1),
        ("title", FIELD.TYPE_MESSAGE, ".google.protobuf.StringValue", 1),
    ]
    for number, (name, kind, type_name, label) in enumerate(fields, 1):
        numbers.field.add(name=name, number=number, type=kind, label=label, type_name=type_name)
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName("strict.Numbers"))


NUMBERS = made_message()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('{"aLong": "1_0"}', "aLong"),
        ('{"aLong": "\uff11\uff10"}', "aLong"),
        ('{"aLong": "\\n10"}', "aLong"),
        ('{"aDouble": "1_0.5"}', "aDouble"),
        ('{"aColour": "0_0"}', "aColour"),
        ('{"many": [1, "1_0"]}', "many[1]"),
        ('{"span": "1_0s"}', "span"),
        ('{"span": "\u0661s"}', "span"),
        ('{"limit": "1_0"}', "limit"),
        ('{"inner": {"inner": {"aLong": "1_0"}}}', "inner.inner.aLong"),
        ('{"byNumber": {"1_0": 1}}', "byNumber"),
        ('{"byNumber": {"1": "1_0"}}', "byNumber.1"),
        ('{"aLong": 1, "a_long": 1}', "a_long"),
        ('{"inner": {"a_text": "a", "aText": "a"}}', "inner.aText"),
    ],
)
def test_what_only_python_takes_is_refused(text: str, field: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        read_json(text.encode(), NUMBERS())
    assert [item.field for item in caught.value.violations] == [field]


@pytest.mark.parametrize(
    "text",
    [
        '{"aLong": "10", "aDouble": "-1.5e3", "many": ["1", 2], "span": "1.5s", "limit": "10"}',
        '{"aDouble": "NaN", "inner": {"aDouble": "-Infinity"}}',
        '{"aText": "1_0 \uff11", "title": "1_0", "aColour": "COLOUR_NONE"}',
        '{"byNumber": {"1": "2"}, "inner": null}',
    ],
)
def test_what_is_json_is_taken(text: str) -> None:
    message = NUMBERS()
    read_json(text.encode(), message)
    assert message != NUMBERS()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"userId": "ann", "quantity": "1_0"}', "quantity"),
        ('{"userId": "ann", "quantity": "\uff11"}', "quantity"),
        ('{"userId": "ann", "timeout": "1_0s"}', "timeout"),
        ('{"userId": "ann", "user_id": "ann"}', "user_id"),
    ],
)
async def test_it_is_refused_at_the_door(web: httpx.AsyncClient, body: str, field: str) -> None:
    answer = await web.post(PURCHASE, content=body.encode())
    assert (answer.status_code, reason_of(answer)) == (400, "INVALID_FIELD")
    assert fields_of(answer) == [field]


@pytest.mark.parametrize("query", ["minInterval=1_0s", "minInterval=%EF%BC%91s"])
async def test_it_is_refused_in_a_query_too(web: httpx.AsyncClient, query: str) -> None:
    answer = await web.get(f"/flash-sale/status:watch?{query}")
    assert (answer.status_code, fields_of(answer)) == (400, ["minInterval"])

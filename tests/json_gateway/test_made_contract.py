"""The document and CORS of a contract that ours is not: nothing in the room knows our services."""

import httpx
from flashsale_server.grpc_api import status_of
from flashsale_server.json_gateway import Service, http_app
from flashsale_server.json_gateway.openapi import openapi_document
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, field_mask_pb2
from openapi_spec_validator import validate

FIELD = descriptor_pb2.FieldDescriptorProto


def made_service() -> Service:
    """A service that updates a part of a message which its path names."""
    file = descriptor_pb2.FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3")
    file.dependency.extend([annotations_pb2.DESCRIPTOR.name, field_mask_pb2.DESCRIPTOR.name])
    sale = file.message_type.add(name="Sale")
    sale.field.add(name="sale_id", number=1, type=FIELD.TYPE_STRING, label=1)
    sale.field.add(name="title", number=2, type=FIELD.TYPE_STRING, label=1)
    labels = sale.nested_type.add(name="LabelsEntry")
    labels.options.map_entry = True
    labels.field.add(name="key", number=1, type=FIELD.TYPE_STRING, label=1)
    labels.field.add(name="value", number=2, type=FIELD.TYPE_INT32, label=1)
    entry = ".shop.Sale.LabelsEntry"
    sale.field.add(name="labels", number=3, type=FIELD.TYPE_MESSAGE, type_name=entry, label=3)
    update = file.message_type.add(name="Update")
    message = FIELD.TYPE_MESSAGE
    update.field.add(name="sale", number=1, type=message, type_name=".shop.Sale", label=1)
    mask = ".google.protobuf.FieldMask"
    update.field.add(name="update_mask", number=2, type=message, type_name=mask, label=1)
    service = file.service.add(name="Shop")
    for name, verb, path, body in (
        ("Change", "patch", "/sales/{sale.sale_id}", "sale"),
        ("Find", "get", "/sales", ""),
        ("Remove", "delete", "/{sale.sale_id=sales/*}", ""),
    ):
        rpc = service.method.add(name=name, input_type=".shop.Update", output_type=".shop.Sale")
        rule = rpc.options.Extensions[annotations_pb2.http]
        setattr(rule, verb, path)
        rule.body = body
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return Service(pool.FindServiceByName("shop.Shop"), object())


SHOP = made_service()
DOCUMENT = openapi_document([SHOP], title="Shop", version="1")


def places(method: str, path: str) -> dict[str, str]:
    """Where each parameter of an operation goes."""
    return {item["name"]: item["in"] for item in DOCUMENT["paths"][path][method]["parameters"]}


def test_the_document_is_valid() -> None:
    validate(DOCUMENT)


def test_a_path_may_name_a_field_of_a_field() -> None:
    path = "/sales/{sale.sale_id}"
    assert places("patch", path) == {"sale.sale_id": "path", "updateMask": "query"}
    body = DOCUMENT["paths"][path]["patch"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/shop.Sale"}


def test_a_query_names_fields_of_fields_and_no_maps() -> None:
    expected = {"sale.saleId": "query", "sale.title": "query", "updateMask": "query"}
    assert places("get", "/sales") == expected


def test_a_map_is_an_object() -> None:
    labels = DOCUMENT["components"]["schemas"]["shop.Sale"]["properties"]["labels"]
    assert labels["additionalProperties"] == {"type": "integer", "format": "int32"}


async def test_pages_may_use_every_method_of_the_contract() -> None:
    app = http_app([SHOP], status_of=status_of, cors_origins=["https://shop.example"])
    headers = {"origin": "https://shop.example", "access-control-request-method": "PATCH"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as web:
        answer = await web.options("/sales/a", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-methods"] == "DELETE, GET, PATCH"

"""The API's document, the page that shows it, and the metrics page beside them."""

import re
from typing import Any

import httpx
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from google.api import annotations_pb2
from openapi_spec_validator import validate


@pytest.fixture
async def document(web: httpx.AsyncClient) -> dict[str, Any]:
    answer = await web.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


async def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    validate(document)
    assert document["openapi"].startswith("3.1.")


async def test_the_document_has_every_path_of_the_contract(document: dict[str, Any]) -> None:
    expected = set()
    buyers = pb.DESCRIPTOR.services_by_name["FlashSaleService"]
    shops = admin.DESCRIPTOR.services_by_name["SaleAdminService"]
    for rpc in (*buyers.methods, *shops.methods):
        rule = rpc.GetOptions().Extensions[annotations_pb2.http]
        for one in (rule, *rule.additional_bindings):
            method = one.WhichOneof("pattern")
            expected.add((method, getattr(one, method)))
    found = {(method, path) for path, ways in document["paths"].items() for method in ways}
    assert found == expected


async def test_everything_in_the_document_is_described(document: dict[str, Any]) -> None:
    for ways in document["paths"].values():
        for operation in ways.values():
            assert operation["summary"]
            assert operation["description"]
            for parameter in operation["parameters"]:
                assert parameter["description"], parameter
    schemas = document["components"]["schemas"]
    ours = {name: schema for name, schema in schemas.items() if name.startswith("flashsale.v1.")}
    for name, schema in ours.items():
        assert schema["description"], name
        for field, described in schema.get("properties", {}).items():
            assert described["description"], f"{name}.{field}"
    assert "Nothing is available." in ours["flashsale.v1.Outcome"]["description"]
    messages = {f"flashsale.v1.{name}" for name in pb.DESCRIPTOR.message_types_by_name}
    only_asked_by_path = {name for name in messages - set(ours) if name.endswith("Request")}
    assert messages - set(ours) == only_asked_by_path


async def test_the_document_says_how_json_is_written(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    purchase = schemas["flashsale.v1.Purchase"]["properties"]
    assert purchase["position"]["type"] == "string"  # 64 bits
    assert purchase["quantity"]["type"] == "integer"
    assert purchase["createTime"]["format"] == "date-time"
    assert purchase["state"]["$ref"].endswith("flashsale.v1.PurchaseState")
    watch = document["paths"]["/flash-sale/status:watch"]["get"]["responses"]["200"]["content"]
    assert set(watch) == {"application/x-ndjson", "text/event-stream"}


async def test_each_operation_has_its_own_id(document: dict[str, Any]) -> None:
    operations = [item for ways in document["paths"].values() for item in ways.values()]
    assert len({item["operationId"] for item in operations}) == len(operations)


async def test_the_page_loads_nothing_from_elsewhere(web: httpx.AsyncClient) -> None:
    page = await web.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "://" not in page.text
    assert not re.search(r'(src|href)="(//|[^/])', page.text)
    assert "<script>" not in page.text
    policy = page.headers["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert not [part for part in policy if "://" in part or "*" in part]


async def test_the_page_has_all_it_needs(web: httpx.AsyncClient) -> None:
    page = await web.get("/docs")
    assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    kinds = []
    for asset in assets:
        answer = await web.get(asset)
        assert answer.status_code == 200, asset
        kinds.append(answer.headers["content-type"].split(";")[0])
    assert sorted(kinds) == ["image/png", "text/css", "text/javascript", "text/javascript"]
    assert "/openapi.json" in (await web.get("/docs/start.js")).text


@pytest.mark.parametrize("name", ["nope", "../settings.py", "%2e%2e%2fsettings.py", "index.html"])
async def test_the_page_has_nothing_else(web: httpx.AsyncClient, name: str) -> None:
    answer = await web.get(f"/docs/{name}")
    assert answer.status_code == 404
    assert "PATH_NOT_FOUND" in answer.text

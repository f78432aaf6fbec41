"""Every error of the table, provoked for real, as it reaches callers at each of the three doors."""

import asyncio
import copy
import re
from collections.abc import Awaitable, Callable

import grpc
import httpx
import pytest
from flashsale import AsyncClient, FlashSaleError, Retries
from flashsale.errors import REASONS
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale_server.checkout import Fault
from flashsale_server.grpc_api import ERROR_TABLE, reason_of
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.checkout.troubled_ledger import Fate, TroubledLedger
from tests.end_to_end.provoked import CASES, HTTP_PATHS, ask, trouble
from tests.sale_admin import HOLD, Shop, open_shop, refusal
from tests.servers import Running, running

AskSdk = Callable[[AsyncClient, Message], Awaitable[object]]


async def purchase(client: AsyncClient, request: Message) -> object:
    assert isinstance(request, pb.PurchaseRequest)
    return await client.purchase(
        request.user_id,
        quantity=request.quantity if request.HasField("quantity") else 1,
        request_id=request.request_id or None,
        sale_id=request.sale_id or None,
    )


async def confirm(client: AsyncClient, request: Message) -> object:
    assert isinstance(request, pb.ConfirmPurchaseRequest)
    user_id, purchase_id = request.user_id, request.purchase_id
    sale_id = request.sale_id or None
    return await client.confirm(user_id=user_id, purchase_id=purchase_id, sale_id=sale_id)


async def release(client: AsyncClient, request: Message) -> object:
    assert isinstance(request, pb.ReleasePurchaseRequest)
    user_id, purchase_id = request.user_id, request.purchase_id
    return await client.release(user_id=user_id, purchase_id=purchase_id, sale_id=request.sale_id)


async def create_sale(client: AsyncClient, request: Message) -> object:
    assert isinstance(request, admin.CreateSaleRequest)
    return await client.admin.create_sale(request.sale_id, total_stock=request.sale.total_stock)


async def pause_sale(client: AsyncClient, request: Message) -> object:
    assert isinstance(request, admin.PauseSaleRequest)
    return await client.admin.pause_sale(request.sale_id, etag=request.etag or None)


async def restock_sale(client: AsyncClient, request: Message) -> object:
    assert isinstance(request, admin.RestockSaleRequest)
    return await client.admin.restock_sale(request.sale_id, request.stock_change)


# How the SDK asks, by the kind of request.
ASK_SDK: dict[type[Message], AskSdk] = {
    pb.PurchaseRequest: purchase,
    pb.ConfirmPurchaseRequest: confirm,
    pb.ReleasePurchaseRequest: release,
    admin.CreateSaleRequest: create_sale,
    admin.PauseSaleRequest: pause_sale,
    admin.RestockSaleRequest: restock_sale,
}
# What only a stream, a deadline or an HTTP request can meet has its tests beside those.
ELSEWHERE = {"TOO_MANY_WATCHERS", "DEADLINE_EXCEEDED"}
ELSEWHERE |= {"PATH_NOT_FOUND", "METHOD_NOT_ALLOWED", "BODY_TOO_LARGE", "TOO_MANY_CONNECTIONS"}
ELSEWHERE |= {"UNAUTHENTICATED", "PERMISSION_DENIED"}  # at all three doors in tests/access


def every_fault(kind: type[Fault] = Fault) -> set[type[Fault]]:
    return {kind} | {found for sub in kind.__subclasses__() for found in every_fault(sub)}


def test_every_fault_has_its_row_in_the_table_and_its_test() -> None:
    kinds = {kind for kind in every_fault() if not kind.__subclasses__()}
    assert kinds == set(ERROR_TABLE)
    assert {reason_of(kind) for kind in kinds} == set(CASES) | ELSEWHERE


@pytest.mark.parametrize("reason", CASES)
async def test_grpc_callers_see(reason: str) -> None:
    case = CASES[reason]
    async with trouble(case) as (shop, request):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(shop, request)
    assert caught.value.code() is case.status
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]  # it has what is read of a call
    assert status is not None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert [detail.Unpack(info) for detail in status.details].count(True) == 1
    assert (info.domain, info.reason) == ("flashsale", reason)
    assert any(detail.Unpack(retry) for detail in status.details) == case.waits
    if reason == "OUTCOME_UNKNOWN":
        assert info.metadata["request_id"]


@pytest.mark.parametrize("reason", CASES)
async def test_sdk_callers_see(reason: str) -> None:
    case = CASES[reason]
    async with trouble(case) as (shop, request):
        error = await _error_of_sdk(shop, request)
    assert type(error) is REASONS[reason]
    assert error.reason == reason
    assert (error.retry_after_seconds is not None) == case.waits
    if isinstance(request, pb.PurchaseRequest):
        assert error.request_id


async def _error_of_sdk(shop: Shop, request: Message) -> FlashSaleError:
    async with AsyncClient(shop.server.address, retries=Retries(1)) as client:
        with pytest.raises(FlashSaleError) as caught:
            await ASK_SDK[type(request)](client, request)
    return caught.value


@pytest.mark.parametrize("reason", CASES)
async def test_json_callers_see(reason: str) -> None:
    case = CASES[reason]
    async with trouble(case) as (shop, request):
        method, path = HTTP_PATHS[type(request)]
        body = MessageToDict(request)
        for name in re.findall(r"{(\w+)}", path):
            value = body.pop(json_name(name))
            path = path.replace(f"{{{name}}}", value)
        async with httpx.AsyncClient(base_url=shop.server.url) as web:
            answer = await web.request(method, path, json=body)
    assert answer.status_code == case.http, answer.text
    infos = [item for item in answer.json()["details"] if item["@type"].endswith("ErrorInfo")]
    assert [item["reason"] for item in infos] == [reason]
    assert ("retry-after" in answer.headers) == case.waits


def json_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


@pytest.mark.parametrize(
    "request_",
    [
        pb.ConfirmPurchaseRequest(sale_id="hats", user_id="ann"),
        admin.RestockSaleRequest(sale_id="hats", stock_change=1, etag="r1"),
        admin.CreateSaleRequest(sale_id="caps"),
    ],
    ids=["confirm", "restock", "create"],
)
@pytest.mark.parametrize("fate", [Fate.UNKNOWN_AND_LOST, Fate.UNKNOWN_AND_LANDED])
async def test_a_change_of_unknown_fate_may_be_asked_for_again(
    request_: Message, fate: Fate
) -> None:
    ledger = TroubledLedger()
    async with open_shop(ledger) as shop:
        await shop.make(hold_duration=HOLD)
        request = copy.deepcopy(request_)
        held = (await shop.buy("ann")).purchase
        if isinstance(request, pb.ConfirmPurchaseRequest):
            request.purchase_id = held.purchase_id
        ledger.order(fate)
        first = await refusal(ask(shop, request))
        assert first.reason == "OUTCOME_UNKNOWN"
        if isinstance(request, pb.ConfirmPurchaseRequest) or fate is Fate.UNKNOWN_AND_LOST:
            await ask(shop, request)
        else:
            again = await refusal(ask(shop, request))
            assert again.reason in {"ETAG_MISMATCH", "SALE_EXISTS"}
        sale = await shop.sale()
        assert sale.available_stock + sale.held_stock + sale.sold_stock == sale.total_stock
        assert sale.sold_stock == (1 if isinstance(request, pb.ConfirmPurchaseRequest) else 0)
        assert sale.total_stock == (6 if isinstance(request, admin.RestockSaleRequest) else 5)


async def test_twelve_thousand_at_once_leave_two_thousand_outside() -> None:
    ledger = TroubledLedger()
    async with running(ledger, stock="100") as shop:
        ledger.stall()
        batches = [
            pb.BatchPurchaseRequest(
                requests=[pb.PurchaseRequest(user_id=f"u-{number}-{n}") for n in range(1000)]
            )
            for number in range(12)
        ]
        calls = [asyncio.create_task(_results(shop, batch)) for batch in batches]
        while (await shop.stub.Metrics(pb.MetricsRequest())).attempts < 12_000:
            pass
        ledger.go_on()
        results = [result for batch in await asyncio.gather(*calls) for result in batch]
        status = await shop.stub.Status(pb.StatusRequest())
    assert sum(result.HasField("error") for result in results) == 2000
    assert sum(result.response.outcome == pb.OUTCOME_PURCHASED for result in results) == 100
    assert status.sold_stock == 100


async def _results(shop: Running, batch: pb.BatchPurchaseRequest) -> list[pb.PurchaseResult]:
    return list((await shop.stub.BatchPurchase(batch)).results)

"""Every error of the table, provoked for real, as it reaches callers at each of the three doors."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import grpc
import httpx
import pytest
from flashsale import AsyncClient, FlashSaleError, Retries
from flashsale.errors import REASONS
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale_server.checkout import Fault
from flashsale_server.domain import Entry
from flashsale_server.grpc_api import ERROR_TABLE, reason_of
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.checkout.troubled_ledger import Fate, TroubledLedger
from tests.servers import Running, running

Provoke = Callable[[Running, TroubledLedger], Awaitable[None]]


@dataclass(frozen=True)
class Case:
    """How to bring an error about, and what must be seen of it."""

    status: grpc.StatusCode
    http: int
    provoke: Provoke
    request: pb.PurchaseRequest
    settings: dict[str, str]
    waits: bool = False


async def nothing(_: Running, __: TroubledLedger) -> None:
    return


async def buy(shop: Running, user_id: str, request_id: str = "") -> None:
    with contextlib.suppress(grpc.aio.AioRpcError):
        await shop.stub.Purchase(pb.PurchaseRequest(user_id=user_id, request_id=request_id))


async def used_request_id(shop: Running, _: TroubledLedger) -> None:
    await buy(shop, "ann", "r-1")


async def used_up(shop: Running, _: TroubledLedger) -> None:
    await buy(shop, "ann")


async def full_queue(shop: Running, ledger: TroubledLedger) -> None:
    ledger.stall()
    waiting = asyncio.create_task(buy(shop, "first"))
    await ledger.asked.wait()
    shop.waiting.append(waiting)


async def open_circuit(shop: Running, ledger: TroubledLedger) -> None:
    ledger.order(Fate.REJECTED)
    await buy(shop, "unlucky")


async def lost_append(_: Running, ledger: TroubledLedger) -> None:
    ledger.order(*[Fate.UNKNOWN_AND_LOST] * 3)


async def rejected_append(_: Running, ledger: TroubledLedger) -> None:
    ledger.order(*[Fate.REJECTED] * 3)


async def draining(shop: Running, _: TroubledLedger) -> None:
    await shop.server.drain()


async def strange_entry(shop: Running, ledger: TroubledLedger) -> None:
    append = shop.server.sale.replica.append_of([Entry("teleported")], 2**60)
    await ledger.truth.append(append)


ANN = pb.PurchaseRequest(user_id="ann")
INVALID = grpc.StatusCode.INVALID_ARGUMENT
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
REUSED = pb.PurchaseRequest(user_id="ann", request_id="r-1", quantity=2)
CASES = {
    "INVALID_FIELD": Case(INVALID, 400, nothing, pb.PurchaseRequest(), {}),
    "REQUEST_ID_REUSED": Case(INVALID, 400, used_request_id, REUSED, {"per_user_limit": "5"}),
    "SALE_NOT_FOUND": Case(
        grpc.StatusCode.NOT_FOUND, 404, nothing, pb.PurchaseRequest(user_id="a", sale_id="no"), {}
    ),
    "USER_RATE_LIMITED": Case(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        429,
        used_up,
        ANN,
        {"rate_limit_per_minute": "1"},
        waits=True,
    ),
    "QUEUE_FULL": Case(UNAVAILABLE, 503, full_queue, ANN, {"max_queue": "1"}, waits=True),
    "CIRCUIT_OPEN": Case(
        UNAVAILABLE, 503, open_circuit, ANN, {"breaker_failures": "1"}, waits=True
    ),
    "OUTCOME_UNKNOWN": Case(UNAVAILABLE, 503, lost_append, ANN, {}, waits=True),
    "LEDGER_UNAVAILABLE": Case(UNAVAILABLE, 503, rejected_append, ANN, {}, waits=True),
    "SHUTTING_DOWN": Case(UNAVAILABLE, 503, draining, ANN, {}, waits=True),
    "SALE_UNREADABLE": Case(UNAVAILABLE, 503, strange_entry, ANN, {}, waits=True),
}
# What only a stream, a deadline or an HTTP request can meet has its tests beside those.
ELSEWHERE = {"TOO_MANY_WATCHERS", "DEADLINE_EXCEEDED", "PURCHASE_NOT_FOUND"}
ELSEWHERE |= {"PATH_NOT_FOUND", "METHOD_NOT_ALLOWED", "BODY_TOO_LARGE"}


@contextlib.asynccontextmanager
async def trouble(case: Case) -> AsyncIterator[Running]:
    ledger = TroubledLedger()
    async with running(ledger, **case.settings) as shop:
        await case.provoke(shop, ledger)
        yield shop
        ledger.go_on()
        await asyncio.gather(*shop.waiting)


def every_fault(kind: type[Fault] = Fault) -> set[type[Fault]]:
    return {kind} | {found for sub in kind.__subclasses__() for found in every_fault(sub)}


def test_every_fault_has_its_row_in_the_table_and_its_test() -> None:
    kinds = {kind for kind in every_fault() if not kind.__subclasses__()}
    assert kinds == set(ERROR_TABLE)
    assert {reason_of(kind) for kind in kinds} == set(CASES) | ELSEWHERE


@pytest.mark.parametrize("reason", CASES)
async def test_grpc_callers_see(reason: str) -> None:
    case = CASES[reason]
    async with trouble(case) as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.stub.Purchase(case.request)
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
    async with trouble(case) as shop:
        async with AsyncClient(shop.address, retries=Retries(1)) as client:
            with pytest.raises(FlashSaleError) as caught:
                await client.purchase(
                    case.request.user_id,
                    quantity=case.request.quantity if case.request.HasField("quantity") else 1,
                    request_id=case.request.request_id or None,
                    sale_id=case.request.sale_id or None,
                )
    assert type(caught.value) is REASONS[reason]
    assert caught.value.reason == reason
    assert (caught.value.retry_after_seconds is not None) == case.waits
    assert caught.value.request_id


@pytest.mark.parametrize("reason", CASES)
async def test_json_callers_see(reason: str) -> None:
    case = CASES[reason]
    body = {"userId": case.request.user_id, "requestId": case.request.request_id}
    if case.request.HasField("quantity"):
        body["quantity"] = str(case.request.quantity)
    if case.request.sale_id:
        body["saleId"] = case.request.sale_id
    async with trouble(case) as shop, httpx.AsyncClient(base_url=shop.url) as web:
        answer = await web.post("/flash-sale/purchase", json=body)
    assert answer.status_code == case.http, answer.text
    infos = [item for item in answer.json()["details"] if item["@type"].endswith("ErrorInfo")]
    assert [item["reason"] for item in infos] == [reason]
    assert ("retry-after" in answer.headers) == case.waits


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

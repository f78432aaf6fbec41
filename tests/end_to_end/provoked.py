"""Every error of the table: how to bring it about for real, and what to ask then."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import grpc
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale_server.domain import Entry
from google.protobuf.message import Message

from tests.checkout.troubled_ledger import Fate, TroubledLedger
from tests.sale_admin import HOLD, Shop, open_shop

Provoke = Callable[[Shop, TroubledLedger], Awaitable[Message | None]]
"""Brings an error about; returns what to ask then, where that is known only now."""

HTTP_PATHS = {
    pb.PurchaseRequest: ("POST", "/flash-sale/purchase"),
    pb.ConfirmPurchaseRequest: ("POST", "/flash-sale/purchase/{purchase_id}:confirm"),
    pb.ReleasePurchaseRequest: ("POST", "/flash-sale/purchase/{purchase_id}:release"),
    admin.CreateSaleRequest: ("POST", "/v1/sales?saleId={sale_id}"),
    admin.PauseSaleRequest: ("POST", "/v1/sales/{sale_id}:pause"),
    admin.RestockSaleRequest: ("POST", "/v1/sales/{sale_id}:restock"),
}


@dataclass(frozen=True)
class Case:
    """How to bring an error about, and what must be seen of it."""

    status: grpc.StatusCode
    http: int
    provoke: Provoke
    request: Message | None = None
    settings: dict[str, str] = field(default_factory=dict)
    waits: bool = False


async def nothing(_: Shop, __: TroubledLedger) -> None:
    return


async def buy(shop: Shop, user_id: str, request_id: str = "") -> None:
    with contextlib.suppress(grpc.aio.AioRpcError):
        await shop.buyer.Purchase(pb.PurchaseRequest(user_id=user_id, request_id=request_id))


async def used_request_id(shop: Shop, _: TroubledLedger) -> None:
    await buy(shop, "ann", "r-1")


async def used_up(shop: Shop, _: TroubledLedger) -> None:
    await buy(shop, "ann")


async def full_queue(shop: Shop, ledger: TroubledLedger) -> None:
    ledger.stall()
    waiting = asyncio.create_task(buy(shop, "first"))
    await ledger.asked.wait()
    shop.server.waiting.append(waiting)


async def open_circuit(shop: Shop, ledger: TroubledLedger) -> None:
    ledger.order(Fate.REJECTED)
    await buy(shop, "unlucky")


async def lost_append(_: Shop, ledger: TroubledLedger) -> None:
    ledger.order(*[Fate.UNKNOWN_AND_LOST] * 3)


async def rejected_append(_: Shop, ledger: TroubledLedger) -> None:
    ledger.order(*[Fate.REJECTED] * 3)


async def draining(shop: Shop, _: TroubledLedger) -> None:
    await shop.server.server.drain()


async def strange_entry(shop: Shop, ledger: TroubledLedger) -> None:
    append = shop.server.server.sale.replica.append_of([Entry("teleported")], 2**60)
    await ledger.truth.append(append)


async def held(shop: Shop, seconds: int = 30) -> pb.Purchase:
    await shop.make(hold_duration={"seconds": seconds})
    return (await shop.buy("ann")).purchase


def confirming(purchase: pb.Purchase) -> pb.ConfirmPurchaseRequest:
    return pb.ConfirmPurchaseRequest(
        sale_id="hats", user_id=purchase.user_id, purchase_id=purchase.purchase_id
    )


def releasing(purchase: pb.Purchase) -> pb.ReleasePurchaseRequest:
    return pb.ReleasePurchaseRequest(
        sale_id="hats", user_id=purchase.user_id, purchase_id=purchase.purchase_id
    )


async def expired_hold(shop: Shop, _: TroubledLedger) -> Message:
    purchase = await held(shop, 1)
    deadline = time.monotonic() + 20
    while (await shop.sale()).held_stock:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    return confirming(purchase)


async def released_hold(shop: Shop, _: TroubledLedger) -> Message:
    purchase = await held(shop)
    await shop.buyer.ReleasePurchase(releasing(purchase))
    return confirming(purchase)


async def confirmed_purchase(shop: Shop, _: TroubledLedger) -> Message:
    purchase = await held(shop)
    await shop.buyer.ConfirmPurchase(confirming(purchase))
    return releasing(purchase)


async def cancelled_purchase(shop: Shop, _: TroubledLedger) -> Message:
    purchase = await held(shop)
    await shop.admin.CancelPurchase(
        admin.CancelPurchaseRequest(sale_id="hats", user_id="ann", purchase_id=purchase.purchase_id)
    )
    return confirming(purchase)


async def made_sale(shop: Shop, _: TroubledLedger) -> None:
    await shop.make(hold_duration=HOLD)


async def ended_sale(shop: Shop, _: TroubledLedger) -> None:
    await shop.make()
    await shop.admin.EndSale(admin.EndSaleRequest(sale_id="hats"))


INVALID = grpc.StatusCode.INVALID_ARGUMENT
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
FAILED = grpc.StatusCode.FAILED_PRECONDITION
MISSING = grpc.StatusCode.NOT_FOUND
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
ANN = pb.PurchaseRequest(user_id="ann")
REUSED = pb.PurchaseRequest(user_id="ann", request_id="r-1", quantity=2)
NOWHERE = pb.PurchaseRequest(user_id="a", sale_id="no")
NOTHING = pb.ConfirmPurchaseRequest(user_id="ann", purchase_id="p-1")
HATS = admin.CreateSaleRequest(sale_id="hats")
PAUSE = admin.PauseSaleRequest(sale_id="hats")
OTHER_ETAG = admin.PauseSaleRequest(sale_id="hats", etag="r9")
TOO_FEW = admin.RestockSaleRequest(sale_id="hats", stock_change=-6)
CASES = {
    "INVALID_FIELD": Case(INVALID, 400, nothing, pb.PurchaseRequest()),
    "REQUEST_ID_REUSED": Case(INVALID, 400, used_request_id, REUSED, {"per_user_limit": "5"}),
    "SALE_NOT_FOUND": Case(MISSING, 404, nothing, NOWHERE),
    "PURCHASE_NOT_FOUND": Case(MISSING, 404, nothing, NOTHING),
    "HOLD_EXPIRED": Case(FAILED, 400, expired_hold),
    "HOLD_RELEASED": Case(FAILED, 400, released_hold),
    "PURCHASE_CONFIRMED": Case(FAILED, 400, confirmed_purchase),
    "PURCHASE_CANCELLED": Case(FAILED, 400, cancelled_purchase),
    "SALE_EXISTS": Case(grpc.StatusCode.ALREADY_EXISTS, 409, made_sale, HATS),
    "SALE_ENDED": Case(FAILED, 400, ended_sale, PAUSE),
    "NOT_ENOUGH_UNSOLD": Case(FAILED, 400, made_sale, TOO_FEW),
    "ETAG_MISMATCH": Case(grpc.StatusCode.ABORTED, 409, made_sale, OTHER_ETAG),
    "USER_RATE_LIMITED": Case(
        EXHAUSTED, 429, used_up, ANN, {"rate_limit_per_minute": "1"}, waits=True
    ),
    "QUEUE_FULL": Case(UNAVAILABLE, 503, full_queue, ANN, {"max_queue": "1"}, waits=True),
    "CIRCUIT_OPEN": Case(
        UNAVAILABLE, 503, open_circuit, ANN, {"breaker_failures": "1"}, waits=True
    ),
    "OUTCOME_UNKNOWN": Case(UNAVAILABLE, 503, lost_append, ANN, waits=True),
    "LEDGER_UNAVAILABLE": Case(UNAVAILABLE, 503, rejected_append, ANN, waits=True),
    "SHUTTING_DOWN": Case(UNAVAILABLE, 503, draining, ANN, waits=True),
    "SALE_UNREADABLE": Case(UNAVAILABLE, 503, strange_entry, ANN, waits=True),
}


@contextlib.asynccontextmanager
async def trouble(case: Case) -> AsyncIterator[tuple[Shop, Message]]:
    """A shop in which the error waits, and the request that meets it."""
    ledger = TroubledLedger()
    async with open_shop(ledger, **case.settings) as shop:
        request = await case.provoke(shop, ledger) or case.request
        assert request is not None
        yield shop, request
        ledger.go_on()
        await asyncio.gather(*shop.server.waiting)


async def ask(shop: Shop, request: Message) -> None:
    """Ask over gRPC, whichever RPC the request is for."""
    name = type(request).__name__.removesuffix("Request")
    await getattr(shop.buyer if hasattr(shop.buyer, name) else shop.admin, name)(request)

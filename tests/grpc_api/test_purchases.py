"""Purchases over real gRPC, as a client that knows nothing but the contract sees them."""

import asyncio
from typing import TypeAlias

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.servers import running

Raw: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


def details_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # it has what is read of a call
    assert status is not None
    return status


def reason_of(status: status_pb2.Status) -> str:
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    assert info.domain == "flashsale"
    return str(info.reason)


def retry_seconds_of(status: status_pb2.Status) -> float:
    info = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return float(info.retry_delay.seconds + info.retry_delay.nanos / 1e9)


async def test_a_purchase_says_what_was_bought_and_where_it_stands_in_the_ledger() -> None:
    async with running(stock="5") as shop:
        answer = await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", request_id="r-1"))
    assert answer.outcome == pb.OUTCOME_PURCHASED
    assert answer.request_id == "r-1"
    assert answer.purchase.position == 2
    assert answer.purchase.user_id == "ann"
    assert answer.purchase.quantity == 1
    assert answer.purchase.state == pb.PURCHASE_STATE_CONFIRMED
    assert len(answer.purchase.purchase_id) >= 20
    assert answer.purchase.create_time.seconds > 1_700_000_000


async def test_the_server_makes_a_request_id_when_there_is_none() -> None:
    async with running() as shop:
        answer = await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        again = await shop.stub.Purchase(
            pb.PurchaseRequest(user_id="ann", request_id=answer.request_id)
        )
    assert answer.request_id
    assert again.replayed
    assert again.purchase == answer.purchase


async def test_every_refusal_reaches_the_caller_as_an_outcome() -> None:
    async with running(stock="1", per_user_limit="1") as shop:
        buy = shop.stub.Purchase
        await buy(pb.PurchaseRequest(user_id="ann", request_id="r-1"))
        already = await buy(pb.PurchaseRequest(user_id="ann", request_id="r-2"))
        over = await buy(pb.PurchaseRequest(user_id="bob", quantity=2))
        sold_out = await buy(pb.PurchaseRequest(user_id="bob"))
    assert already.outcome == pb.OUTCOME_ALREADY_PURCHASED
    assert already.purchase.request_id == "r-1"
    assert over.outcome == pb.OUTCOME_USER_LIMIT_REACHED
    assert sold_out.outcome == pb.OUTCOME_SOLD_OUT


async def test_less_than_asked_for_is_not_sold_out() -> None:
    async with running(stock="3", per_user_limit="10") as shop:
        answer = await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", quantity=4))
    assert answer.outcome == pb.OUTCOME_INSUFFICIENT_STOCK
    assert answer.available_stock == 3


async def test_a_sale_that_opens_later_says_when() -> None:
    async with running(starts_at="2999-01-01T00:00:00Z") as shop:
        answer = await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        status = await shop.stub.Status(pb.StatusRequest())
    assert answer.outcome == pb.OUTCOME_NOT_STARTED
    assert answer.start_time.ToJsonString() == "2999-01-01T00:00:00Z"
    assert status.state == pb.SALE_STATE_UPCOMING


async def test_fifty_copies_of_a_request_make_one_purchase_and_fifty_equal_answers() -> None:
    async with running(rate_limit_per_minute="10") as shop:
        request = pb.PurchaseRequest(user_id="ann", request_id="r-1")
        answers = await asyncio.gather(*(shop.stub.Purchase(request) for _ in range(50)))
        status = await shop.stub.Status(pb.StatusRequest())
    assert {answer.outcome for answer in answers} == {pb.OUTCOME_PURCHASED}
    assert len({answer.purchase.purchase_id for answer in answers}) == 1
    assert status.sold_stock == 1


async def test_the_eleventh_attempt_within_a_minute_is_told_when_the_next_is_free() -> None:
    async with running(rate_limit_per_minute="10", stock="0") as shop:
        for _ in range(10):
            answer = await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
            assert answer.outcome == pb.OUTCOME_SOLD_OUT
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        other = await shop.stub.Purchase(pb.PurchaseRequest(user_id="bob"))
    status = details_of(caught.value)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(status) == "USER_RATE_LIMITED"
    assert 0 < retry_seconds_of(status) <= 60
    assert other.outcome == pb.OUTCOME_SOLD_OUT


BAD_REQUESTS = {
    "user_id": pb.PurchaseRequest(user_id=""),
    "user_id of 129 bytes": pb.PurchaseRequest(user_id="x" * 129),
    "user_id of 43 three-byte characters": pb.PurchaseRequest(user_id="✓" * 43),
    "user_id with a control character": pb.PurchaseRequest(user_id="a\nb"),
    "user_id with a NUL": pb.PurchaseRequest(user_id="a\0b"),
    "user_id of 1 MB": pb.PurchaseRequest(user_id="x" * 1_000_000),
    "request_id": pb.PurchaseRequest(user_id="a", request_id="\x7f"),
    "quantity 0": pb.PurchaseRequest(user_id="a", quantity=0),
    "quantity -1": pb.PurchaseRequest(user_id="a", quantity=-1),
    "quantity 2^31-1": pb.PurchaseRequest(user_id="a", quantity=2**31 - 1),
    "sale_id": pb.PurchaseRequest(user_id="a", sale_id="Not A Sale"),
    "timeout": pb.PurchaseRequest(user_id="a", timeout=Duration(seconds=-1)),
}


@pytest.mark.parametrize("what", BAD_REQUESTS)
async def test_a_malformed_field_is_named(what: str) -> None:
    async with running() as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.stub.Purchase(BAD_REQUESTS[what])
        status = await shop.stub.Status(pb.StatusRequest())
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    wire = details_of(caught.value)
    assert reason_of(wire) == "INVALID_FIELD"
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in wire.details)
    assert [item.field for item in bad.field_violations] == [what.split(maxsplit=1)[0]]
    assert status.available_stock == status.total_stock


async def test_every_violation_is_named_at_once() -> None:
    async with running() as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.stub.Purchase(pb.PurchaseRequest(quantity=0, sale_id="?"))
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in details_of(caught.value).details)
    assert [item.field for item in bad.field_violations] == ["user_id", "sale_id", "quantity"]


async def test_a_user_id_of_128_bytes_in_any_script_may_buy() -> None:
    async with running() as shop:
        for user_id in ("x" * 128, "✓" * 42, "Анна", "a/b:c d%"):
            answer = await shop.stub.Purchase(pb.PurchaseRequest(user_id=user_id))
            assert answer.purchase.user_id == user_id


async def test_a_request_id_with_another_quantity_is_refused() -> None:
    async with running(per_user_limit="5") as shop:
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", request_id="r-1"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.stub.Purchase(
                pb.PurchaseRequest(user_id="ann", request_id="r-1", quantity=2)
            )
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason_of(details_of(caught.value)) == "REQUEST_ID_REUSED"


async def test_an_unknown_sale_is_named() -> None:
    async with running() as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", sale_id="nope"))
    resource = error_details_pb2.ResourceInfo()
    assert any(detail.Unpack(resource) for detail in details_of(caught.value).details)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert (resource.resource_type, resource.resource_name) == ("sale", "nope")


async def test_bytes_that_are_no_message_are_a_malformed_request() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        for wire in (b"\x0a\x05ab", b"\x0a\x02\xff\xfe", b"\xff" * 40):
            call: Raw = channel.unary_unary("/flashsale.v1.FlashSaleService/Purchase")
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(wire)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert reason_of(details_of(caught.value)) == "INVALID_FIELD"


async def test_a_message_larger_than_the_limit_is_refused_and_the_server_lives_on() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        call: Raw = channel.unary_unary("/flashsale.v1.FlashSaleService/Purchase")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(b"\0" * 10_000_000)
        answer = await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert answer.outcome == pb.OUTCOME_PURCHASED


async def test_a_user_finds_what_they_bought_and_others_find_nothing() -> None:
    async with running(per_user_limit="3") as shop:
        first = await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        second = await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", quantity=2))
        mine = await shop.stub.GetPurchase(pb.GetPurchaseRequest(user_id="ann"))
        none = await shop.stub.GetPurchase(pb.GetPurchaseRequest(user_id="bob"))
    assert mine.purchased
    assert list(mine.purchases) == [first.purchase, second.purchase]
    assert none == pb.GetPurchaseResponse()

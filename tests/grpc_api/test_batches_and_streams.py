"""Many purchases in one call, and streams of them."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb

from tests.checkout.troubled_ledger import TroubledLedger
from tests.servers import running


async def test_a_batch_is_answered_in_order_each_by_itself() -> None:
    async with running(stock="2") as shop:
        answer = await shop.stub.BatchPurchase(
            pb.BatchPurchaseRequest(
                requests=[
                    pb.PurchaseRequest(user_id="ann", request_id="r-1"),
                    pb.PurchaseRequest(user_id="", request_id="r-2"),
                    pb.PurchaseRequest(user_id="ann", request_id="r-3"),
                    pb.PurchaseRequest(user_id="bob", request_id="r-4", sale_id="nope"),
                    pb.PurchaseRequest(user_id="bob", request_id="r-5"),
                    pb.PurchaseRequest(user_id="cid", request_id="r-6"),
                ]
            )
        )
    assert [item.request_id for item in answer.results] == [f"r-{n}" for n in range(1, 7)]
    assert [item.WhichOneof("result") for item in answer.results] == [
        "response",
        "error",
        "response",
        "error",
        "response",
        "response",
    ]
    outcomes = [answer.results[n].response.outcome for n in (0, 2, 4, 5)]
    assert outcomes == [
        pb.OUTCOME_PURCHASED,
        pb.OUTCOME_ALREADY_PURCHASED,
        pb.OUTCOME_PURCHASED,
        pb.OUTCOME_SOLD_OUT,
    ]
    assert answer.results[1].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert "user_id" in answer.results[1].error.message
    assert answer.results[3].error.code == grpc.StatusCode.NOT_FOUND.value[0]


@pytest.mark.parametrize("size", [0, 1001])
async def test_a_batch_has_1_to_1000_requests(size: int) -> None:
    requests = [pb.PurchaseRequest(user_id=f"u-{n}") for n in range(size)]
    async with running() as shop:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shop.stub.BatchPurchase(pb.BatchPurchaseRequest(requests=requests))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_copies_within_a_batch_make_one_purchase() -> None:
    request = pb.PurchaseRequest(user_id="ann", request_id="r-1")
    async with running() as shop:
        answer = await shop.stub.BatchPurchase(pb.BatchPurchaseRequest(requests=[request] * 50))
        status = await shop.stub.Status(pb.StatusRequest())
    assert len({item.response.purchase.purchase_id for item in answer.results}) == 1
    assert status.sold_stock == 1


async def test_a_stream_answers_each_request_by_its_id() -> None:
    async def asked() -> AsyncIterator[pb.StreamPurchasesRequest]:
        for number in range(2500):
            request = pb.PurchaseRequest(user_id=f"u-{number}", request_id=f"r-{number}")
            yield pb.StreamPurchasesRequest(request=request)
        yield pb.StreamPurchasesRequest(request=pb.PurchaseRequest(request_id="bad"))

    async with running(stock="100") as shop:
        results = {
            result.request_id: result
            async for message in shop.stub.StreamPurchases(asked())
            for result in message.results
        }
    assert len(results) == 2501
    sold = [key for key, item in results.items() if item.response.outcome == pb.OUTCOME_PURCHASED]
    assert sorted(sold, key=lambda key: int(key[2:])) == [f"r-{number}" for number in range(100)]
    assert results["bad"].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]


async def test_a_stream_that_stays_open_is_answered_meanwhile() -> None:
    async with running() as shop:
        stream = shop.stub.StreamPurchases()
        for number in range(3):
            request = pb.PurchaseRequest(user_id=f"u-{number}", request_id=f"r-{number}")
            await stream.write(pb.StreamPurchasesRequest(request=request))
            answer = await stream.read()
            assert isinstance(answer, pb.StreamPurchasesResponse)
            assert [result.request_id for result in answer.results] == [f"r-{number}"]
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF


async def test_results_that_are_ready_together_leave_together() -> None:
    requests = [
        pb.StreamPurchasesRequest(request=pb.PurchaseRequest(user_id=f"u-{number}"))
        for number in range(10)
    ]
    ledger = TroubledLedger()
    async with running(ledger) as shop:
        ledger.stall()
        stream = shop.stub.StreamPurchases(iter(requests))
        async with asyncio.timeout(20):
            while (await shop.stub.Metrics(pb.MetricsRequest())).attempts < 10:
                pass
        ledger.go_on()
        messages = [message async for message in stream]
    assert sum(len(message.results) for message in messages) == 10
    assert len(messages) < 10


async def test_long_ids_of_malformed_requests_do_not_share_a_message() -> None:
    long_ids = [f"{number}" * 1_000_000 for number in range(6)]
    requests = [
        pb.StreamPurchasesRequest(request=pb.PurchaseRequest(user_id="ann", request_id=request_id))
        for request_id in long_ids
    ]
    async with running() as shop:
        messages = [message async for message in shop.stub.StreamPurchases(iter(requests))]
    answered = [result.request_id for message in messages for result in message.results]
    assert answered == long_ids
    assert len(messages) == 6


async def test_bytes_that_cannot_be_read_end_a_stream_after_its_answers() -> None:
    good = [
        pb.StreamPurchasesRequest(
            request=pb.PurchaseRequest(user_id=f"u-{number}", request_id=f"r-{number}")
        ).SerializeToString()
        for number in range(5)
    ]
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        method: grpc.aio.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(
            "/flashsale.v1.FlashSaleService/StreamPurchases"
        )
        call = method(iter([*good, b"\xff\xff"]))
        answered: list[str] = []
        while len(answered) < 5:
            answer = await call.read()
            assert isinstance(answer, bytes)
            results = pb.StreamPurchasesResponse.FromString(answer).results
            answered += [result.request_id for result in results]
        code = await call.code()
    assert sorted(answered) == [f"r-{number}" for number in range(5)]
    assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_caller_who_hangs_up_on_a_stream_takes_nobody_with_them() -> None:
    async with running(stock="10") as shop:
        stream = shop.stub.StreamPurchases()
        request = pb.PurchaseRequest(user_id="ann", request_id="r-1")
        await stream.write(pb.StreamPurchasesRequest(request=request))
        await stream.read()
        stream.cancel()
        answers = await asyncio.gather(
            *(shop.stub.Purchase(pb.PurchaseRequest(user_id=f"u-{n}")) for n in range(20))
        )
    assert sum(answer.outcome == pb.OUTCOME_PURCHASED for answer in answers) == 9


async def test_a_stream_reads_no_more_while_a_thousand_are_unanswered() -> None:
    async def asked() -> AsyncIterator[pb.StreamPurchasesRequest]:
        for number in range(1200):
            yield pb.StreamPurchasesRequest(request=pb.PurchaseRequest(user_id=f"u-{number}"))

    async def attempts() -> int:
        return (await shop.stub.Metrics(pb.MetricsRequest())).attempts

    ledger = TroubledLedger()
    async with running(ledger, stock="2000") as shop:
        ledger.stall()
        stream = shop.stub.StreamPurchases(asked())
        async with asyncio.timeout(20):
            while await attempts() < 1000:
                pass
        assert [await attempts() for _ in range(50)] == [1000] * 50
        ledger.go_on()
        assert sum([len(message.results) async for message in stream]) == 1200


async def test_copies_on_a_stream_are_answered_each() -> None:
    request = pb.StreamPurchasesRequest(request=pb.PurchaseRequest(user_id="ann", request_id="r-1"))
    ledger = TroubledLedger()
    async with running(ledger) as shop:
        ledger.stall()
        stream = shop.stub.StreamPurchases(iter([request] * 3))
        async with asyncio.timeout(20):
            while (await shop.stub.Metrics(pb.MetricsRequest())).replays < 2:
                pass
        ledger.go_on()
        results = [item.response async for message in stream for item in message.results]
    assert len(results) == 3
    assert len({item.purchase.purchase_id for item in results}) == 1

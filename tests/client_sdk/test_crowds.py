"""Many purchases at once over a true connection: order, company, and everybody's own answer."""

import asyncio
from collections import Counter

import grpc
import pytest
from flashsale import (
    AsyncClient,
    FlashSaleError,
    Order,
    Outcome,
    PurchaseResult,
    QueueFull,
    RateLimited,
    Retries,
)
from flashsale.coalescing import BATCH_MAX, CALLS_MAX, Coalescer
from flashsale.v1 import flash_sale_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client_sdk.scripted_server import Answer, bought, breaks, ends, error, never, scripted

AT_ONCE = Retries(attempts=1000, first_seconds=0.0)
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
FULL = error(UNAVAILABLE, "QUEUE_FULL", 0.0)
LIMITED = error(grpc.StatusCode.RESOURCE_EXHAUSTED, "USER_RATE_LIMITED", 0.0)


async def test_purchases_beyond_the_calls_under_way_gather_into_full_batches() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        opened = asyncio.Event()

        async def hold(_: object) -> None:
            await opened.wait()

        server.turns = [hold] * CALLS_MAX
        first = []
        for number in range(CALLS_MAX):
            first.append(asyncio.create_task(client.purchase(f"early-{number}")))
            await server.arrived.get()
        crowd = [asyncio.create_task(client.purchase(f"u-{n}")) for n in range(2 * BATCH_MAX)]
        await client.status()
        assert len(server.batches) == CALLS_MAX
        opened.set()
        await asyncio.gather(*first, *crowd)
    sizes = [len(batch.requests) for batch in server.batches]
    assert sizes == [1] * CALLS_MAX + [BATCH_MAX] * 2


async def test_a_copy_of_a_request_in_flight_is_the_servers_to_join() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        both = await asyncio.gather(*(client.purchase("ann", request_id="r-1") for _ in range(2)))
    assert [result.request_id for result in both] == ["r-1", "r-1"]
    assert len(server.requests) == 2


async def test_who_leaves_while_the_call_is_under_way_disturbs_nobody() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        opened = asyncio.Event()

        async def hold(_: object) -> None:
            await opened.wait()

        server.turns = [hold]
        tasks = [asyncio.create_task(client.purchase(f"u-{n}")) for n in range(10)]
        await server.arrived.get()
        tasks[3].cancel()
        opened.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results.pop(3), asyncio.CancelledError)
    assert all(getattr(result, "is_bought", False) for result in results)


async def test_who_leaves_between_two_tries_is_not_tried_again() -> None:
    async with scripted() as (address, server):
        server.turns = [ends(error(UNAVAILABLE, "QUEUE_FULL"))]
        waits = Retries(first_seconds=3600.0, longest_seconds=3600.0, chance=lambda: 1.0)
        async with AsyncClient(address, timeout=9000.0, retries=waits) as client:
            leaving = asyncio.create_task(client.purchase("ann"))
            await server.arrived.get()
            await client.status()
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
    assert len(server.requests) == 1


async def test_one_callers_short_time_does_not_shorten_the_others() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        opened = asyncio.Event()

        async def hold(_: object) -> None:
            await opened.wait()

        server.turns = [hold]
        patient = asyncio.create_task(client.purchase("ann"))
        with pytest.raises(FlashSaleError):
            await client.purchase("bob", timeout=0.05)
        opened.set()
        assert (await patient).is_bought
    assert [len(batch.requests) for batch in server.batches] == [2]


async def test_orders_of_several_sales_travel_together_and_keep_their_sale() -> None:
    async with scripted() as (address, server), AsyncClient(address, sale_id="shoes") as client:
        answered = await client.purchase_many(
            [Order("ann"), Order("ann", sale_id="hats"), Order("ann", 3, "r-3")]
        )
    assert all(item.result for item in answered)
    assert answered[2].request_id == "r-3"
    sent = [(item.sale_id, item.quantity) for item in server.requests]
    assert sent == [("shoes", 1), ("hats", 1), ("shoes", 3)]
    assert len(server.batches) == 1
    assert len({item.request_id for item in server.requests}) == 3


async def test_many_errors_are_answers_with_their_request_ids() -> None:
    async with scripted(lambda _: LIMITED) as (address, _), AsyncClient(address) as client:
        answered = await client.purchase_many([Order("ann", request_id="r-1"), Order("bob")])
    assert [type(item.error) for item in answered] == [RateLimited, RateLimited]
    assert [item.error.request_id for item in answered if item.error] == [
        item.request_id for item in answered
    ]
    assert answered[0].request_id == "r-1"


async def test_no_orders_make_no_call() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        assert await client.purchase_many([]) == []
    assert server.batches == []


async def test_a_whole_crowd_is_told_when_the_client_closes() -> None:
    async with scripted() as (address, server):
        client = AsyncClient(address)
        server.turns = [never] * CALLS_MAX
        crowd = [asyncio.create_task(client.purchase(f"u-{n}")) for n in range(2000)]
        for _ in range(CALLS_MAX):
            await server.arrived.get()
        await client.close()
        results = await asyncio.gather(*crowd, return_exceptions=True)
    told = Counter(type(result).__name__ for result in results)
    sent = CALLS_MAX * BATCH_MAX
    assert told == {"OutcomeUnknown": sent, "ClientClosed": 2000 - sent}


@settings(max_examples=40, deadline=None)
@given(
    bursts=st.lists(st.integers(1, 30), min_size=1, max_size=8),
    batch_max=st.integers(1, 20),
    turned_away=st.sets(st.integers(0, 100)),
)
def test_who_asked_earlier_is_never_first_sent_in_a_later_batch(
    bursts: list[int], batch_max: int, turned_away: set[int]
) -> None:
    sent: list[int] = []
    left = set(turned_away)

    def answer(item: pb.PurchaseRequest) -> pb.PurchaseResult:
        if int(item.user_id) in left:
            left.discard(int(item.user_id))
            return pb.PurchaseResult(request_id=item.request_id, error=FULL)
        return bought(item)

    async def send(batch: pb.BatchPurchaseRequest, _: float) -> pb.BatchPurchaseResponse:
        assert len(batch.requests) <= batch_max
        sent.extend(int(item.user_id) for item in batch.requests)
        await asyncio.sleep(0)
        return pb.BatchPurchaseResponse(results=[answer(item) for item in batch.requests])

    async def run() -> None:
        coalescer = Coalescer(send, AT_ONCE, batch_max=batch_max, calls_max=3)
        tasks: list[asyncio.Task[PurchaseResult]] = []
        for size in bursts:
            for _ in range(size):
                request = pb.PurchaseRequest(user_id=str(len(tasks)))
                tasks.append(asyncio.create_task(coalescer.purchase(request, 60.0)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        await coalescer.close()

    asyncio.run(run())
    crowd = range(sum(bursts))
    assert list(dict.fromkeys(sent)) == list(crowd)
    assert Counter(sent) == {number: 1 + (number in turned_away) for number in crowd}


# What the server says to each try of a user, before it sells.
FATES = st.lists(st.sampled_from(["full", "limited", "odd"]), max_size=3)
CALLS = st.lists(st.sampled_from(["through", "breaks", "refused"]), max_size=6)


@settings(max_examples=25, deadline=None)
@given(fates=st.lists(FATES, min_size=1, max_size=60), calls=CALLS)
def test_everybody_gets_their_own_answer_over_a_connection_that_fails(
    fates: list[list[str]], calls: list[str]
) -> None:
    left = {f"u-{number}": list(words) for number, words in enumerate(fates)}
    expected = {
        user: next((w for w in words if w != "full"), "sold") for user, words in left.items()
    }

    def script(request: pb.PurchaseRequest) -> Answer:
        word = left[request.user_id].pop(0) if left[request.user_id] else "sold"
        if word == "full":
            return FULL
        if word == "limited":
            return LIMITED
        answer = bought(request)
        if word == "odd":
            answer.response.outcome = pb.OUTCOME_SOLD_OUT
        return answer

    async def run() -> None:
        turns = {"through": None, "breaks": breaks(UNAVAILABLE), "refused": ends(FULL)}
        async with scripted(script) as (address, server):
            server.turns = [turns[word] for word in calls]
            async with AsyncClient(address, timeout=60.0, retries=AT_ONCE) as client:
                answered = await client.purchase_many([Order(user) for user in expected])
        for (user, word), item in zip(expected.items(), answered, strict=True):
            if word == "limited":
                assert item.error is not None
                assert item.error.request_id == item.request_id
                continue
            assert item.result is not None
            assert item.result.request_id == item.request_id
            assert item.result.purchase is not None
            assert item.result.purchase.user_id == user
            outcome = Outcome.SOLD_OUT if word == "odd" else Outcome.PURCHASED
            assert item.result.outcome is outcome
        ids = {(item.user_id, item.request_id) for item in server.requests}
        assert len(ids) == len(expected)

    asyncio.run(run())


async def test_a_queue_that_stays_full_turns_everybody_away_by_name() -> None:
    retries = Retries(attempts=2, first_seconds=0.0)
    async with scripted(lambda _: FULL) as (address, server):
        async with AsyncClient(address, retries=retries) as client:
            answered = await client.purchase_many([Order(f"u-{n}") for n in range(300)])
    assert {type(item.error) for item in answered} == {QueueFull}
    assert len(server.requests) == 600

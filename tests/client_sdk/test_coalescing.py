"""Coalescing: who travels with whom, in which order, and who is told what."""

import asyncio
import contextlib
from collections.abc import Awaitable

import grpc
import pytest
from flashsale import (
    AsyncClient,
    ClientClosed,
    DeadlineExceeded,
    Outcome,
    OutcomeUnknown,
    Retries,
)
from flashsale.batches import BATCH_BYTES_MAX
from flashsale.coalescing import Coalescer
from flashsale.v1 import flash_sale_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.client_sdk.scripted_server import bought, error, scripted


async def test_a_thousand_concurrent_purchases_travel_in_few_calls_and_in_order() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        results = await asyncio.gather(*(client.purchase(f"u-{n}") for n in range(1000)))
    assert [len(batch.requests) for batch in server.batches] == [250] * 4
    users = sorted(range(1000), key=lambda n: [r.user_id for r in server.requests].index(f"u-{n}"))
    assert sorted(users) == list(range(1000))
    for batch in server.batches:
        numbers = [int(request.user_id[2:]) for request in batch.requests]
        assert numbers == list(range(numbers[0], numbers[0] + 250))
    for number, result in enumerate(results):
        assert result.purchase is not None
        assert result.purchase.user_id == f"u-{number}"


async def test_a_request_that_is_too_large_takes_no_neighbours_along() -> None:
    async with scripted() as (address, _), AsyncClient(address, retries=Retries(1)) as client:
        users = ["ann", "x" * 5_000_000, "bob"]
        results = await asyncio.gather(
            *(client.purchase(user) for user in users), return_exceptions=True
        )
    assert [isinstance(result, BaseException) for result in results] == [False, True, False]


async def test_a_lone_purchase_travels_alone_at_once() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        await client.purchase("ann")
        await client.purchase("bob")
    assert [len(batch.requests) for batch in server.batches] == [1, 1]


async def test_each_purchase_tells_the_server_how_long_it_may_take() -> None:
    async with scripted() as (address, server), AsyncClient(address, timeout=7.0) as client:
        await asyncio.gather(client.purchase("ann"), client.purchase("bob", timeout=3.0))
    limits = [item.timeout.seconds + item.timeout.nanos / 1e9 for item in server.requests]
    assert limits[0] == pytest.approx(7.0, abs=0.5)
    assert limits[1] == pytest.approx(3.0, abs=0.5)


async def test_the_calls_own_limit_goes_for_those_who_have_as_long() -> None:
    limits: list[float] = []
    sent: list[pb.PurchaseRequest] = []

    async def send(batch: pb.BatchPurchaseRequest, limit: float) -> pb.BatchPurchaseResponse:
        limits.append(limit)
        sent.extend(batch.requests)
        return pb.BatchPurchaseResponse(results=[bought(item) for item in batch.requests])

    coalescer = Coalescer(send, Retries())
    await asyncio.gather(
        *(coalescer.purchase(pb.PurchaseRequest(user_id=user), 30.0) for user in ("ann", "bob"))
    )
    await coalescer.close()
    assert limits == [pytest.approx(30.0, abs=0.5)]
    assert [item.HasField("timeout") for item in sent] == [False, False]


async def test_a_caller_who_is_cancelled_leaves_the_others_alone() -> None:
    async with scripted() as (address, _), AsyncClient(address) as client:
        tasks = [asyncio.create_task(client.purchase(f"u-{n}")) for n in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[3], asyncio.CancelledError)
    others = [result for result in results if not isinstance(result, BaseException)]
    assert [result.outcome for result in others] == [Outcome.PURCHASED] * 9


async def test_an_answer_with_too_few_results_leaves_the_outcome_unknown() -> None:
    async with scripted() as (address, server):
        server.drops_results = True
        async with AsyncClient(address, retries=Retries(1)) as client:
            with pytest.raises(OutcomeUnknown):
                await client.purchase("ann")


async def test_an_answer_that_cannot_be_read_spoils_no_other() -> None:
    def script(request: pb.PurchaseRequest) -> pb.PurchaseResult:
        answer = bought(request)
        if request.user_id == "ann":
            answer.response.purchase.create_time.seconds = 10**15
        return answer

    async with scripted(script) as (address, _):
        async with AsyncClient(address, retries=Retries(1)) as client:
            results = await asyncio.gather(
                client.purchase("ann"), client.purchase("bob"), return_exceptions=True
            )
    assert isinstance(results[0], OutcomeUnknown)
    assert not isinstance(results[1], BaseException)


async def test_a_call_that_fails_in_an_unforeseen_way_leaves_nobody_waiting() -> None:
    async def send(_: pb.BatchPurchaseRequest, __: float) -> pb.BatchPurchaseResponse:
        raise RuntimeError("the channel is broken")

    coalescer = Coalescer(send, Retries(1))
    with pytest.raises(OutcomeUnknown):
        await coalescer.purchase(pb.PurchaseRequest(user_id="ann"), 10.0)
    await coalescer.close()


async def test_a_call_that_cannot_even_begin_leaves_nobody_waiting() -> None:
    def send(_: pb.BatchPurchaseRequest, __: float) -> Awaitable[pb.BatchPurchaseResponse]:
        raise RuntimeError("the channel is broken")

    coalescer = Coalescer(send, Retries(1), waiting_max=1)
    for _ in range(3):
        with pytest.raises(OutcomeUnknown, match="the channel is broken"):
            await coalescer.purchase(pb.PurchaseRequest(user_id="ann"), 10.0)
    await coalescer.close()


async def test_a_call_that_somebody_cancels_leaves_the_outcome_unknown() -> None:
    async def send(_: pb.BatchPurchaseRequest, __: float) -> pb.BatchPurchaseResponse:
        raise asyncio.CancelledError

    coalescer = Coalescer(send, Retries(1), waiting_max=1)
    for _ in range(3):
        with pytest.raises(OutcomeUnknown, match="the call was cancelled"):
            await coalescer.purchase(pb.PurchaseRequest(user_id="ann"), 10.0)
    await coalescer.close()


async def test_an_outcome_of_a_later_version_is_unrecognized() -> None:
    def script(request: pb.PurchaseRequest) -> pb.PurchaseResult:
        response = pb.PurchaseResponse(outcome=99, request_id=request.request_id)  # type: ignore[arg-type]  # of a later version
        return pb.PurchaseResult(request_id=request.request_id, response=response)

    async with scripted(script) as (address, _), AsyncClient(address) as client:
        assert (await client.purchase("ann")).outcome is Outcome.UNRECOGNIZED


async def test_closing_tells_everybody_who_waits() -> None:
    under_way = asyncio.Event()

    async def send(_: pb.BatchPurchaseRequest, __: float) -> pb.BatchPurchaseResponse:
        under_way.set()
        await asyncio.Event().wait()
        raise AssertionError

    coalescer = Coalescer(send, Retries(), batch_max=1, calls_max=1)
    tasks = [
        asyncio.create_task(coalescer.purchase(pb.PurchaseRequest(user_id=user), 10.0))
        for user in ("sent", "waiting")
    ]
    await under_way.wait()
    await coalescer.close()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [OutcomeUnknown, ClientClosed]
    with pytest.raises(ClientClosed):
        await coalescer.purchase(pb.PurchaseRequest(user_id="late"), 10.0)


async def test_beyond_the_bound_callers_wait_to_be_let_in() -> None:
    unanswered: list[int] = []
    may_go_on = asyncio.Event()

    async def send(batch: pb.BatchPurchaseRequest, _: float) -> pb.BatchPurchaseResponse:
        unanswered.append(len(batch.requests))
        await may_go_on.wait()
        return pb.BatchPurchaseResponse(results=[bought(item) for item in batch.requests])

    coalescer = Coalescer(send, Retries(), waiting_max=5)
    tasks = [
        asyncio.create_task(coalescer.purchase(pb.PurchaseRequest(user_id=f"u-{n}"), 10.0))
        for n in range(20)
    ]
    for _ in range(20):
        await asyncio.sleep(0)
    assert unanswered == [5]
    may_go_on.set()
    await asyncio.gather(*tasks)
    await coalescer.close()


FATES = st.lists(st.sampled_from(["sold", "turned away", "call fails"]), max_size=60)


@settings(max_examples=60, deadline=None)
@given(users=st.integers(1, 60), fates=FATES)
def test_everybody_gets_their_own_answer_whatever_fails(users: int, fates: list[str]) -> None:
    left = list(fates)

    def send(batch: pb.BatchPurchaseRequest, _: float) -> Awaitable[pb.BatchPurchaseResponse]:
        return answered(batch)

    async def answered(batch: pb.BatchPurchaseRequest) -> pb.BatchPurchaseResponse:
        await asyncio.sleep(0)
        if left and left[0] == "call fails":
            left.pop(0)
            raise grpc.aio.AioRpcError(
                grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "gone"
            )
        results = []
        for item in batch.requests:
            fate = left.pop(0) if left else "sold"
            full = error(grpc.StatusCode.UNAVAILABLE, "QUEUE_FULL", 0.0)
            turned_away = pb.PurchaseResult(request_id=item.request_id, error=full)
            results.append(bought(item) if fate == "sold" else turned_away)
        return pb.BatchPurchaseResponse(results=results)

    async def everybody() -> None:
        retries = Retries(1000, first_seconds=0.0, longest_seconds=0.0)
        coalescer = Coalescer(send, retries, batch_max=7, calls_max=2)
        results = await asyncio.gather(
            *(
                coalescer.purchase(pb.PurchaseRequest(user_id=f"u-{n}", request_id=f"r-{n}"), 30.0)
                for n in range(users)
            )
        )
        assert [result.request_id for result in results] == [f"r-{n}" for n in range(users)]
        await coalescer.close()

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(everybody())


async def test_who_leaves_outside_gives_their_turn_to_the_next() -> None:
    sent: list[str] = []
    may_go_on = asyncio.Event()

    async def send(batch: pb.BatchPurchaseRequest, _: float) -> pb.BatchPurchaseResponse:
        sent.extend(item.user_id for item in batch.requests)
        await may_go_on.wait()
        return pb.BatchPurchaseResponse(results=[bought(item) for item in batch.requests])

    coalescer = Coalescer(send, Retries(), waiting_max=1)
    tasks = {
        user: asyncio.create_task(
            coalescer.purchase(pb.PurchaseRequest(user_id=user), 0.05 if user == "late" else 30.0)
        )
        for user in ("first", "late", "leaver", "chosen", "last")
    }
    with pytest.raises(DeadlineExceeded, match="too many others"):
        await tasks.pop("late")
    tasks["leaver"].cancel()
    may_go_on.set()
    await tasks["first"]
    tasks.pop("chosen").cancel()  # in the moment in which the place became theirs
    del tasks["leaver"]
    await asyncio.gather(*tasks.values())
    await coalescer.purchase(pb.PurchaseRequest(user_id="later"), 30.0)
    await coalescer.close()
    assert sent == ["first", "last", "later"]


async def test_who_leaves_before_being_sent_gives_their_place_to_who_waits_outside() -> None:
    sent: list[str] = []
    under_way, may_go_on = asyncio.Event(), asyncio.Event()

    async def send(batch: pb.BatchPurchaseRequest, _: float) -> pb.BatchPurchaseResponse:
        sent.extend(item.user_id for item in batch.requests)
        under_way.set()
        await may_go_on.wait()
        return pb.BatchPurchaseResponse(results=[bought(item) for item in batch.requests])

    coalescer = Coalescer(send, Retries(), calls_max=1, waiting_max=2)
    first = asyncio.create_task(coalescer.purchase(pb.PurchaseRequest(user_id="first"), 30.0))
    await under_way.wait()
    leaver = asyncio.create_task(coalescer.purchase(pb.PurchaseRequest(user_id="leaver"), 30.0))
    await asyncio.sleep(0)
    leaver.cancel()
    # Let in though nobody is answered, and so early enough to be told what is true of who is in.
    with pytest.raises(DeadlineExceeded, match=r"the deadline passed$"):
        await coalescer.purchase(pb.PurchaseRequest(user_id="next"), 0.5)
    may_go_on.set()
    await first
    await coalescer.close()
    assert sent == ["first"]


async def test_a_client_that_closes_tells_those_who_wait_outside() -> None:
    async def send(_: pb.BatchPurchaseRequest, __: float) -> pb.BatchPurchaseResponse:
        await asyncio.Event().wait()
        raise AssertionError

    coalescer = Coalescer(send, Retries(), waiting_max=1)
    tasks = [
        asyncio.create_task(coalescer.purchase(pb.PurchaseRequest(user_id=f"u-{n}"), 30.0))
        for n in range(4)
    ]
    for _ in range(5):
        await asyncio.sleep(0)
    await coalescer.close()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [OutcomeUnknown] + [ClientClosed] * 3


async def test_a_batch_that_would_be_too_large_is_parted_in_order() -> None:
    sent: list[list[str]] = []

    async def send(batch: pb.BatchPurchaseRequest, _: float) -> pb.BatchPurchaseResponse:
        assert len(batch.requests) == 1 or batch.ByteSize() <= BATCH_BYTES_MAX
        sent.append([item.request_id for item in batch.requests])
        return pb.BatchPurchaseResponse(results=[bought(item) for item in batch.requests])

    coalescer = Coalescer(send, Retries())
    users = {f"r-{n}": "x" * (n * 15_000) for n in range(100)}
    await asyncio.gather(
        *(
            coalescer.purchase(pb.PurchaseRequest(user_id=user, request_id=request_id), 30.0)
            for request_id, user in users.items()
        )
    )
    await coalescer.close()
    assert [request_id for batch in sent for request_id in batch] == list(users)

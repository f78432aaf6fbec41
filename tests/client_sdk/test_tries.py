"""What each try says to the server, and how long the client waits between them."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import TypeVarTuple, Unpack

import grpc
import pytest
from flashsale import (
    AsyncClient,
    Outcome,
    OutcomeUnknown,
    QueueFull,
    RateLimited,
    Retries,
    ServerFailed,
    Unavailable,
)

from tests.client_sdk.scripted_server import Turn, breaks, ends, error, scripted

Arguments = TypeVarTuple("Arguments")

AT_ONCE = Retries(first_seconds=0.0)
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
QUEUE_FULL = error(UNAVAILABLE, "QUEUE_FULL", 0.001)


class RecordingLoop(asyncio.SelectorEventLoop):
    """An event loop that remembers how long it was asked to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.delays: list[float] = []

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Arguments]], object],
        *args: *Arguments,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        self.delays.append(delay)
        return super().call_later(delay, callback, *args, context=context)


@pytest.mark.parametrize("method", ["purchase", "status"])
def test_the_wait_is_the_servers_word_and_a_random_part_on_top(method: str) -> None:
    async def run() -> None:
        retries = Retries(first_seconds=0.02, chance=lambda: 0.5)
        turned_away = ends(error(UNAVAILABLE, "QUEUE_FULL", 0.07))
        async with scripted() as (address, server):
            server.turns = [turned_away, turned_away]
            async with AsyncClient(address, retries=retries) as client:
                await getattr(client, method)("ann")

    with asyncio.Runner(loop_factory=RecordingLoop) as runner:
        runner.run(run())
        loop = runner.get_loop()
    assert isinstance(loop, RecordingLoop)
    waits = [delay for delay in loop.delays if 0.07 <= delay < 0.2]
    assert waits == pytest.approx([0.08, 0.09])


@pytest.mark.parametrize(
    "broken",
    [
        ends(error(UNAVAILABLE, "OUTCOME_UNKNOWN", 0.0)),
        breaks(UNAVAILABLE),
        breaks(grpc.StatusCode.INTERNAL, "RST_STREAM"),
        breaks(grpc.StatusCode.UNKNOWN, "Stream removed"),
        breaks(grpc.StatusCode.CANCELLED),
        breaks(grpc.StatusCode.DEADLINE_EXCEEDED),
    ],
    ids=["said", "unavailable", "internal", "unknown", "cancelled", "deadline"],
)
async def test_a_call_that_broke_is_repeated_as_a_retry_with_the_same_id(broken: Turn) -> None:
    async with scripted() as (address, server):
        server.turns = [ends(QUEUE_FULL), broken, ends(QUEUE_FULL)]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            result = await client.purchase("ann")
    assert result.outcome is Outcome.PURCHASED
    assert [request.retry for request in server.requests] == [False, False, True, True]
    assert {request.request_id for request in server.requests} == {result.request_id}


@pytest.mark.parametrize(
    "reason", ["QUEUE_FULL", "CIRCUIT_OPEN", "SHUTTING_DOWN", "LEDGER_UNAVAILABLE"]
)
async def test_a_call_that_was_refused_undecided_is_not_marked_as_a_retry(reason: str) -> None:
    async with scripted() as (address, server):
        server.turns = [ends(error(UNAVAILABLE, reason, 0.0))]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            await client.purchase("ann")
    assert [request.retry for request in server.requests] == [False, False]


async def test_each_caller_of_a_broken_call_is_told_of_their_own_request() -> None:
    async with scripted() as (address, server):
        server.turns = [breaks(UNAVAILABLE)]
        async with AsyncClient(address, retries=Retries(attempts=1)) as client:
            failed = await asyncio.gather(
                *(client.purchase(f"u-{n}", request_id=f"r-{n}") for n in range(5)),
                return_exceptions=True,
            )
    assert [type(item) for item in failed] == [OutcomeUnknown] * 5
    ids = [item.request_id for item in failed if isinstance(item, OutcomeUnknown)]
    assert ids == [f"r-{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (UNAVAILABLE, "QUEUE_FULL"),
        (grpc.StatusCode.INTERNAL, "INTERNAL"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "USER_RATE_LIMITED"),
    ],
)
async def test_a_fate_once_unknown_stays_unknown_whatever_later_tries_say(
    code: grpc.StatusCode, reason: str
) -> None:
    async with scripted(lambda _: error(code, reason, 0.0)) as (address, server):
        server.turns = [breaks(UNAVAILABLE)]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            with pytest.raises(OutcomeUnknown) as unknown:
                await client.purchase("ann", request_id="mine")
    assert unknown.value.request_id == "mine"


async def test_a_whole_calls_wait_beyond_the_deadline_is_not_begun() -> None:
    async with scripted() as (address, server):
        server.turns = [ends(error(UNAVAILABLE, "QUEUE_FULL", 3600.0))]
        async with AsyncClient(address) as client:
            with pytest.raises(QueueFull) as refused:
                await client.purchase("ann", request_id="mine")
    assert refused.value.retry_after_seconds == 3600.0
    assert refused.value.request_id == "mine"
    assert len(server.batches) == 1


async def test_questions_are_asked_again_until_they_are_answered() -> None:
    async with scripted() as (address, server):
        server.turns = [ends(QUEUE_FULL), breaks(UNAVAILABLE)]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            status = await client.status("shoes")
    assert status.sale_id == "shoes"
    assert len(server.metadata) == 3


async def test_a_question_ends_with_an_error_that_waiting_does_not_help() -> None:
    async with scripted() as (address, server):
        server.turns = [ends(QUEUE_FULL), ends(error(grpc.StatusCode.INTERNAL, "INTERNAL"))]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            with pytest.raises(ServerFailed):
                await client.status()
    assert len(server.metadata) == 2


def test_waits_grow_from_try_to_try_up_to_their_bound() -> None:
    retries = Retries(attempts=99, first_seconds=0.5, longest_seconds=2.0, chance=lambda: 1.0)
    waits = [retries.wait_seconds(Unavailable("no"), tried, 60.0) for tried in (1, 2, 3, 4, 98)]
    assert waits == [0.5, 1.0, 2.0, 2.0, 2.0]


def test_no_wait_is_begun_in_vain() -> None:
    retries = Retries(attempts=3)
    assert retries.wait_seconds(Unavailable("no"), 3, 60.0) is None
    assert retries.wait_seconds(RateLimited("no", retry_after_seconds=0.0), 1, 60.0) is None
    assert AT_ONCE.wait_seconds(Unavailable("no", retry_after_seconds=5.0), 1, 5.0) is None

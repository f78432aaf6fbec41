"""Retries: what is tried again, with which request id, and what the caller is told in the end."""

import asyncio
import socket

import grpc
import pytest
from flashsale import (
    AsyncClient,
    CircuitOpen,
    ConnectionFailed,
    InvalidRequest,
    Outcome,
    OutcomeUnknown,
    QueueFull,
    RateLimited,
    Retries,
    ServerFailed,
)
from flashsale.v1 import flash_sale_pb2 as pb

from tests.client_sdk.scripted_server import Answer, Script, bought, error, scripted

AT_ONCE = Retries(chance=lambda: 0.0)
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
QUEUE_FULL = error(UNAVAILABLE, "QUEUE_FULL", 0.001)


def first(*answers: Answer) -> Script:
    """A script that gives these answers once, then sells."""
    left = list(answers)
    return lambda request: left.pop(0) if left else bought(request)


async def test_what_was_turned_away_is_tried_again_with_the_same_request_id() -> None:
    async with scripted(first(QUEUE_FULL, QUEUE_FULL)) as (address, server):
        async with AsyncClient(address, retries=AT_ONCE) as client:
            result = await client.purchase("ann")
    assert result.outcome is Outcome.PURCHASED
    assert len(server.requests) == 3
    assert len({request.request_id for request in server.requests}) == 1
    assert [request.retry for request in server.requests] == [False, False, False]


async def test_a_try_after_one_of_unknown_fate_says_so() -> None:
    unknown = error(UNAVAILABLE, "OUTCOME_UNKNOWN", 0.001)
    async with scripted(first(unknown, QUEUE_FULL)) as (address, server):
        async with AsyncClient(address, retries=AT_ONCE) as client:
            await client.purchase("ann", request_id="mine")
    assert [request.retry for request in server.requests] == [False, True, True]
    assert {request.request_id for request in server.requests} == {"mine"}


async def test_a_whole_call_that_fails_is_tried_again_for_everybody_in_it() -> None:
    async with scripted() as (address, server):
        server.whole_call_errors = [error(UNAVAILABLE, "SHUTTING_DOWN", 0.001)]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            results = await asyncio.gather(*(client.purchase(f"u-{n}") for n in range(10)))
    assert {result.outcome for result in results} == {Outcome.PURCHASED}
    assert [len(batch.requests) for batch in server.batches] == [10, 10]


async def test_one_that_fails_does_not_hold_up_its_neighbours() -> None:
    turned_away = {"u-3"}

    def script(request: pb.PurchaseRequest) -> Answer:
        if request.user_id in turned_away:
            turned_away.discard(request.user_id)
            return QUEUE_FULL
        return bought(request)

    async with scripted(script) as (address, server):
        async with AsyncClient(address, retries=AT_ONCE) as client:
            await asyncio.gather(*(client.purchase(f"u-{n}") for n in range(5)))
    assert [len(batch.requests) for batch in server.batches] == [5, 1]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (error(grpc.StatusCode.RESOURCE_EXHAUSTED, "USER_RATE_LIMITED", 40.0), RateLimited),
        (error(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"), InvalidRequest),
        (error(grpc.StatusCode.INTERNAL, "INTERNAL"), ServerFailed),
    ],
)
async def test_what_is_not_unavailable_is_not_tried_again(
    status: Answer, expected: type[Exception]
) -> None:
    async with scripted(first(status)) as (address, server):
        async with AsyncClient(address, retries=AT_ONCE) as client:
            with pytest.raises(expected):
                await client.purchase("ann")
    assert len(server.requests) == 1


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    async with scripted(lambda _: error(UNAVAILABLE, "CIRCUIT_OPEN", 30.0)) as (address, server):
        async with AsyncClient(address, retries=AT_ONCE, timeout=5.0) as client:
            with pytest.raises(CircuitOpen) as caught:
                await client.purchase("ann")
    assert caught.value.retry_after_seconds == 30.0
    assert len(server.requests) == 1


async def test_tries_are_numbered() -> None:
    async with scripted(lambda _: QUEUE_FULL) as (address, server):
        async with AsyncClient(address, retries=Retries(3, chance=lambda: 0.0)) as client:
            with pytest.raises(QueueFull):
                await client.purchase("ann")
    assert len(server.requests) == 3


async def test_an_unknown_fate_is_not_forgotten_when_the_last_try_is_turned_away() -> None:
    answers = first(error(UNAVAILABLE, "OUTCOME_UNKNOWN", 0.001), QUEUE_FULL)
    async with scripted(answers) as (address, _):
        async with AsyncClient(address, retries=Retries(2, chance=lambda: 0.0)) as client:
            with pytest.raises(OutcomeUnknown) as caught:
                await client.purchase("ann", request_id="mine")
    assert caught.value.request_id == "mine"


async def test_a_server_that_is_not_there_was_never_asked() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        async with AsyncClient(address, retries=Retries(1), timeout=5.0) as client:
            with pytest.raises(ConnectionFailed) as caught:
                await client.purchase("ann")
    assert not isinstance(caught.value, OutcomeUnknown)


async def test_a_connection_that_breaks_after_sending_leaves_the_outcome_unknown() -> None:
    asked = asyncio.Event()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Enough of HTTP/2 for a client to send its request: the server's empty settings.
        writer.write(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        received = b""
        while b"BatchPurchase" not in received and b"ann" not in received:
            received += await reader.read(65536)
        asked.set()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, AsyncClient(f"{host}:{port}", retries=Retries(1), timeout=5.0) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            await client.purchase("ann", request_id="mine")
    assert asked.is_set()
    assert caught.value.request_id == "mine"


async def test_time_that_runs_out_after_sending_leaves_the_outcome_unknown() -> None:
    hold = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        await hold.wait()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        async with AsyncClient(f"{host}:{port}", timeout=0.2) as client:
            with pytest.raises(OutcomeUnknown):
                await client.purchase("ann")
        hold.set()

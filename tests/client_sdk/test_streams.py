"""Streams: purchases as they come, and the watching of a sale."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
from flashsale import (
    AsyncClient,
    Client,
    ClientClosed,
    ConnectionFailed,
    InvalidRequest,
    Order,
    OutcomeUnknown,
    PermissionDenied,
    Retries,
    SaleNotFound,
    ShuttingDown,
)

from tests.client_sdk.scripted_server import breaks, ends, error, never, scripted
from tests.servers import running, server_process

AT_ONCE = Retries(first_seconds=0.0)
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


class SourceBrokeError(Exception):
    """What a caller's own orders may raise."""


async def endless() -> AsyncIterator[Order]:
    """Orders of somebody who never stops, and never waits."""
    number = 0
    while True:
        yield Order(f"u-{number}", request_id=f"r-{number}")
        number += 1
        await asyncio.sleep(0)


async def two_and_then_silence() -> AsyncIterator[Order]:
    yield Order("ann", request_id="r-1")
    yield Order("bob", request_id="r-2")
    await asyncio.Event().wait()


async def one_and_then_silence() -> AsyncIterator[Order]:
    yield Order("ann", request_id="r-1")
    await asyncio.Event().wait()


async def one_and_then_trouble() -> AsyncIterator[Order]:
    yield Order("ann", request_id="r-1")
    raise SourceBrokeError("out of orders")


async def test_a_result_comes_before_the_next_order_is_known() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        answers = client.stream_purchases(one_and_then_silence())
        answered = await anext(answers)
        await answers.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert answered.request_id == "r-1"
    assert answered.result is not None
    assert answered.result.is_bought


async def test_an_error_of_one_order_is_an_answer_among_the_others() -> None:
    async def orders() -> AsyncIterator[Order]:
        yield Order("ann", request_id="r-1")
        yield Order("", request_id="r-2")
        yield Order("bob", request_id="r-3")

    async with running() as shop, AsyncClient(shop.address) as client:
        answers = {item.request_id: item async for item in client.stream_purchases(orders())}
    assert set(answers) == {"r-1", "r-2", "r-3"}
    wrong = answers["r-2"]
    assert isinstance(wrong.error, InvalidRequest)
    assert wrong.error.request_id == "r-2"
    assert wrong.result is None
    assert answers["r-3"].error is None


async def test_a_stream_without_orders_ends_at_once() -> None:
    async def nothing() -> AsyncIterator[Order]:
        return
        yield

    async with running() as shop, AsyncClient(shop.address) as client:
        assert [item async for item in client.stream_purchases(nothing())] == []


async def test_who_leaves_a_stream_early_stops_it() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        before = asyncio.all_tasks()
        async with contextlib.aclosing(client.stream_purchases(endless())) as answers:  # type: ignore[type-var]
            async for _ in answers:
                break
        await until_only(before)
        assert (await client.purchase("ann")).is_bought
        assert server.requests[-1].user_id == "ann"


async def until_only(tasks: set["asyncio.Task[object]"]) -> None:
    """Wait until no task is left but these."""
    me = {asyncio.current_task()}
    left = {task for task in asyncio.all_tasks() - tasks - me if "server" not in repr(task)}
    if left:
        _, pending = await asyncio.wait(left, timeout=20)
        assert not pending


async def test_a_source_that_fails_is_heard_of_by_the_caller() -> None:
    async with scripted() as (address, _), AsyncClient(address) as client:
        with pytest.raises(SourceBrokeError, match="out of orders"):
            async for _ in client.stream_purchases(one_and_then_trouble()):
                pass
        assert (await client.purchase("ann")).is_bought


async def test_an_order_that_no_message_can_carry_is_invalid() -> None:
    async def orders() -> AsyncIterator[Order]:
        yield Order("ann", quantity=2**31)

    async with scripted() as (address, _), AsyncClient(address) as client:
        with pytest.raises(InvalidRequest):
            async for _ in client.stream_purchases(orders()):
                pass


async def test_a_cancelled_reader_is_cancelled_and_not_told_anything_else() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        server.turns = [never]
        answers = client.stream_purchases(one_and_then_silence())
        reading = asyncio.ensure_future(anext(answers))
        await server.arrived.get()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading


@pytest.mark.parametrize(
    ("code", "expected"),
    [(UNAVAILABLE, OutcomeUnknown), (grpc.StatusCode.PERMISSION_DENIED, PermissionDenied)],
)
async def test_a_broken_stream_is_not_begun_again(
    code: grpc.StatusCode, expected: type[Exception]
) -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        server.turns = [None, breaks(code)]
        answers = client.stream_purchases(two_and_then_silence())
        assert (await anext(answers)).request_id == "r-1"
        with pytest.raises(expected):
            await anext(answers)
    assert len(server.metadata) == 2


async def test_the_servers_reason_for_ending_a_stream_is_told() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        server.turns = [ends(error(UNAVAILABLE, "SHUTTING_DOWN"))]
        with pytest.raises(ShuttingDown):
            async for _ in client.stream_purchases(one_and_then_silence()):
                pass


async def test_a_stream_whose_end_was_the_servers_leaves_nothing_behind() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        await client.status()
        before = asyncio.all_tasks()
        server.turns = [ends(error(UNAVAILABLE, "SHUTTING_DOWN"))]
        with pytest.raises(ShuttingDown):
            async for _ in client.stream_purchases(one_and_then_silence()):
                pass
        await until_only(before)


async def test_a_watch_begins_again_when_the_server_ends_it() -> None:
    async with scripted() as (address, server):
        server.turns = [None, breaks(UNAVAILABLE), ends(error(UNAVAILABLE, "TOO_MANY_WATCHERS"))]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            watched = client.watch_status("shoes")
            seen = [await anext(watched), await anext(watched), await anext(watched)]
    assert [status.position for status in seen] == [1, 4, 5]
    assert {status.sale_id for status in seen} == {"shoes"}


async def test_a_watch_goes_on_beyond_the_attempts_of_other_calls() -> None:
    async with scripted() as (address, server):
        server.turns = [breaks(UNAVAILABLE)] * 9
        async with AsyncClient(address, retries=Retries(attempts=2, first_seconds=0.0)) as client:
            status = await anext(client.watch_status())
    assert status.position == 10


async def test_a_watch_ends_when_there_is_nothing_to_watch() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        with pytest.raises(SaleNotFound):
            await anext(client.watch_status("no-such-sale"))
        with pytest.raises(InvalidRequest) as invalid:
            await anext(client.watch_status(min_interval_seconds=99.0))
    assert [item.field for item in invalid.value.violations] == ["min_interval"]


async def test_a_cancelled_watcher_leaves_the_client_as_it_is() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        server.turns = [never]
        watching = asyncio.ensure_future(anext(client.watch_status()))
        await server.arrived.get()
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
        assert (await client.status()).sale_id == "default"


def test_the_blocking_client_tells_of_a_source_that_fails(tmp_path: Path) -> None:
    def orders() -> Iterator[Order]:
        yield Order("ann")
        raise SourceBrokeError("out of orders")

    with server_process(tmp_path) as server, Client(server.address) as client:
        with pytest.raises(SourceBrokeError, match="out of orders"):
            list(client.stream_purchases(orders()))
        assert client.get_purchase("bob").purchases == ()


def test_a_blocked_source_does_not_block_other_threads_or_the_end(tmp_path: Path) -> None:
    released = threading.Event()

    def orders() -> Iterator[Order]:
        yield Order("ann", request_id="r-1")
        released.wait(60)

    with server_process(tmp_path) as server:
        with Client(server.address) as client:
            answers = client.stream_purchases(orders())
            assert next(answers).request_id == "r-1"
            assert client.get_purchase("ann").purchased
        released.set()
        with pytest.raises(ClientClosed):
            next(answers)


def test_a_blocking_watcher_may_leave_and_the_client_goes_on(tmp_path: Path) -> None:
    with server_process(tmp_path) as server, Client(server.address) as client:
        for status in client.watch_status():
            assert status.available_stock == 100
            break
        assert client.purchase("ann").is_bought
        with pytest.raises(SaleNotFound):
            next(client.watch_status("no-such-sale"))


def test_a_watcher_of_a_server_that_is_gone_goes_on_trying(tmp_path: Path) -> None:
    with server_process(tmp_path) as server, Client(server.address, retries=AT_ONCE) as client:
        watched = client.watch_status()
        next(watched)
        server.kill()
        with pytest.raises(ConnectionFailed):
            client.status()

"""When a change is asked for again, and what is told of one whose fate is unknown."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import pytest
from flashsale import (
    AsyncAdmin,
    AsyncClient,
    ClientClosed,
    ConnectionFailed,
    DeadlineExceeded,
    EtagMismatch,
    FlashSaleError,
    NotEnoughUnsold,
    OutcomeUnknown,
    QueueFull,
    Retries,
    SaleState,
)
from google.rpc import status_pb2

from tests.client_sdk.scripted_admin import scripted_admin
from tests.client_sdk.scripted_server import Turn, breaks, ends, error, never
from tests.servers import back_at, server_process, until

Call = Callable[[AsyncAdmin], Awaitable[object]]

AT_ONCE = Retries(first_seconds=0.0)
ONCE = Retries(attempts=1)
Code = grpc.StatusCode

QUESTIONS: dict[str, Call] = {"get": lambda admin: admin.get_sale("shoes")}
REPEATABLE: dict[str, Call] = {
    "update": lambda admin: admin.update_sale("shoes", title="Shoes"),
    "pause": lambda admin: admin.pause_sale("shoes"),
    "resume": lambda admin: admin.resume_sale("shoes"),
    "end": lambda admin: admin.end_sale("shoes"),
    "restock with an etag": lambda admin: admin.restock_sale("shoes", 1, etag="r1"),
    "cancel": lambda admin: admin.cancel_purchase(sale_id="s", user_id="u", purchase_id="p"),
}
ONCE_ONLY: dict[str, Call] = {
    "create": lambda admin: admin.create_sale("shoes", total_stock=1),
    "restock": lambda admin: admin.restock_sale("shoes", 1),
}
ALL = QUESTIONS | REPEATABLE | ONCE_ONLY

# Ways for a call to end that leave open whether it was done.
UNKNOWN: dict[str, Turn] = {
    "said": ends(error(Code.UNAVAILABLE, "OUTCOME_UNKNOWN", 0.0)),
    "unavailable": breaks(Code.UNAVAILABLE),
    "internal": breaks(Code.INTERNAL, "RST_STREAM"),
    "unknown": breaks(Code.UNKNOWN, "Stream removed"),
    "deadline": breaks(Code.DEADLINE_EXCEEDED),
}


@pytest.mark.parametrize("call", ALL.values(), ids=list(ALL))
@pytest.mark.parametrize("reason", ["QUEUE_FULL", "LEDGER_UNAVAILABLE", "SHUTTING_DOWN"])
async def test_what_was_surely_not_done_is_asked_for_again(call: Call, reason: str) -> None:
    async with scripted_admin() as (address, server):
        server.turns = [ends(error(Code.UNAVAILABLE, reason, 0.0))] * 2
        async with AsyncClient(address, retries=AT_ONCE) as client:
            await call(client.admin)
    assert len(server.calls) == 3


@pytest.mark.parametrize("call", REPEATABLE.values(), ids=list(REPEATABLE))
@pytest.mark.parametrize("broken", UNKNOWN.values(), ids=list(UNKNOWN))
async def test_what_is_not_done_twice_is_asked_for_again_when_its_fate_is_unknown(
    call: Call, broken: Turn
) -> None:
    async with scripted_admin() as (address, server):
        server.turns = [broken]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            await call(client.admin)
    assert len(server.calls) == 2


@pytest.mark.parametrize("call", ONCE_ONLY.values(), ids=list(ONCE_ONLY))
@pytest.mark.parametrize("broken", UNKNOWN.values(), ids=list(UNKNOWN))
async def test_what_would_be_done_twice_is_asked_for_once_and_the_caller_is_told(
    call: Call, broken: Turn
) -> None:
    async with scripted_admin() as (address, server):
        server.turns = [ends(error(Code.UNAVAILABLE, "QUEUE_FULL", 0.0)), broken]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            with pytest.raises(OutcomeUnknown):
                await call(client.admin)
    assert len(server.calls) == 2


@pytest.mark.parametrize(
    "last",
    [
        error(Code.UNAVAILABLE, "QUEUE_FULL", 3600.0),
        error(Code.INTERNAL, "INTERNAL"),
        error(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
        error(Code.UNAUTHENTICATED, "UNAUTHENTICATED"),
        error(Code.ABORTED, "ETAG_MISMATCH"),
    ],
    ids=lambda status: str(status.message),
)
async def test_a_last_try_that_was_turned_away_says_nothing_of_an_earlier_one(
    last: status_pb2.Status,
) -> None:
    async with scripted_admin() as (address, server):
        server.turns = [breaks(Code.UNAVAILABLE), ends(last)]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            with pytest.raises(OutcomeUnknown, match="the last try said: "):
                await client.admin.restock_sale("shoes", 1, etag="r1")


async def test_a_refusal_tells_that_no_earlier_try_was_done() -> None:
    async with scripted_admin() as (address, server):
        refused = error(Code.FAILED_PRECONDITION, "NOT_ENOUGH_UNSOLD")
        server.turns = [breaks(Code.UNAVAILABLE), ends(refused)]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            with pytest.raises(NotEnoughUnsold):
                await client.admin.restock_sale("shoes", -1, etag="r1")


async def test_an_etag_that_was_old_at_the_first_try_is_told_as_such() -> None:
    async with scripted_admin() as (address, server):
        server.turns = [ends(error(Code.ABORTED, "ETAG_MISMATCH"))]
        async with AsyncClient(address) as client:
            with pytest.raises(EtagMismatch):
                await client.admin.pause_sale("shoes", etag="r1")
    assert len(server.calls) == 1


async def test_time_that_ends_during_a_change_leaves_it_unknown() -> None:
    async with scripted_admin() as (address, server):
        server.turns = [never]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            with pytest.raises(OutcomeUnknown):
                await client.admin.pause_sale("shoes", timeout=0.2)
            with pytest.raises(DeadlineExceeded):
                await client.admin.pause_sale("shoes", timeout=0.0)
    assert len(server.calls) == 1


async def test_a_client_that_is_closed_during_a_change_leaves_it_unknown() -> None:
    async with scripted_admin() as (address, server):
        server.turns = [never]
        client = AsyncClient(address)
        pausing = asyncio.create_task(client.admin.pause_sale("shoes"))
        await server.arrived.get()
        await client.close()
        with pytest.raises(OutcomeUnknown):
            await pausing


@pytest.mark.parametrize(
    ("first", "expected"), [([], ClientClosed), ([breaks(Code.UNAVAILABLE)], OutcomeUnknown)]
)
async def test_a_client_that_is_closed_between_two_tries_tells_what_is_known(
    first: list[Turn], expected: type[FlashSaleError]
) -> None:
    waits = 0
    waits_long = asyncio.Event()

    def chance() -> float:
        nonlocal waits
        waits += 1
        if waits > len(first):
            waits_long.set()
        return 0.0

    async with scripted_admin() as (address, server):
        server.turns = [*first, ends(error(Code.UNAVAILABLE, "QUEUE_FULL", 5.0))]
        client = AsyncClient(address, retries=Retries(chance=chance))
        pausing = asyncio.create_task(client.admin.pause_sale("shoes"))
        await until(waits_long)
        await client.close()
        with pytest.raises(expected):
            await pausing


async def test_a_sale_in_a_state_of_a_later_version_is_a_sale_all_the_same() -> None:
    async with scripted_admin() as (address, _), AsyncClient(address) as client:
        sale = await client.admin.get_sale("shoes")
    assert (sale.sale_id, sale.state) == ("shoes", SaleState.UNRECOGNIZED)


async def test_a_server_that_is_not_there_was_never_asked() -> None:
    async with AsyncClient("127.0.0.1:1", retries=ONCE) as client:
        for call in ALL.values():
            with pytest.raises(ConnectionFailed):
                await call(client.admin)


async def test_a_change_whose_server_was_killed_is_done_once_after_all(tmp_path: Path) -> None:
    retries = Retries(attempts=200, longest_seconds=0.1)
    with server_process(tmp_path, "--stock", "1") as server:
        async with AsyncClient(server.address, timeout=60.0, retries=retries) as client:
            etag = (await client.admin.get_sale("default")).etag
            await client.admin.restock_sale("default", 10, etag=etag)
            server.kill()
            pausing = asyncio.create_task(client.admin.pause_sale("default"))
            async with back_at(server.address, tmp_path):
                assert (await pausing).state is SaleState.PAUSED
                with pytest.raises(EtagMismatch):
                    await client.admin.restock_sale("default", 10, etag=etag)
                assert (await client.admin.get_sale("default")).total_stock == 11


async def test_a_restock_whose_server_dies_under_it_is_left_to_the_caller(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "1") as server:
        async with AsyncClient(server.address, timeout=60.0) as client:
            await client.admin.get_sale("default")
            server.process.send_signal(signal.SIGSTOP)  # who asks now is heard by nobody
            restocking = asyncio.create_task(client.admin.restock_sale("default", 1))
            with pytest.raises(DeadlineExceeded):
                await client.admin.get_sale("default", timeout=0.2)  # sent after the other
            server.kill()
            with pytest.raises(OutcomeUnknown):
                await restocking


async def test_a_full_queue_is_told_when_trying_again_did_not_help() -> None:
    async with scripted_admin() as (address, server):
        server.turns = [ends(error(Code.UNAVAILABLE, "QUEUE_FULL", 0.0))] * 2
        async with AsyncClient(address, retries=Retries(2, 0.0)) as client:
            with pytest.raises(QueueFull):
                await client.admin.create_sale("shoes", total_stock=1)

"""The change feed: every entry once, in order, whatever happens to the connection or the server."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from flashsale import (
    AsyncClient,
    Client,
    ClientClosed,
    Entry,
    EntryKind,
    InvalidRequest,
    Outcome,
    PermissionDenied,
    Retries,
    SaleNotFound,
    ServerFailed,
)
from flashsale.v1 import sale_admin_pb2 as admin

from tests.client_sdk.scripted_admin import scripted_admin
from tests.client_sdk.scripted_server import Turn, breaks, ends, error, never
from tests.servers import back_at, running, server_process

AT_ONCE = Retries(first_seconds=0.0)
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


def entries(*positions: int) -> list[admin.Entry]:
    return [admin.Entry(position=position) for position in positions]


async def taken(client: AsyncClient, count: int, after: int = 0) -> list[Entry]:
    """The next entries of the default sale."""
    seen: list[Entry] = []
    async for entry in client.admin.watch_entries("default", after):
        seen.append(entry)
        if len(seen) == count:
            break
    return seen


async def test_what_has_happened_comes_first_and_then_what_happens() -> None:
    async with running(stock="5") as shop, AsyncClient(shop.address) as client:
        await client.purchase("ann")
        feed = client.admin.watch_entries("default")
        opened, first = await anext(feed), await anext(feed)
        coming = asyncio.ensure_future(anext(feed))
        bought = (await client.purchase("bob", request_id="r-1")).purchase
        second = await coming
    assert (opened.kind, opened.stock_change, opened.position) == (EntryKind.OPENED, 5, 1)
    assert opened.terms is not None
    assert opened.terms.per_user_limit == 1
    assert (first.kind, first.user_id, first.stock_change) == (EntryKind.PURCHASED, "ann", -1)
    assert bought is not None
    assert (second.position, second.purchase_id) == (bought.position, bought.purchase_id)
    assert (second.request_id, second.quantity) == ("r-1", 1)
    assert second.record_time == bought.create_time
    assert abs(second.record_time - datetime.now(UTC)) < timedelta(hours=1)
    assert second.node == first.node
    assert second.arrival > first.arrival
    assert (second.hold_expire_time, second.outcome, second.terms) == (None, None, None)


async def test_every_kind_of_entry_says_what_it_has_to_say() -> None:
    async with running(stock="1", hold_seconds="60") as shop, AsyncClient(shop.address) as client:
        held = (await client.purchase("ann")).purchase
        assert held is not None
        await client.purchase("bob", request_id="r-1", retry=True)
        await client.confirm(held)
        await client.admin.update_sale("default", title="Boots")
        seen = await taken(client, 5)
    assert [entry.kind for entry in seen] == [
        EntryKind.OPENED,
        EntryKind.HELD,
        EntryKind.REFUSED,
        EntryKind.CONFIRMED,
        EntryKind.UPDATED,
    ]
    assert seen[1].hold_expire_time == held.hold_expire_time
    assert (seen[2].outcome, seen[2].request_id) == (Outcome.SOLD_OUT, "r-1")
    assert (seen[3].purchase_id, seen[3].stock_change) == (held.purchase_id, 0)
    assert seen[4].terms is not None
    assert seen[4].terms.title == "Boots"


@pytest.mark.parametrize("after", [0, 1, 7, 20])
async def test_a_feed_goes_on_after_any_position(after: int) -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        await asyncio.gather(*(client.purchase(f"u-{number}") for number in range(20)))
        seen = await taken(client, 21 - after, after)
    assert [entry.position for entry in seen] == list(range(after + 1, 22))


async def test_there_is_nothing_to_follow_beyond_the_end_or_where_no_sale_is() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        for after in (99, -1):
            with pytest.raises(InvalidRequest) as wrong:
                await taken(client, 1, after)
            assert [item.field for item in wrong.value.violations] == ["after_position"]
        with pytest.raises(SaleNotFound):
            await anext(client.admin.watch_entries("no-such-sale"))
        with pytest.raises(InvalidRequest):
            await anext(client.admin.watch_entries("default", 2**63))


async def test_many_who_follow_one_sale_see_the_same() -> None:
    async with running(stock="200") as shop, AsyncClient(shop.address) as client:
        following = [asyncio.create_task(taken(client, 201)) for _ in range(10)]
        await asyncio.gather(*(client.purchase(f"u-{number}") for number in range(200)))
        feeds = await asyncio.gather(*following)
    assert all(feed == feeds[0] for feed in feeds)
    assert sum(entry.stock_change for entry in feeds[0]) == 0


@pytest.mark.parametrize(
    "broken",
    [
        breaks(UNAVAILABLE),
        breaks(grpc.StatusCode.INTERNAL, "RST_STREAM"),
        breaks(grpc.StatusCode.UNKNOWN, "Stream removed"),
        breaks(grpc.StatusCode.CANCELLED),
        ends(error(UNAVAILABLE, "SHUTTING_DOWN", 0.0)),
        ends(error(UNAVAILABLE, "TOO_MANY_WATCHERS", 0.0)),
    ],
    ids=["unavailable", "internal", "unknown", "cancelled", "stopping", "crowded"],
)
async def test_a_feed_goes_on_where_it_broke(broken: Turn) -> None:
    async with scripted_admin() as (address, server):
        server.entries = [entries(1, 2), entries(3), [], entries(4)]
        server.turns = [None, broken, broken, broken]
        async with AsyncClient(address, retries=Retries(attempts=2, first_seconds=0.0)) as client:
            feed = client.admin.watch_entries("shoes")
            seen = [(await anext(feed)).position for _ in range(4)]
    assert seen == [1, 2, 3, 4]
    assert server.watched == [0, 2, 2, 2, 2, 3, 3]


async def test_what_the_server_sends_again_is_not_given_again() -> None:
    async with scripted_admin() as (address, server):
        server.entries = [entries(1, 2), entries(1, 2, 3)]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            feed = client.admin.watch_entries("shoes")
            assert [(await anext(feed)).position for _ in range(3)] == [1, 2, 3]


async def test_a_gap_is_told_and_not_passed_over() -> None:
    async with scripted_admin() as (address, server):
        server.entries = [entries(1, 3)]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            feed = client.admin.watch_entries("shoes")
            assert (await anext(feed)).position == 1
            with pytest.raises(ServerFailed, match="after position 1 is missing"):
                await anext(feed)


async def test_a_feed_that_is_not_allowed_is_not_asked_for_again() -> None:
    async with scripted_admin() as (address, server):
        server.turns = [ends(error(grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED"))]
        async with AsyncClient(address, retries=AT_ONCE) as client:
            with pytest.raises(PermissionDenied):
                await anext(client.admin.watch_entries("shoes"))
    assert len(server.watched) == 1


async def test_entries_of_a_later_version_are_given_all_the_same() -> None:
    async with scripted_admin() as (address, server):
        newer = entries(1)
        newer[0].MergeFromString(b"\x10\x63\x60\x63")  # kind 99, outcome 99
        server.entries = [newer]
        async with AsyncClient(address) as client:
            entry = await anext(client.admin.watch_entries("shoes"))
    assert (entry.kind, entry.outcome) == (EntryKind.UNRECOGNIZED, Outcome.UNRECOGNIZED)


async def test_a_reader_who_is_cancelled_leaves_the_client_as_it_is() -> None:
    async with scripted_admin() as (address, server), AsyncClient(address) as client:
        server.turns = [never]
        reading = asyncio.ensure_future(anext(client.admin.watch_entries("shoes")))
        await server.arrived.get()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert (await client.admin.get_sale("shoes")).sale_id == "shoes"


async def test_a_reader_whose_client_is_closed_is_told_so() -> None:
    async with scripted_admin() as (address, server):
        server.turns = [never]
        client = AsyncClient(address)
        reading = asyncio.ensure_future(anext(client.admin.watch_entries("shoes")))
        await server.arrived.get()
        await client.close()
        with pytest.raises(ClientClosed):
            await reading


async def test_a_feed_lives_through_kill_nine_without_a_gap_or_a_repeat(tmp_path: Path) -> None:
    retries = Retries(attempts=500, longest_seconds=0.05)
    flags = ("--stock", "300", "--rate-limit-per-minute", "0")
    rounds, crowd = 3, 60
    seen: list[Entry] = []

    async def follow(client: AsyncClient, count: int) -> None:
        feed = client.admin.watch_entries("default")
        async with contextlib.aclosing(feed):  # type: ignore[type-var]  # it is a generator
            async for entry in feed:
                seen.append(entry)
                if entry.kind is EntryKind.ENDED:
                    return

    with server_process(tmp_path, *flags) as server:
        address, process = server.address, server
        async with AsyncClient(address, timeout=60.0, retries=retries) as client:
            following = asyncio.create_task(follow(client, rounds * crowd))
            async with contextlib.AsyncExitStack() as servers:
                for number in range(rounds):
                    buying = [
                        asyncio.create_task(client.purchase(f"u-{number}-{n}"))
                        for n in range(crowd)
                    ]
                    await asyncio.wait(buying, return_when=asyncio.FIRST_COMPLETED)
                    process.kill()
                    process = await servers.enter_async_context(back_at(address, tmp_path, *flags))
                    assert all(result.is_bought for result in await asyncio.gather(*buying))
                await client.admin.end_sale("default")
                await asyncio.wait_for(following, 30)
    assert [entry.position for entry in seen] == list(range(1, len(seen) + 1))
    users = [entry.user_id for entry in seen if entry.kind is EntryKind.PURCHASED]
    assert sorted(users) == sorted(f"u-{n}-{m}" for n in range(rounds) for m in range(crowd))


def test_the_blocking_feed_goes_on_across_a_restart(tmp_path: Path) -> None:
    retries = Retries(attempts=500, longest_seconds=0.05)
    with server_process(tmp_path) as server, Client(server.address, retries=retries) as client:
        client.purchase("ann")
        feed = client.admin.watch_entries("default")
        seen = [next(feed), next(feed)]
        server.kill()
        with server_process(tmp_path, "--grpc-address", server.address):
            client.purchase("bob", timeout=60.0)
            seen.append(next(feed))
    assert [entry.user_id for entry in seen] == ["", "ann", "bob"]
    assert [entry.position for entry in seen] == [1, 2, 3]

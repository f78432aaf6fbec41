"""Holds: confirmed, given back, and as contexts that give back what nobody has confirmed."""

# ruff: noqa: PT012  # what a hold raises comes out of its body

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from flashsale import (
    AsyncClient,
    Client,
    ClientClosed,
    ConnectionFailed,
    HoldExpired,
    HoldReleased,
    InvalidRequest,
    Order,
    Outcome,
    OutcomeUnknown,
    PreconditionFailed,
    Purchase,
    PurchaseConfirmed,
    PurchaseNotFound,
    PurchaseState,
    Retries,
    SaleNotFound,
)

from tests.client_sdk.scripted_server import Context, scripted
from tests.servers import ServerProcess, back_at, running, server_process, until

ONCE = Retries(attempts=1)


class PaymentFailedError(Exception):
    """What a body may raise."""


@contextlib.asynccontextmanager
async def a_shop(stock: int = 2, hold_seconds: int = 60) -> AsyncIterator[AsyncClient]:
    """A client of a real server whose default sale sells holds."""
    async with running(stock=str(stock), hold_seconds=str(hold_seconds)) as shop:
        async with AsyncClient(shop.address) as client:
            yield client


async def held_by(client: AsyncClient, user_id: str) -> Purchase:
    result = await client.purchase(user_id)
    assert result.outcome is Outcome.HELD
    assert result.purchase is not None
    return result.purchase


async def expired(client: AsyncClient, held: Purchase) -> None:
    """Wait until a hold is over."""
    async for status in client.watch_status(min_interval_seconds=0.2):
        if not status.held_stock:
            break
    mine = await client.get_purchase(held.user_id)
    assert [item.state for item in mine.purchases] == [PurchaseState.RELEASED]


async def test_a_hold_is_kept_until_its_time() -> None:
    async with a_shop(hold_seconds=60) as client:
        held = await held_by(client, "ann")
        status = await client.status()
    assert held.state is PurchaseState.HELD
    assert held.hold_expire_time == held.create_time + timedelta(seconds=60)
    assert (status.available_stock, status.held_stock, status.sold_stock) == (1, 1, 0)
    assert status.hold_duration == timedelta(seconds=60)


async def test_a_confirmed_hold_is_a_purchase_however_often() -> None:
    async with a_shop() as client:
        held = await held_by(client, "ann")
        for _ in range(3):
            assert (await client.confirm(held)).state is PurchaseState.CONFIRMED
        with pytest.raises(PurchaseConfirmed):
            await client.release(held)
        assert (await client.status()).sold_stock == 1


async def test_a_released_hold_goes_on_sale_again_however_often() -> None:
    async with a_shop(stock=1) as client:
        held = await held_by(client, "ann")
        assert (await client.purchase("bob")).outcome is Outcome.SOLD_OUT
        for _ in range(3):
            assert (await client.release(held)).state is PurchaseState.RELEASED
        with pytest.raises(HoldReleased):
            await client.confirm(held)
        await held_by(client, "bob")


async def test_a_hold_can_be_named_by_its_ids() -> None:
    async with a_shop(stock=3) as client:
        ann, bob = await held_by(client, "ann"), await held_by(client, "bob")
        confirmed = await client.confirm(user_id="ann", purchase_id=ann.purchase_id)
        released = await client.release(
            user_id="bob", purchase_id=bob.purchase_id, sale_id="default"
        )
        assert (confirmed.purchase_id, confirmed.state) == (
            ann.purchase_id,
            PurchaseState.CONFIRMED,
        )
        assert released.state is PurchaseState.RELEASED
        for change in (client.confirm, client.release):
            with pytest.raises(PurchaseNotFound):
                await change(user_id="bob", purchase_id=ann.purchase_id)
            with pytest.raises(SaleNotFound):
                await change(user_id="ann", purchase_id="p", sale_id="no-such-sale")
            with pytest.raises(InvalidRequest) as unnamed:
                await change()
            assert {item.field for item in unnamed.value.violations} == {"user_id", "purchase_id"}
            with pytest.raises(InvalidRequest):
                await change(user_id="\ud800", purchase_id="p")


async def test_a_hold_whose_time_is_over_is_neither_confirmed_nor_given_back() -> None:
    async with a_shop(stock=1, hold_seconds=1) as client:
        held = await held_by(client, "ann")
        await expired(client, held)
        for change in (client.confirm, client.release):
            with pytest.raises(HoldExpired):
                await change(held)
        await held_by(client, "bob")


async def test_a_body_that_confirms_has_bought() -> None:
    async with a_shop() as client:
        async with client.hold("ann") as hold:
            assert hold.is_held
            assert hold.result.outcome is Outcome.HELD
            confirmed = await hold.confirm()
        assert hold.is_held
        assert hold.purchase == confirmed
        assert confirmed.state is PurchaseState.CONFIRMED
        assert (await client.status()).sold_stock == 1


async def test_a_hold_that_was_forgotten_is_given_back() -> None:
    async with a_shop() as client:
        async with client.hold("ann", quantity=1, request_id="r-1") as hold:
            assert hold.result.request_id == "r-1"
        assert not hold.is_held
        assert hold.purchase is not None
        assert hold.purchase.state is PurchaseState.RELEASED
        assert (await client.status()).available_stock == 2


async def test_a_hold_may_be_given_back_before_the_end_of_its_body() -> None:
    async with a_shop() as client:
        async with client.hold("ann") as hold:
            await hold.release()
            assert (await client.status()).available_stock == 2
            assert not hold.is_held
            with pytest.raises(HoldReleased):
                await hold.confirm()


async def test_an_exception_of_the_body_is_not_hidden_and_the_units_go_back() -> None:
    async with a_shop() as client:
        with pytest.raises(PaymentFailedError):
            async with client.hold("ann"):
                raise PaymentFailedError
        assert (await client.status()).available_stock == 2


async def test_a_body_that_is_cancelled_gives_the_units_back() -> None:
    async with a_shop() as client:
        is_held = asyncio.Event()

        async def buy() -> None:
            async with client.hold("ann"):
                is_held.set()
                await asyncio.Event().wait()

        buying = asyncio.create_task(buy())
        await until(is_held)
        buying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await buying
        assert (await client.status()).available_stock == 2


async def test_a_second_cancellation_does_not_stop_the_giving_back() -> None:
    async with a_shop() as client:
        is_held = asyncio.Event()

        async def buy() -> None:
            async with client.hold("ann"):
                is_held.set()
                await asyncio.Event().wait()

        buying = asyncio.create_task(buy())
        await until(is_held)
        buying.cancel()
        await asyncio.sleep(0)  # it begins to give back
        buying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await buying
        async for status in client.watch_status(min_interval_seconds=0.2):
            if status.available_stock == 2:
                break


async def test_whoever_is_cancelled_while_trying_to_buy_holds_nothing() -> None:
    async with a_shop() as client:

        async def buy() -> None:
            async with client.hold("ann"):
                raise AssertionError("the body runs")

        buying = asyncio.create_task(buy())
        await asyncio.sleep(0)
        buying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await buying
        mine = await client.get_purchase("ann")
        assert [item.state for item in mine.purchases] == [PurchaseState.RELEASED]


async def test_whoever_is_cancelled_hears_nothing_of_what_trying_to_buy_came_to() -> None:
    was_cancelled = asyncio.Event()

    async def refuse_late(context: Context) -> None:
        await until(was_cancelled)
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "not you")

    async with scripted() as (address, server), AsyncClient(address) as client:
        server.turns = [refuse_late]
        buying = asyncio.create_task(client.hold("ann").__aenter__())
        await server.arrived.get()
        buying.cancel()
        was_cancelled.set()
        with pytest.raises(asyncio.CancelledError):
            await buying


async def test_a_refusal_is_no_error_and_holds_nothing() -> None:
    async with a_shop(stock=1) as client:
        held = await held_by(client, "ann")
        async with client.hold("bob") as hold:
            assert not hold.is_held
            assert hold.result.outcome is Outcome.SOLD_OUT
            assert hold.purchase is None
            with pytest.raises(PreconditionFailed, match="SOLD_OUT"):
                await hold.confirm()
            with pytest.raises(PreconditionFailed, match="SOLD_OUT"):
                await hold.release()
        async with client.hold("ann") as again:
            assert again.result.outcome is Outcome.ALREADY_PURCHASED
            assert not again.is_held
        # Whoever was refused gives nothing back, not even a hold of the same user.
        assert (await client.confirm(held)).state is PurchaseState.CONFIRMED


async def test_a_sale_without_holds_sells_at_once() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        async with client.hold("ann") as hold:
            assert hold.is_held
            assert hold.result.outcome is Outcome.PURCHASED
        async with client.hold("bob") as hold:
            assert (await hold.confirm()).state is PurchaseState.CONFIRMED
        assert (await client.status()).sold_stock == 2


async def test_a_hold_that_is_over_in_another_way_is_left_in_peace() -> None:
    async with a_shop() as client:
        async with client.hold("ann") as hold:
            assert hold.purchase is not None
            await client.confirm(hold.purchase)
        async with client.hold("bob") as hold:
            assert hold.purchase is not None
            await client.admin.cancel_purchase(hold.purchase)
        status = await client.status()
    assert (status.available_stock, status.sold_stock) == (1, 1)


async def test_a_body_that_outlasts_its_hold_learns_it_when_it_confirms() -> None:
    async with a_shop(hold_seconds=1) as client:
        with pytest.raises(HoldExpired):
            async with client.hold("ann") as hold:
                assert hold.purchase is not None
                await expired(client, hold.purchase)
                await hold.confirm()
        async with client.hold("bob") as hold:  # nor is leaving an error then
            assert hold.purchase is not None
            await expired(client, hold.purchase)


async def test_what_trying_to_buy_raises_is_raised() -> None:
    async with a_shop() as client:
        with pytest.raises(InvalidRequest):
            async with client.hold(""):
                raise AssertionError("the body runs")
        hold = client.hold("ann")
        with pytest.raises(RuntimeError, match="entered"):
            _ = hold.result
        assert not hold.is_held


async def test_a_crowd_of_holds_ends_as_each_body_does() -> None:
    async with a_shop(stock=100) as client:

        async def buy(number: int) -> bool:
            async with client.hold(f"u-{number}") as hold:
                if hold.is_held and number % 2:
                    await hold.confirm()
                    return True
                return False

        bought = await asyncio.gather(*(buy(number) for number in range(100)))
        status = await client.status()
        orders = await client.purchase_many([Order(f"v-{n}") for n in range(50)])
    assert status.sold_stock == sum(bought) == 50
    assert (status.available_stock, status.held_stock) == (50, 0)
    assert {item.result.outcome for item in orders if item.result} == {Outcome.HELD}


def test_a_server_that_dies_under_a_body_hides_no_exception(tmp_path: Path) -> None:
    async def buy(server: ServerProcess) -> None:
        async with AsyncClient(server.address, retries=ONCE) as client:
            with pytest.raises(PaymentFailedError) as failed:
                async with client.hold("ann"):
                    server.kill()
                    raise PaymentFailedError
            (note,) = failed.value.__notes__
            assert "could not be given back" in note

    with server_process(tmp_path, "--hold-seconds", "60") as server:
        asyncio.run(buy(server))


def test_a_server_that_dies_before_a_body_ends_is_told_of(tmp_path: Path) -> None:
    async def buy(server: ServerProcess) -> None:
        async with AsyncClient(server.address, retries=ONCE) as client:
            with pytest.raises((ConnectionFailed, OutcomeUnknown)):
                async with client.hold("ann"):
                    server.kill()

    with server_process(tmp_path, "--hold-seconds", "60") as server:
        asyncio.run(buy(server))


async def test_a_confirmation_of_unknown_fate_is_not_undone_and_can_be_asked_for_again(
    tmp_path: Path,
) -> None:
    flags = ("--hold-seconds", "600")
    with server_process(tmp_path, *flags) as server:
        async with AsyncClient(server.address, timeout=60.0) as client:
            hold = client.hold("ann")
            with pytest.raises(OutcomeUnknown):
                async with hold:
                    server.process.send_signal(signal.SIGSTOP)  # it answers nobody
                    await hold.confirm(timeout=0.3)
            server.kill()
            assert hold.purchase is not None
            async with back_at(server.address, tmp_path, *flags):
                assert (await client.confirm(hold.purchase)).state is PurchaseState.CONFIRMED


async def test_a_confirmation_goes_on_across_a_restart(tmp_path: Path) -> None:
    retries = Retries(attempts=200, longest_seconds=0.1)
    flags = ("--hold-seconds", "600")
    with server_process(tmp_path, *flags) as server:
        async with AsyncClient(server.address, timeout=60.0, retries=retries) as client:
            held, other = await held_by(client, "ann"), await held_by(client, "bob")
            server.kill()
            ending = asyncio.gather(client.confirm(held), client.release(other))
            async with back_at(server.address, tmp_path, *flags):
                states = [item.state for item in await ending]
    assert states == [PurchaseState.CONFIRMED, PurchaseState.RELEASED]


@pytest.fixture
def blocking(tmp_path: Path) -> Iterator[Client]:
    with server_process(tmp_path, "--hold-seconds", "60", "--stock", "5") as server:
        with Client(server.address) as client:
            yield client


def test_the_blocking_client_confirms_and_releases(blocking: Client) -> None:
    ann, bob = blocking.purchase("ann").purchase, blocking.purchase("bob").purchase
    assert ann is not None
    assert bob is not None
    assert blocking.confirm(ann).state is PurchaseState.CONFIRMED
    released = blocking.release(user_id="bob", purchase_id=bob.purchase_id)
    assert released.state is PurchaseState.RELEASED
    with pytest.raises(HoldReleased):
        blocking.confirm(bob)


def test_the_blocking_hold_ends_as_the_other_does(blocking: Client) -> None:
    with blocking.hold("ann") as hold:
        assert hold.is_held
        assert hold.confirm().state is PurchaseState.CONFIRMED
    with blocking.hold("bob") as hold:
        assert hold.result.outcome is Outcome.HELD
    assert not hold.is_held
    with blocking.hold("cid") as hold:
        assert hold.release().state is PurchaseState.RELEASED
    with pytest.raises(PaymentFailedError):
        with blocking.hold("dan") as hold:
            raise PaymentFailedError
    assert hold.purchase is not None
    assert hold.purchase.state is PurchaseState.RELEASED
    status = blocking.status()
    assert (status.sold_stock, status.held_stock) == (1, 0)


def test_a_client_that_is_closed_in_a_body_hides_no_exception(tmp_path: Path) -> None:
    with server_process(tmp_path, "--hold-seconds", "60") as server:
        client = Client(server.address)
        with pytest.raises(PaymentFailedError) as failed:
            with client.hold("ann"):
                client.close()
                raise PaymentFailedError
        assert "could not be given back" in failed.value.__notes__[0]
        client = Client(server.address)
        with pytest.raises(ClientClosed):
            with client.hold("bob"):
                client.close()

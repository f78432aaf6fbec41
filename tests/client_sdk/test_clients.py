"""Both clients against the real server."""

import inspect
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flashsale
import pytest
from flashsale import (
    Admin,
    AsyncAdmin,
    AsyncClient,
    AsyncHold,
    CircuitState,
    Client,
    Hold,
    InvalidRequest,
    Order,
    Outcome,
    PurchaseState,
    RequestIdReused,
    SaleNotFound,
    SaleState,
    SystemHealth,
)
from flashsale.errors import REASONS
from flashsale.v1 import flash_sale_pb2 as pb

from tests.servers import running, server_process


async def test_a_purchase_and_everything_that_can_be_asked_about_it() -> None:
    async with running(stock="2", title="One bicycle") as shop, AsyncClient(shop.address) as client:
        result = await client.purchase("ann", request_id="r-1")
        assert result.outcome is Outcome.PURCHASED
        assert result.is_bought
        assert result.request_id == "r-1"
        assert result.purchase is not None
        assert result.purchase.state is PurchaseState.CONFIRMED
        assert result.purchase.position == 2
        assert result.purchase.create_time.tzinfo is not None
        again = await client.purchase("ann", request_id="r-1")
        assert again.replayed
        assert again.purchase == result.purchase
        mine = await client.get_purchase("ann")
        assert mine.purchased
        assert mine.purchases == (result.purchase,)
        assert not (await client.get_purchase("bob")).purchased
        status = await client.status()
        assert (status.title, status.state) == ("One bicycle", SaleState.LIVE)
        assert (status.available_stock, status.sold_stock) == (1, 1)
        metrics = await client.metrics()
        assert metrics.outcomes == {Outcome.PURCHASED: 1}
        assert metrics.circuit_state is CircuitState.CLOSED
        assert (await client.health()).health is SystemHealth.HEALTHY


async def test_a_refusal_is_returned() -> None:
    async with running(stock="0") as shop, AsyncClient(shop.address) as client:
        result = await client.purchase("ann")
    assert result.outcome is Outcome.SOLD_OUT
    assert not result.is_bought
    assert result.purchase is None


async def test_an_error_says_what_is_wrong() -> None:
    async with running(per_user_limit="5") as shop, AsyncClient(shop.address) as client:
        with pytest.raises(InvalidRequest) as caught:
            await client.purchase("", quantity=0)
        assert {item.field for item in caught.value.violations} == {"user_id", "quantity"}
        with pytest.raises(SaleNotFound):
            await client.status("nope")
        await client.purchase("ann", request_id="r-1")
        with pytest.raises(RequestIdReused):
            await client.purchase("ann", request_id="r-1", quantity=2)


async def test_many_orders_are_answered_in_their_order() -> None:
    async with running(stock="3") as shop, AsyncClient(shop.address) as client:
        answers = await client.purchase_many([Order("ann"), Order(""), Order("bob")])
    assert [answer.result is not None for answer in answers] == [True, False, True]
    assert isinstance(answers[1].error, InvalidRequest)


async def test_a_stream_answers_every_order() -> None:
    async def orders() -> AsyncIterator[Order]:
        for number in range(500):
            yield Order(f"u-{number}", request_id=f"r-{number}")

    async with running(stock="100") as shop, AsyncClient(shop.address) as client:
        answers = {item.request_id: item async for item in client.stream_purchases(orders())}
    assert len(answers) == 500
    bought = [item for item in answers.values() if item.result and item.result.is_bought]
    assert len(bought) == 100


async def test_a_watcher_sees_each_change() -> None:
    async with running(stock="2") as shop, AsyncClient(shop.address) as client:
        seen = []
        async for status in client.watch_status(min_interval_seconds=0.2):
            seen.append(status.available_stock)
            if status.sold_out:
                break
            await client.purchase(f"u-{status.position}")
    assert seen == [2, 1, 0]


def test_sixty_four_threads_share_a_client(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "500") as server, Client(server.address) as client:
        with ThreadPoolExecutor(64) as threads:
            results = list(threads.map(lambda n: client.purchase(f"u-{n}"), range(2000)))
        assert sum(result.is_bought for result in results) == 500
        for number, result in enumerate(results):
            assert result.purchase is None or result.purchase.user_id == f"u-{number}"
        assert client.status().sold_out
        assert client.get_purchase("u-0").purchased in (True, False)
        assert client.metrics().attempts == 2000
        assert client.health().health is SystemHealth.HEALTHY


def test_the_blocking_client_streams_and_watches(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "5") as server, Client(server.address) as client:
        answers = list(client.stream_purchases(Order(f"u-{number}") for number in range(10)))
        assert sum(item.result is not None and item.result.is_bought for item in answers) == 5
        assert len(client.purchase_many([Order("x"), Order("y")])) == 2
        for status in client.watch_status():
            assert status.sold_out
            break


@pytest.mark.parametrize(
    ("blocking", "awaited"), [(Client, AsyncClient), (Admin, AsyncAdmin), (Hold, AsyncHold)]
)
def test_both_clients_have_the_same_methods_and_arguments(blocking: type, awaited: type) -> None:
    def methods(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_") or (name == "__init__" and kind in (Client, AsyncClient))
        }

    def properties(kind: type) -> set[str]:
        return {name for name, item in vars(kind).items() if isinstance(item, property)}

    assert methods(blocking) == methods(awaited)
    assert properties(blocking) == properties(awaited)


def test_every_reason_of_the_contract_has_its_class() -> None:
    names = [name.removeprefix("ERROR_REASON_") for name in pb.ErrorReason.keys()]  # noqa: SIM118  # no dict
    assert set(REASONS) == set(names) - {"UNSPECIFIED"}


def test_a_token_is_not_sent_unencrypted_over_a_network() -> None:
    with pytest.raises(ValueError, match="without encryption"):
        AsyncClient("shop.example:443", token="secret")
    AsyncClient("shop.example:443", token="secret", tls=True)
    AsyncClient("127.0.0.1:50051", token="secret")


@pytest.mark.parametrize("address", ["localhost", "::1", "localhost:65536", ":50051", ""])
def test_what_is_no_host_and_port_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        AsyncClient(address)


async def test_a_user_id_that_no_message_can_carry_is_invalid() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        for call in (client.purchase, client.get_purchase, client.status):
            with pytest.raises(InvalidRequest):
                await call("\ud800")


def test_the_sdk_needs_nothing_of_the_server() -> None:
    unwanted = ("flashsale_server", "starlette", "uvicorn", "typer", "msgspec", "structlog")
    check = f"import sys, flashsale; print([m for m in {unwanted!r} if m in sys.modules])"
    folder = Path(flashsale.__file__).parents[1]
    command = [sys.executable, "-c", check]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(folder)}
    )
    assert done.stdout.strip() == "[]"


def test_what_the_sdk_names_is_pinned() -> None:
    expected = """
        Admin Answered AsyncAdmin AsyncClient AsyncHold CircuitOpen CircuitState Client ClientClosed
        Conflict ConnectionFailed DeadlineExceeded Entry EntryKind EtagMismatch FlashSaleError
        Health Hold HoldExpired HoldReleased InvalidRequest LedgerUnavailable Metrics MetricsSample
        NotEnoughUnsold NotFound Order Outcome OutcomeUnknown PermissionDenied PreconditionFailed
        Purchase PurchaseCancelled PurchaseConfirmed PurchaseNotFound PurchaseResult PurchaseState
        QueueFull RateLimited RequestIdReused Retries Sale SaleEnded SaleExists SaleNotFound
        SaleState SaleStatus SaleTerms SaleUnreadable ServerFailed ShuttingDown SystemHealth TLS
        TooManyWatchers Unauthenticated Unavailable Unchanged UNCHANGED UserPurchases Violation
    """
    assert sorted(flashsale.__all__) == sorted(expected.split())

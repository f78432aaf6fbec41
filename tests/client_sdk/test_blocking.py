"""The blocking client: every method, against a server of another process, and from threads."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flashsale import (
    CircuitState,
    Client,
    InvalidRequest,
    Order,
    Outcome,
    PurchaseState,
    RateLimited,
    RequestIdReused,
    SaleNotFound,
    SaleState,
    SystemHealth,
)

from tests.servers import ServerProcess, server_process

STOCK = 50


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("blocking")
    flags = ("--stock", str(STOCK), "--per-user-limit", "3", "--title", "Shoes")
    with server_process(folder, *flags) as process:
        yield process


@pytest.fixture
def client(server: ServerProcess) -> Iterator[Client]:
    with Client(server.address) as opened:
        yield opened


def test_a_purchase_shows_what_was_bought(client: Client) -> None:
    result = client.purchase("first", quantity=2, request_id="first-1")
    assert result.outcome is Outcome.PURCHASED
    assert result.request_id == "first-1"
    assert result.sale_id == "default"
    assert result.purchase is not None
    assert result.purchase.state is PurchaseState.CONFIRMED
    assert (result.purchase.user_id, result.purchase.quantity) == ("first", 2)
    assert result.purchase.hold_expire_time is None
    assert abs(result.purchase.create_time - datetime.now(UTC)) < timedelta(hours=1)
    again = client.purchase("first", quantity=2, request_id="first-1")
    assert again.replayed
    assert again.purchase == result.purchase


def test_refusals_are_returned(client: Client) -> None:
    over = client.purchase("greedy", quantity=4)
    assert over.outcome is Outcome.USER_LIMIT_REACHED
    assert not over.is_bought
    assert over.purchase is None
    assert over.available_stock is None
    assert over.start_time is None


def test_errors_are_raised(client: Client) -> None:
    with pytest.raises(InvalidRequest) as invalid:
        client.purchase("", quantity=-1)
    assert {item.field for item in invalid.value.violations} == {"user_id", "quantity"}
    with pytest.raises(SaleNotFound):
        client.purchase("ann", sale_id="no-such-sale")
    with pytest.raises(SaleNotFound):
        client.get_purchase("ann", sale_id="no-such-sale")
    with pytest.raises(SaleNotFound):
        client.status("no-such-sale")
    client.purchase("reuser", request_id="reuser-1")
    with pytest.raises(RequestIdReused) as reused:
        client.purchase("reuser", quantity=2, request_id="reuser-1")
    assert reused.value.request_id == "reuser-1"
    for _ in range(10):
        client.purchase("hasty", quantity=4)
    with pytest.raises(RateLimited):
        client.purchase("hasty", quantity=4)


def test_many_and_a_stream_answer_every_order(client: Client) -> None:
    many = client.purchase_many([Order("m-1"), Order(""), Order("m-2", request_id="mine")])
    assert [item.result is not None for item in many] == [True, False, True]
    assert many[2].request_id == "mine"
    orders = (Order(f"s-{number}", request_id=f"s-{number}") for number in range(5))
    streamed = list(client.stream_purchases(orders))
    assert {item.request_id for item in streamed} == {f"s-{number}" for number in range(5)}
    assert all(item.error is None for item in streamed)


def test_a_users_purchases_can_be_asked_for(client: Client) -> None:
    bought = [client.purchase("asker").purchase for _ in range(2)]
    found = client.get_purchase("asker")
    assert found.purchased
    assert list(found.purchases) == bought
    assert not client.get_purchase("nobody").purchased


def test_the_state_of_the_sale_can_be_asked_for_and_watched(client: Client) -> None:
    status = client.status()
    assert (status.sale_id, status.title) == ("default", "Shoes")
    assert status.state is SaleState.LIVE
    assert status.total_stock == STOCK
    assert status.available_stock + status.held_stock + status.sold_stock == STOCK
    assert not status.sold_out
    assert status.per_user_limit == 3
    assert status.start_time is not None
    assert (status.end_time, status.hold_duration) == (None, None)
    assert status.system_health is SystemHealth.HEALTHY
    assert status.server_time.tzinfo is UTC
    watched = client.watch_status(min_interval_seconds=0.2)
    before = next(watched)
    client.purchase("watched")
    after = next(watched)
    assert after.sold_stock == before.sold_stock + 1
    assert after.position > before.position


def test_the_server_can_be_asked_how_it_is(client: Client) -> None:
    client.purchase("counted")
    metrics = client.metrics()
    assert metrics.attempts >= 1
    assert metrics.outcomes[Outcome.PURCHASED] >= 1
    assert metrics.queue_capacity == 10_000
    assert metrics.circuit_state is CircuitState.CLOSED
    assert 0 < metrics.success_rate <= 1
    health = client.health()
    assert health.health is SystemHealth.HEALTHY
    assert health.reasons == ()
    assert health.node == metrics.node
    assert health.ledger.startswith("sqlite:")
    assert health.version
    assert health.memory_bytes > 0
    assert not health.draining


def test_sixty_four_threads_get_their_own_answers_of_every_kind(client: Client) -> None:
    together = threading.Barrier(64)

    def ask(number: int) -> str:
        together.wait()
        match number % 4:
            case 0:
                # Over the user's limit, so that the stock is left to the other tests.
                result = client.purchase(f"t-{number}", quantity=4, request_id=f"r-{number}")
                assert result.outcome is Outcome.USER_LIMIT_REACHED
                return result.request_id
            case 1:
                with pytest.raises(InvalidRequest) as invalid:
                    client.purchase(f"t-{number}", quantity=0, request_id=f"r-{number}")
                return str(invalid.value.request_id)
            case 2:
                many = client.purchase_many([Order("", request_id=f"r-{number}")])
                return many[0].request_id
            case _:
                assert client.get_purchase(f"t-{number}").purchases == ()
                return f"r-{number}"

    with ThreadPoolExecutor(64) as threads:
        assert list(threads.map(ask, range(64))) == [f"r-{number}" for number in range(64)]


def test_threads_that_ask_at_once_share_few_calls(server: ServerProcess) -> None:
    with Client(server.address) as client, ThreadPoolExecutor(8) as threads:
        orders = [[Order(f"x-{lane}-{n}", 4) for n in range(100)] for lane in range(8)]
        answered = [item for lane in threads.map(client.purchase_many, orders) for item in lane]
        peak = client.metrics().batch_size_max
    assert {item.result.outcome for item in answered if item.result} == {Outcome.USER_LIMIT_REACHED}
    assert len(answered) == 800
    assert peak > 1

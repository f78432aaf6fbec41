"""Each sample says what was done in its interval alone, and no more of them are kept than fit."""

import pytest
from flashsale_server.checkout import MetricsHistory, QueueFull, TooManyWatchers, Watching
from flashsale_server.checkout.metrics_history import CAPACITY
from flashsale_server.domain import CircuitState, Outcome

from tests.checkout.shops import START_US, open_shop, settled, turns
from tests.checkout.troubled_ledger import Fate


async def test_a_sample_counts_what_came_since_the_one_before() -> None:
    async with open_shop(stock=2) as shop:
        history = MetricsHistory(shop.checkout)
        await shop.buy("ann", "r-1")
        await shop.buy("ann", "r-1")
        shop.clock.move(1)
        first = history.take_sample()
        await shop.buy("bob")
        await shop.buy("cid")
        shop.clock.move(2)
        second = history.take_sample()
        shop.clock.move(1)
        third = history.take_sample()
    assert (first.attempts, first.replays, first.appends) == (2, 1, 1)
    assert first.outcomes == {Outcome.PURCHASED: 1}
    assert (first.end_us, first.duration_us) == (START_US + 1_000_000, 1_000_000)
    assert (second.attempts, second.replays, second.appends) == (2, 0, 1)
    assert second.outcomes == {Outcome.PURCHASED: 1, Outcome.SOLD_OUT: 1}
    assert (second.end_us, second.duration_us) == (START_US + 3_000_000, 2_000_000)
    assert (third.attempts, third.outcomes, third.faults) == (0, {}, {})
    assert third.circuit_state is CircuitState.CLOSED


async def test_percentiles_and_the_peak_are_of_the_interval_alone() -> None:
    async with open_shop(stock=20) as shop:
        history = MetricsHistory(shop.checkout)
        shop.ledger.stall()
        calls = [shop.ask(f"u-{number}") for number in range(10)]
        await turns()
        shop.clock.move(2)
        shop.ledger.go_on()
        await settled(*calls)
        slow = history.take_sample()
        await shop.buy("ann")
        quick = history.take_sample()
        idle = history.take_sample()
        assert shop.checkout.line.length_peak == 10
    assert slow.queue_length_peak == 10
    assert slow.latency_ms_p50 == pytest.approx(2000, rel=0.25)
    assert slow.append_ms_p99 == pytest.approx(2000, rel=0.25)
    assert quick.queue_length_peak == 1
    assert 0 < quick.latency_ms_p99 < 1
    assert (idle.queue_length_peak, idle.latency_ms_p99, idle.append_ms_p99) == (0, 0, 0)


async def test_what_was_refused_at_the_door_is_an_error_of_its_interval() -> None:
    async with open_shop() as shop:
        history = MetricsHistory(shop.checkout)
        shop.checkout.line.capacity = 0
        await shop.buy("ann")
        assert history.take_sample().faults == {QueueFull: 1}
        assert history.take_sample().faults == {}


async def test_failed_appends_are_counted_and_the_circuit_is_told() -> None:
    async with open_shop() as shop:
        history = MetricsHistory(shop.checkout)
        shop.ledger.fates.extend([Fate.REJECTED] * 5)
        for number in range(5):
            await shop.buy(f"u-{number}")
        sample = history.take_sample()
    assert sample.appends_failed == 5
    assert sample.circuit_state is CircuitState.OPEN


async def test_the_latest_are_kept_and_no_more_than_fit() -> None:
    async with open_shop() as shop:
        history = MetricsHistory(shop.checkout)
        taken = [history.take_sample() for _ in range(CAPACITY + 7)]
        assert history.kept_after(None) == (CAPACITY + 7, taken[7:])
        assert history.kept_after(taken[-3].end_us) == (CAPACITY + 7, taken[-2:])
        assert history.taken_after(CAPACITY + 4) == (CAPACITY + 7, taken[-3:])
        assert history.taken_after(CAPACITY + 7) == (CAPACITY + 7, [])
        assert history.taken_after(0) == (CAPACITY + 7, taken[7:])


async def test_the_times_of_samples_go_on_when_the_clock_is_set_back() -> None:
    async with open_shop() as shop:
        history = MetricsHistory(shop.checkout)
        shop.clock.move(1)
        first = history.take_sample()
        shop.clock.move(1)
        shop.clock.wall_us -= 3_600_000_000
        second = history.take_sample()
    assert second.end_us == first.end_us + 1_000_000


async def test_who_follows_samples_is_one_of_the_watchers() -> None:
    async with open_shop() as shop:
        history = MetricsHistory(shop.checkout)
        watching = Watching(shop.checkout, capacity=1)
        news = watching.news_of(history.changes)
        await anext(news)
        assert watching.count == 1
        with pytest.raises(TooManyWatchers):
            await anext(watching.news_of(history.changes))
        with pytest.raises(TooManyWatchers):
            await anext(watching.looks(shop.lane, 0.2))
        await news.aclose()
        assert watching.count == 0

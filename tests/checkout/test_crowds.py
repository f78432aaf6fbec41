"""When a lane lets its batch fill up, and when it must not."""

import asyncio

import pytest
from flashsale_server.checkout import CheckoutLimits
from flashsale_server.checkout.crowd import (
    CROWD,
    GATHER_PAUSE_SECONDS,
    GIVEN_UP_SECONDS,
    IN_VAIN_MAX,
    LATELY,
    MEMORY_SECONDS,
    PATIENCE_SECONDS,
    WORTHWHILE,
    Crowd,
)

from tests.checkout.shops import Shop, open_shop, settled, turns


def arrive(crowd: Crowd, arrivals: int) -> None:
    for _ in range(arrivals):
        crowd.arrived()


def come(crowd: Crowd, arrivals: int, calls: int, now: float) -> None:
    arrive(crowd, arrivals)
    crowd.decided(calls, now)


def seen(arrivals: int, calls: int) -> Crowd:
    crowd = Crowd()
    come(crowd, arrivals, calls, now=10.0)
    return crowd


@pytest.mark.parametrize(
    ("arrivals", "calls", "is_crowd"),
    [
        (1, 1, False),
        (CROWD - 1, CROWD - 1, False),
        (CROWD, CROWD, True),
        (4, 1000, False),  # they come in batches by themselves
        (100, 120, True),
        (0, 0, False),
    ],
)
def test_a_crowd_is_many_who_come_one_by_one(arrivals: int, calls: int, is_crowd: bool) -> None:
    assert seen(arrivals, calls).is_here(10.0) is is_crowd


def test_a_crowd_is_soon_forgotten() -> None:
    crowd = seen(50, 50)
    assert crowd.is_here(10.0 + MEMORY_SECONDS / 2)
    assert not crowd.is_here(10.0 + MEMORY_SECONDS)


def test_a_crowd_is_over_with_the_first_commit_without_one() -> None:
    crowd = seen(50, 50)
    crowd.arrived()
    crowd.decided(1, now=10.001)
    assert not crowd.is_here(10.001)


def test_who_was_waited_for_in_vain_again_and_again_is_not_waited_for_for_a_while() -> None:
    crowd = seen(8, 8)
    for _ in range(IN_VAIN_MAX - 1):
        crowd.gathered(WORTHWHILE - 1, now=10.0)
    assert crowd.is_here(10.0)
    crowd.gathered(WORTHWHILE - 1, now=10.0)
    assert not crowd.is_here(10.0)
    come(crowd, 8, 8, now=10.0 + GIVEN_UP_SECONDS)
    assert crowd.is_here(10.0 + GIVEN_UP_SECONDS)


def test_one_batch_that_was_worth_the_waiting_is_enough_to_go_on() -> None:
    crowd = seen(8, 8)
    for calls in [WORTHWHILE - 1] * (IN_VAIN_MAX - 1) + [WORTHWHILE] + [WORTHWHILE - 1]:
        crowd.gathered(calls, now=10.0)
    assert crowd.is_here(10.0)


def test_a_batch_that_is_full_was_worth_the_waiting_however_small_batches_are() -> None:
    crowd = Crowd(batch_size=4)
    come(crowd, arrivals=8, calls=8, now=10.0)
    for _ in range(IN_VAIN_MAX):
        crowd.gathered(4, now=10.0)
    assert crowd.is_here(10.0)


def gather(crowd: Crowd, arrivals: int, calls: int) -> None:
    arrive(crowd, arrivals)
    crowd.gathered(calls, now=10.0)
    crowd.decided(calls, now=10.0)


def test_half_as_many_as_came_lately_are_waited_for_with_more_patience() -> None:
    crowd = seen(12, 12)
    assert crowd.pause_seconds(0) == GATHER_PAUSE_SECONDS
    gather(crowd, arrivals=12, calls=12)
    gather(crowd, arrivals=3, calls=3)
    assert crowd.pause_seconds(5) == PATIENCE_SECONDS
    assert crowd.pause_seconds(6) == GATHER_PAUSE_SECONDS


def test_who_came_as_one_is_not_waited_for_call_by_call() -> None:
    crowd = seen(12, 12)
    gather(crowd, arrivals=12 + 1, calls=12 + 250)
    assert crowd.pause_seconds(7) == GATHER_PAUSE_SECONDS


def test_how_many_came_is_soon_forgotten_too() -> None:
    crowd = seen(12, 12)
    gather(crowd, arrivals=12, calls=12)
    for _ in range(LATELY):
        gather(crowd, arrivals=3, calls=3)
    assert crowd.pause_seconds(3) == GATHER_PAUSE_SECONDS


async def one_by_one(shop: Shop, count: int, name: str) -> None:
    calls = [shop.ask(f"{name}-{number}") for number in range(count)]
    await settled(*calls)


async def test_what_a_crowd_sends_in_several_turns_becomes_one_append() -> None:
    async with open_shop(stock=100) as shop:
        await one_by_one(shop, CROWD, "first")
        appends = shop.checkout.meters.appends
        calls = []
        for number in range(10):
            calls.append(shop.ask(f"second-{number}"))
            await asyncio.sleep(0)
        await settled(*calls)
        assert shop.checkout.meters.appends == appends + 1


async def test_few_of_a_crowd_wait_for_the_others_but_not_once_the_batch_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flashsale_server.checkout.crowd.GATHER_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("flashsale_server.checkout.crowd.PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr("flashsale_server.checkout.lane.BATCH_GATHER_SECONDS", 60.0)
    limits = CheckoutLimits(rate_limit_per_minute=0, batch_size=20)
    async with open_shop(stock=100, limits=limits) as shop:
        await one_by_one(shop, CROWD, "first")
        await one_by_one(shop, 12, "second")
        appends = shop.checkout.meters.appends
        shop.ledger.stall()
        calls = [shop.ask(f"third-{number}") for number in range(5)]
        await turns()
        assert not shop.ledger.asked.is_set()
        calls += [shop.ask(f"fourth-{number}") for number in range(15)]
        await turns()
        assert shop.ledger.asked.is_set()
        shop.ledger.go_on()
        await settled(*calls)
        assert shop.checkout.meters.appends == appends + 1


async def test_a_crowd_is_waited_for_no_longer_than_a_batch_may_fill_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flashsale_server.checkout.crowd.GATHER_PAUSE_SECONDS", 60.0)
    monkeypatch.setattr("flashsale_server.checkout.lane.BATCH_GATHER_SECONDS", 0.001)
    async with open_shop(stock=100) as shop:
        await one_by_one(shop, CROWD, "first")
        await one_by_one(shop, 3, "second")


async def test_whoever_is_alone_is_decided_at_once_though_others_ask_in_vain() -> None:
    async with open_shop(stock=100) as shop:
        await shop.buy("ann", "r-1")
        for _ in range(CROWD):
            await shop.buy("ann", "r-1")  # answered from the ledger, in no queue
        await shop.buy("bob")
        shop.ledger.stall()
        call = shop.ask("cid")
        await turns()
        assert shop.ledger.asked.is_set()
        shop.ledger.go_on()
        await settled(call)

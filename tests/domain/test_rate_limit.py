"""The rate limit of users, against a model that remembers everything.

The model keeps every attempt that was ever charged and asks the definition: a window of time, open
at its old end, that holds as many attempts as the limit has no room for another.
"""

import pytest
from flashsale_server.domain import UserRateLimit
from hypothesis import given, settings
from hypothesis import strategies as st

WINDOW_US = 100
ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from([0, 0, 1, 20, WINDOW_US - 1, WINDOW_US, WINDOW_US + 1])
        | st.integers(0, 60),
    ),
    max_size=80,
)


@settings(deadline=None, max_examples=300)
@given(limit=st.integers(1, 4), attempts=ATTEMPTS)
def test_an_attempt_waits_exactly_until_its_window_has_room(
    limit: int, attempts: list[tuple[str, int]]
) -> None:
    rate_limit = UserRateLimit(limit, WINDOW_US)
    charged: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    now_us = 0
    for user_id, later_us in attempts:
        now_us += later_us
        waits = (
            wait_us
            for wait_us in range(WINDOW_US + 1)
            if sum(at > now_us + wait_us - WINDOW_US for at in charged[user_id]) < limit
        )
        wait_us = next(waits)
        assert rate_limit.charge(user_id, now_us) == wait_us
        if not wait_us:
            charged[user_id].append(now_us)
        active = sum(any(at > now_us - WINDOW_US for at in all_of) for all_of in charged.values())
        assert rate_limit.active_users(now_us) == active


@settings(deadline=None)
@given(limit=st.integers(1, 4), attempts=ATTEMPTS)
def test_no_window_of_time_has_more_charged_attempts_than_the_limit(
    limit: int, attempts: list[tuple[str, int]]
) -> None:
    rate_limit = UserRateLimit(limit, WINDOW_US)
    charged: list[int] = []
    now_us = 0
    for _, later_us in attempts:
        now_us += later_us
        if not rate_limit.charge("ann", now_us):
            charged.append(now_us)
    for start_us in charged:
        assert sum(start_us <= at < start_us + WINDOW_US for at in charged) <= limit


@settings(deadline=None)
@given(limit=st.integers(1, 4), steps=st.lists(st.integers(0, 50), max_size=30))
def test_whoever_waits_as_long_as_told_is_let_in(limit: int, steps: list[int]) -> None:
    rate_limit = UserRateLimit(limit, WINDOW_US)
    now_us = 0
    for later_us in steps:
        now_us += later_us
        wait_us = rate_limit.charge("ann", now_us)
        if wait_us:
            assert rate_limit.charge("ann", now_us + wait_us - 1) == 1
            now_us += wait_us
            assert rate_limit.charge("ann", now_us) == 0


def test_the_window_of_a_minute_slides() -> None:
    rate_limit = UserRateLimit(10)
    second_us = 1_000_000
    assert not any(rate_limit.charge("ann", at * second_us) for at in range(10))
    assert rate_limit.charge("ann", 59 * second_us) == second_us
    assert rate_limit.charge("ann", 60 * second_us) == 0
    assert rate_limit.charge("ann", 60 * second_us) == second_us


def test_a_refused_attempt_does_not_put_the_next_one_off() -> None:
    rate_limit = UserRateLimit(1, WINDOW_US)
    rate_limit.charge("ann", 0)
    for now_us in range(1, WINDOW_US):
        assert rate_limit.charge("ann", now_us) == WINDOW_US - now_us
    assert rate_limit.charge("ann", WINDOW_US) == 0


def test_one_users_attempts_are_not_anothers() -> None:
    rate_limit = UserRateLimit(1, WINDOW_US)
    rate_limit.charge("ann", 0)
    assert rate_limit.charge("bob", 0) == 0


def test_users_who_have_gone_are_forgotten() -> None:
    rate_limit = UserRateLimit(10, WINDOW_US)
    sizes = []
    for number in range(10 * WINDOW_US):
        rate_limit.charge(f"u-{number}", number)
        sizes.append(len(rate_limit._attempts))
    assert max(sizes) == WINDOW_US
    assert rate_limit.active_users(10 * WINDOW_US + WINDOW_US) == 0


def test_a_user_who_comes_back_is_not_forgotten_with_those_who_came_with_them() -> None:
    rate_limit = UserRateLimit(2, WINDOW_US)
    rate_limit.charge("ann", 0)
    rate_limit.charge("bob", 1)
    rate_limit.charge("ann", 90)
    assert rate_limit.active_users(150) == 1
    assert rate_limit.charge("ann", 150) == 0
    assert rate_limit.charge("ann", 151) == 90 + WINDOW_US - 151


def test_one_user_takes_no_more_memory_than_the_limit() -> None:
    rate_limit = UserRateLimit(3, WINDOW_US)
    for now_us in range(10 * WINDOW_US):
        rate_limit.charge("ann", now_us)
        assert len(rate_limit._attempts["ann"]) <= 3


@pytest.mark.parametrize("now_us", [0, 10**18])
def test_no_limit_refuses_nobody_and_remembers_nobody(now_us: int) -> None:
    rate_limit = UserRateLimit(0)
    assert rate_limit.limit == 0
    assert not any(rate_limit.charge("ann", now_us) for _ in range(1000))
    assert rate_limit.active_users(now_us) == 0


def test_a_crowd_that_is_forgotten_is_not_passed_by_again_for_each_that_follows() -> None:
    # Were it, this would take hours.
    rate_limit = UserRateLimit(10, window_us=300_000)
    for number in range(900_000):
        assert rate_limit.charge(f"u-{number}", number) == 0
    assert rate_limit.active_users(900_000) == 299_999


@settings(deadline=None, max_examples=300)
@given(
    limit=st.integers(0, 3),
    crowds=st.lists(
        st.tuples(st.lists(st.sampled_from("abcd"), min_size=1, unique=True), st.integers(0, 120)),
        max_size=12,
    ),
)
def test_strangers_are_charged_together_as_they_would_be_one_by_one(
    limit: int, crowds: list[tuple[list[str], int]]
) -> None:
    together, one_by_one = UserRateLimit(limit, WINDOW_US), UserRateLimit(limit, WINDOW_US)
    now_us = 0
    for user_ids, later_us in crowds:
        now_us += later_us
        waits = [one_by_one.charge(user_id, now_us) for user_id in user_ids]
        if together.charge_strangers(user_ids, now_us):
            assert not any(waits)
        else:
            assert [together.charge(user_id, now_us) for user_id in user_ids] == waits
        assert together.active_users(now_us) == one_by_one.active_users(now_us)


def test_strangers_are_charged_together_or_none_of_them_is() -> None:
    rate_limit = UserRateLimit(1, WINDOW_US)
    assert rate_limit.charge_strangers(["ann", "bob"], 0)
    assert not rate_limit.charge_strangers(["cid", "bob"], 10)
    assert rate_limit.charge("cid", 10) == 0
    assert rate_limit.charge("bob", 10) == WINDOW_US - 10
    assert rate_limit.charge_strangers(["dan", "eve"], 20)


def test_a_crowd_is_forgotten_a_little_at_a_time() -> None:
    rate_limit = UserRateLimit(10, WINDOW_US)
    for number in range(50):
        rate_limit.charge_strangers([f"u-{number}", f"v-{number}"], 0)
    left = []
    for number in range(15):
        rate_limit.charge(f"w-{number}", WINDOW_US)
        left.append(sum(name[0] in "uv" for name in rate_limit._attempts))
    assert left == [92, 84, 76, 68, 60, 52, 44, 36, 28, 20, 12, 4, 0, 0, 0]

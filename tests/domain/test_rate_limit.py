"""The rate limit of users, against a model that remembers everything."""

from flashsale_server.domain import UserRateLimit
from hypothesis import given
from hypothesis import strategies as st

WINDOW_US = 100


@given(
    limit=st.integers(1, 4),
    attempts=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60)), max_size=80),
)
def test_no_window_of_time_has_more_charged_attempts_than_the_limit(
    limit: int, attempts: list[tuple[str, int]]
) -> None:
    rate_limit = UserRateLimit(limit, WINDOW_US)
    charged: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    now_us = 0
    for user_id, later_us in attempts:
        now_us += later_us
        recent = [at for at in charged[user_id] if at > now_us - WINDOW_US]
        expected = 0 if len(recent) < limit else recent[-limit] + WINDOW_US - now_us
        assert rate_limit.charge(user_id, now_us) == expected
        if not expected:
            charged[user_id].append(now_us)
        active = sum(1 for all_of in charged.values() if all_of and all_of[-1] > now_us - WINDOW_US)
        assert rate_limit.active_users(now_us) == active


def test_a_refused_attempt_does_not_put_the_next_one_off() -> None:
    rate_limit = UserRateLimit(1, WINDOW_US)
    rate_limit.charge("ann", 0)
    for now_us in range(1, WINDOW_US):
        assert rate_limit.charge("ann", now_us) == WINDOW_US - now_us
    assert rate_limit.charge("ann", WINDOW_US) == 0


def test_users_who_have_gone_are_forgotten() -> None:
    rate_limit = UserRateLimit(10, WINDOW_US)
    for number in range(1000):
        rate_limit.charge(f"u-{number}", number)
    assert rate_limit.active_users(999) == WINDOW_US
    assert rate_limit.active_users(10_000) == 0


def test_no_limit_refuses_nobody() -> None:
    rate_limit = UserRateLimit(0)
    assert not any(rate_limit.charge("ann", 0) for _ in range(1000))

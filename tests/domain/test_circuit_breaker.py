"""The circuit breaker: closed, open, half open."""

import pytest
from flashsale_server.domain import CircuitBreaker, CircuitState


def opened() -> CircuitBreaker:
    breaker = CircuitBreaker(5, 30.0)
    for _ in range(5):
        assert breaker.begin(100.0)
        breaker.failed(100.0)
    return breaker


def test_four_failures_in_a_row_do_not_open_it() -> None:
    breaker = CircuitBreaker(5, 30.0)
    for _ in range(10):
        assert not any(breaker.failed(0.0) for _ in range(4))
        breaker.succeeded()
    assert breaker.state_at(0.0) is CircuitState.CLOSED


def test_the_fifth_opens_it_for_the_cooldown() -> None:
    breaker = opened()
    assert breaker.state_at(129.9) is CircuitState.OPEN
    assert breaker.wait_seconds(110.0) == 20.0
    assert not breaker.begin(129.9)


def test_after_the_cooldown_one_commit_is_let_through() -> None:
    breaker = opened()
    assert breaker.state_at(130.0) is CircuitState.HALF_OPEN
    assert breaker.wait_seconds(130.0) == 0.0
    assert breaker.begin(130.0)
    assert not breaker.begin(130.0)
    assert breaker.wait_seconds(130.0) > 0


def test_its_success_closes_it() -> None:
    breaker = opened()
    breaker.begin(130.0)
    breaker.succeeded()
    assert breaker.state_at(130.0) is CircuitState.CLOSED
    assert breaker.failed_in_a_row == 0


def test_its_failure_opens_it_again_for_the_whole_cooldown() -> None:
    breaker = opened()
    breaker.begin(130.0)
    assert breaker.failed(131.0)
    assert breaker.wait_seconds(131.0) == 30.0


@pytest.mark.parametrize("times", [1, 3])
def test_a_commit_that_proves_nothing_leaves_the_next_one_to_try(times: int) -> None:
    breaker = opened()
    for _ in range(times):
        assert breaker.begin(130.0)
        breaker.proved_nothing()
    assert breaker.state_at(130.0) is CircuitState.HALF_OPEN

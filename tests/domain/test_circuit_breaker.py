"""The circuit breaker: closed, open, half open.

Beside examples of each rule, a machine drives one breaker as lanes do, several commits under way at
a time, next to a model that keeps the history of how commits ended and reads the state off it.
"""

import pytest
from flashsale_server.domain import CircuitBreaker, CircuitState
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

FAILURES = 5
COOLDOWN_SECONDS = 30


def opened() -> CircuitBreaker:
    """A breaker that opened at second 100."""
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    for _ in range(FAILURES):
        assert breaker.begin(100.0)
        breaker.failed(100.0)
    return breaker


def test_four_failures_in_a_row_do_not_open_it() -> None:
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    for _ in range(10):
        assert not any(breaker.failed(0.0) for _ in range(4))
        breaker.succeeded()
    assert breaker.state_at(0.0) is CircuitState.CLOSED


def test_the_fifth_failure_says_that_it_opened_it() -> None:
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    assert [breaker.failed(0.0) for _ in range(5)] == [False, False, False, False, True]


def test_what_proves_nothing_does_not_break_a_row_of_failures() -> None:
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    for _ in range(4):
        breaker.failed(0.0)
        breaker.proved_nothing()
    assert breaker.failed_in_a_row == 4
    assert breaker.failed(0.0)


def test_a_closed_one_lets_everybody_in_at_once() -> None:
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    assert breaker.wait_seconds(0.0) == 0.0
    assert all(breaker.begin(0.0) for _ in range(100))


def test_an_open_one_lets_nothing_through_until_the_cooldown_is_over() -> None:
    breaker = opened()
    assert breaker.state_at(129.9) is CircuitState.OPEN
    assert breaker.wait_seconds(110.0) == 20.0
    assert not breaker.begin(129.9)


def test_after_the_cooldown_one_commit_is_let_through() -> None:
    breaker = opened()
    assert breaker.state_at(130.0) is CircuitState.HALF_OPEN
    assert breaker.wait_seconds(130.0) == 0.0
    assert [breaker.begin(130.0) for _ in range(3)] == [True, False, False]


def test_while_that_one_is_under_way_everybody_waits_a_second() -> None:
    breaker = opened()
    breaker.begin(130.0)
    assert breaker.wait_seconds(130.0) == 1.0
    assert breaker.wait_seconds(500.0) == 1.0


def test_its_success_closes_it() -> None:
    breaker = opened()
    breaker.begin(130.0)
    breaker.succeeded()
    assert breaker.state_at(130.0) is CircuitState.CLOSED
    assert breaker.failed_in_a_row == 0
    assert breaker.wait_seconds(130.0) == 0.0


def test_once_closed_it_takes_a_whole_row_of_failures_to_open_it_again() -> None:
    breaker = opened()
    breaker.begin(130.0)
    breaker.succeeded()
    assert [breaker.failed(131.0) for _ in range(5)] == [False, False, False, False, True]


def test_its_failure_opens_it_again_for_the_whole_cooldown() -> None:
    breaker = opened()
    breaker.begin(130.0)
    assert breaker.failed(131.0)
    assert breaker.wait_seconds(131.0) == 30.0
    assert not breaker.begin(160.9)
    assert breaker.begin(161.0)


@pytest.mark.parametrize("times", [1, 3])
def test_a_commit_that_proves_nothing_leaves_the_next_one_to_try(times: int) -> None:
    breaker = opened()
    for _ in range(times):
        assert breaker.begin(130.0)
        breaker.proved_nothing()
    assert breaker.state_at(130.0) is CircuitState.HALF_OPEN


@pytest.mark.xfail(strict=True, reason="the breaker cannot tell whose end it is told of")
def test_a_commit_from_before_it_opened_does_not_let_a_second_one_through() -> None:
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    assert breaker.begin(99.0)  # under way on another lane until after the cooldown
    for _ in range(FAILURES):
        breaker.failed(100.0)
    assert breaker.begin(130.0)
    breaker.proved_nothing()  # the one of second 99 lost its race
    assert not breaker.begin(130.0)


class BreakerMachine(RuleBasedStateMachine):
    """Commits of several lanes, let through and ended in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker(3, 10)
        self.now = 0
        self.early = 0  # commits under way that a closed circuit let through
        self.trial = False  # whether the one of a half-open circuit is under way
        self.ends: list[int | None] = []  # when a commit failed, None for a success

    def failures_in_a_row(self) -> list[int]:
        row: list[int] = []
        for end in self.ends:
            row = [] if end is None else [*row, end]
        return row

    def model_state(self) -> CircuitState:
        row = self.failures_in_a_row()
        if len(row) < 3:
            return CircuitState.CLOSED
        return CircuitState.OPEN if self.now - row[-1] < 10 else CircuitState.HALF_OPEN

    @rule(seconds=st.integers(1, 11))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def a_lane_asks_to_commit(self) -> None:
        state = self.model_state()
        is_let_through = state is CircuitState.CLOSED or (
            state is CircuitState.HALF_OPEN and not self.trial
        )
        assert self.breaker.begin(self.now) == is_let_through
        if is_let_through and state is CircuitState.CLOSED:
            self.early += 1
        elif is_let_through:
            self.trial = True

    @precondition(lambda self: self.early or self.trial)
    @rule()
    def a_commit_succeeds(self) -> None:
        self.breaker.succeeded()
        self.ends.append(None)
        self._one_less()

    @precondition(lambda self: self.early or self.trial)
    @rule()
    def a_commit_fails(self) -> None:
        self.ends.append(self.now)
        assert self.breaker.failed(self.now) == (self.model_state() is CircuitState.OPEN)
        self._one_less()

    # While a trial is under way the end is the trial's: see the test of what is expected to fail.
    @precondition(lambda self: self.early or self.trial)
    @rule()
    def a_commit_proves_nothing(self) -> None:
        self.breaker.proved_nothing()
        self._one_less()

    @invariant()
    def its_state_is_what_its_history_says(self) -> None:
        state = self.model_state()
        assert self.breaker.state_at(self.now) is state
        assert self.breaker.failed_in_a_row == len(self.failures_in_a_row())

    @invariant()
    def the_wait_is_what_is_left_of_the_cooldown(self) -> None:
        wait_seconds = self.breaker.wait_seconds(self.now)
        if self.model_state() is CircuitState.OPEN:
            assert wait_seconds == self.failures_in_a_row()[-1] + 10 - self.now
        else:
            assert wait_seconds == (1 if self.trial else 0)

    def _one_less(self) -> None:
        if self.trial:
            self.trial = False
        else:
            self.early -= 1


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

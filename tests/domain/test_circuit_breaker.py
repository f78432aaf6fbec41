"""The circuit breaker: closed, open, half open.

Beside examples of each rule, a machine drives one breaker as lanes do, several commits under way at
a time and ending in any order, next to a model that keeps the history of how commits ended and
reads the state off it.
"""

import pytest
from flashsale_server.domain import CircuitBreaker, CircuitState, Permit
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

FAILURES = 5
COOLDOWN_SECONDS = 30


def opened() -> CircuitBreaker:
    """A breaker that opened at second 100."""
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    for _ in range(FAILURES):
        breaker.failed(100.0, begun(breaker, 100.0))
    return breaker


def begun(breaker: CircuitBreaker, now: float) -> Permit:
    """The permit of a commit that must be let through."""
    permit = breaker.begin(now)
    assert permit is not None
    return permit


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
        breaker.proved_nothing(begun(breaker, 0.0))
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
    assert [breaker.begin(130.0) is not None for _ in range(3)] == [True, False, False]


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
    assert breaker.failed(131.0, begun(breaker, 130.0))
    assert breaker.wait_seconds(131.0) == 30.0
    assert not breaker.begin(160.9)
    assert breaker.begin(161.0)


@pytest.mark.parametrize("times", [1, 3])
def test_a_commit_that_proves_nothing_leaves_the_next_one_to_try(times: int) -> None:
    breaker = opened()
    for _ in range(times):
        breaker.proved_nothing(begun(breaker, 130.0))
    assert breaker.state_at(130.0) is CircuitState.HALF_OPEN


def test_a_commit_from_before_it_opened_does_not_let_a_second_one_through() -> None:
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    early = begun(breaker, 99.0)  # under way on another lane until after the cooldown
    for _ in range(FAILURES):
        breaker.failed(100.0)
    begun(breaker, 130.0)
    breaker.proved_nothing(early)  # it lost its race
    assert not breaker.begin(130.0)


def test_a_commit_from_before_it_opened_that_fails_now_lengthens_the_cooldown() -> None:
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    early = begun(breaker, 99.0)
    for _ in range(FAILURES):
        breaker.failed(100.0)
    trial = begun(breaker, 130.0)
    assert breaker.failed(131.0, early)
    assert breaker.wait_seconds(141.0) == 20.0
    assert not breaker.begin(161.0), "the trial is still under way"
    breaker.proved_nothing(trial)
    assert breaker.begin(161.0)


def test_a_trial_that_ends_after_another_success_is_a_commit_like_any_other() -> None:
    breaker = CircuitBreaker(FAILURES, COOLDOWN_SECONDS)
    for _ in range(FAILURES):
        breaker.failed(100.0)
    trial = begun(breaker, 130.0)
    breaker.succeeded()
    assert not breaker.failed(131.0, trial)
    assert breaker.state_at(131.0) is CircuitState.CLOSED


class BreakerMachine(RuleBasedStateMachine):
    """Commits of several lanes, let through and ended in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker(3, 10)
        self.now = 0
        self.early: list[Permit] = []  # of commits under way that are no trials
        self.trial: Permit | None = None  # of the one that a half-open circuit let through
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
        permit = self.breaker.begin(self.now)
        assert (permit is not None) == is_let_through
        if permit is None:
            return
        if state is CircuitState.CLOSED:
            self.early.append(permit)
        else:
            self.trial = permit

    @precondition(lambda self: self.early or self.trial)
    @rule(number=st.integers(0, 9))
    def a_commit_succeeds(self, number: int) -> None:
        self._end(number)
        self.breaker.succeeded()
        self.ends.append(None)
        if self.trial is not None:  # the circuit is closed, so it is one like any other now
            self.early.append(self.trial)
            self.trial = None

    @precondition(lambda self: self.early or self.trial)
    @rule(number=st.integers(0, 9))
    def a_commit_fails(self, number: int) -> None:
        self.ends.append(self.now)
        permit = self._end(number)
        opens = self.breaker.failed(self.now, permit)
        assert opens == (self.model_state() is CircuitState.OPEN)

    @rule()
    def a_read_fails(self) -> None:
        self.ends.append(self.now)
        assert self.breaker.failed(self.now) == (self.model_state() is CircuitState.OPEN)

    @precondition(lambda self: self.early or self.trial)
    @rule(number=st.integers(0, 9))
    def a_commit_proves_nothing(self, number: int) -> None:
        self.breaker.proved_nothing(self._end(number))

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

    def _end(self, number: int) -> Permit:
        """One of the commits under way, which ends now."""
        under_way = [*self.early, *([self.trial] if self.trial else [])]
        permit = under_way[number % len(under_way)]
        if permit is self.trial:
            self.trial = None
        else:
            self.early.remove(permit)
        return permit


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

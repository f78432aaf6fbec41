"""What a load makes of its answers."""

from bench.measured import Checks, Measured, percentiles


def test_percentiles_of_a_hundred_and_one_values() -> None:
    named, spaced = percentiles([float(value) for value in reversed(range(101))])
    assert named == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert (spaced[0], spaced[100], spaced[200], len(spaced)) == (0.0, 50.0, 100.0, 201)


def test_nothing_has_no_percentiles() -> None:
    assert percentiles([]) == ({}, [])


def test_right_answers_are_acknowledged() -> None:
    checks = Checks("PURCHASED", keeps=True)
    checks.check_each([("PURCHASED", "a"), ("PURCHASED", "b")])
    assert (checks.acknowledged, checks.checked, checks.verdict()) == (2, 2, {})


def test_another_outcome_is_wrong() -> None:
    checks = Checks("PURCHASED", keeps=True)
    checks.check(("SOLD_OUT", ""))
    assert checks.verdict() == {"SOLD_OUT": 1}


def test_a_purchase_id_that_comes_twice_is_wrong() -> None:
    checks = Checks("PURCHASED", keeps=True)
    checks.check_each([("PURCHASED", "a"), ("PURCHASED", "b"), ("PURCHASED", "a")])
    assert checks.verdict() == {"the same purchase id twice": 1}


def test_a_purchase_without_an_id_is_wrong() -> None:
    checks = Checks("PURCHASED", keeps=True)
    checks.check(("PURCHASED", ""))
    assert checks.verdict() == {"a purchase without an id": 1}


def test_a_server_that_keeps_nothing_may_repeat_itself() -> None:
    checks = Checks("PURCHASED", keeps=False)
    checks.check_each([("PURCHASED", "a"), ("PURCHASED", "a")])
    assert checks.verdict() == {}


def test_a_refusal_needs_no_purchase() -> None:
    checks = Checks("SOLD_OUT", keeps=True)
    checks.check(("SOLD_OUT", ""))
    assert (checks.acknowledged, checks.verdict()) == (0, {})


def test_answers_a_second() -> None:
    assert Measured(answered=30, seconds=1.5).per_second == 20

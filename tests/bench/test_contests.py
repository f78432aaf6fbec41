"""A contest counts only when every answer in it was right."""

from pathlib import Path

import pytest

from bench.contests import Rounds, contest
from bench.measured import WrongAnswer
from bench.plan import Plan
from tests.bench.liars import liar

PLAN = Plan(address="", name="test", callers=8, seconds=0.2, warmup_seconds=0.1)


def run(folder: Path, lie: str) -> int:
    (runs,) = contest(folder, [liar(lie)], PLAN, Rounds(1), lambda _: None)
    return runs.measured[0].acknowledged


def test_a_server_that_tells_the_truth_is_measured(tmp_path: Path) -> None:
    assert run(tmp_path, "nothing") > 20


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        ("twice", "the same purchase id twice"),
        ("outcome", "SOLD_OUT"),
        ("user", "a purchase of another user"),
        ("stock", "acknowledged"),
        ("forgetting", "a purchase that the server does not hold"),
    ],
)
def test_one_lie_fails_the_contest(tmp_path: Path, lie: str, told: str) -> None:
    with pytest.raises(WrongAnswer, match=told):
        run(tmp_path, lie)

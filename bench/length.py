"""How long a run takes its time, the full one and the quick one."""

from dataclasses import dataclass

from bench.contests import Rounds


@dataclass(frozen=True, slots=True)
class Length:
    """How long a run takes its time: rounds, seconds of each side in each, repeats of a rush.

    Attributes:
        counting_rounds: rounds of what counting costs, each of 4 s.
        is_quick: whether this is the short run, which measures fewer sizes as well.
    """

    rounds: Rounds
    seconds: float
    warmup_seconds: float
    repeats: int
    counting_rounds: int
    is_quick: bool


QUICK = Length(
    rounds=Rounds(3), seconds=0.4, warmup_seconds=0.15, repeats=5, counting_rounds=1, is_quick=True
)
FULL = Length(
    rounds=Rounds(5, again=5),
    seconds=4.0,
    warmup_seconds=1.0,
    repeats=20,
    counting_rounds=30,
    is_quick=False,
)

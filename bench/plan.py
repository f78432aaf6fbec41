"""The plan of one load: whom to ask, how hard, for how long, and what a right answer is."""

import json
import sys
from dataclasses import asdict, dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Plan:
    """What a load process is told.

    Attributes:
        address: the server, "host:port".
        name: begins every user id, so that no two loads share a user.
        callers: how many ask at the same time, each again as soon as it is answered.
        seconds: how long is measured, after `warmup_seconds` that are not.
        outcome: what every answer must say.
        repeats: for loads that ask once: how many times everybody asks once; 0 to ask again and
            again.
        asked_max: how many purchases are asked for at most; 0 for as many as the time allows.
        batch: purchases in one call, for loads that put several into each.
        keeps: whether the server keeps purchases, so that each has an id of its own.
        sales: for loads over many sales: how many, named sale-0 and on; 0 for the default one.
        folder: for loads that write themselves: where.
    """

    address: str
    name: str
    callers: int = 1000
    seconds: float = 3.0
    warmup_seconds: float = 1.0
    outcome: str = "PURCHASED"
    repeats: int = 0
    asked_max: int = 0
    batch: int = 1
    keeps: bool = True
    sales: int = 0
    folder: str = ""

    def as_json(self) -> str:
        """The plan as text, for the command line of a load."""
        return json.dumps(asdict(self))

    @classmethod
    def from_arguments(cls) -> Self:
        """The plan that this process was started with."""
        return cls(**json.loads(sys.argv[1]))

"""The service with its counting switched off and on, each twentieth of a second.

Nothing in the service can be set to this: it would be one more thing to get wrong. So the methods
that count are replaced here, in a process of its own, by some that do nothing, and put back, in
turn. A machine that is shared changes its speed by half from one second to the next, and two
processes of one program differ as well: only what one process did in one twentieth of a second and
in the next can be compared. At its end it writes down, in its folder, what it saw at each switch.

A few plain sums go on all the while (attempts, appends, replays), which take no time that can be
measured; and while much is not counted, what the server says of itself is wrong.
"""

import asyncio
import atexit
import json
import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from flashsale_server.checkout import Checkout, Durations, Meters, MetricsHistory, RequestMeter
from flashsale_server.cli import main
from flashsale_server.telemetry import Shown

LOOKS: Final = "looks.json"
SLICE_SECONDS: Final = 0.05


def _nothing(*_: object) -> None: ...


def _no_instant(_: object) -> float:
    return 0.0


def _no_metrics(_: object) -> tuple[()]:
    return ()


COUNTING: Final = (
    (Durations, "add", _nothing),
    (Meters, "answered", _nothing),
    (Meters, "answered_all", _nothing),
    (Meters, "batch_decided", _nothing),
    (MetricsHistory, "take_sample", _nothing),
    (RequestMeter, "begin", _no_instant),
    (RequestMeter, "end", _nothing),
    (Shown, "metrics", _no_metrics),
)
"""What counts, and reads what was counted; and what stands there while it is switched off."""


@dataclass(frozen=True, slots=True)
class Look:
    """The server at a switch.

    Attributes:
        at: when, in seconds of time.perf_counter, which all processes share.
        entries: what its ledger holds.
        cpu_seconds: the processor time that it has used.
        counts: whether it counts from now on.
    """

    at: float
    entries: int
    cpu_seconds: float
    counts: bool


class Switch:
    """Switches the counting of this process, and looks at each switch."""

    def __init__(self) -> None:
        self._looks: list[Look] = []
        self._on = [(owner, name, vars(owner)[name]) for owner, name, _ in COUNTING]

    def turn(self, *, on: bool) -> None:
        """Count from now on, or do not."""
        for owner, name, method in self._on if on else COUNTING:
            setattr(owner, name, method)

    async def run(self, checkout: Checkout) -> None:
        """Count and do not, in turn, for ever; which comes first in each pair is left to chance."""
        while True:
            first = random.random() < 0.5  # so that a pair keeps no rhythm with what else is done
            for counts in (first, not first):
                self.turn(on=counts)
                entries = sum(lane.inventory.last_position for lane in checkout.lanes)
                look = Look(time.perf_counter(), entries, time.process_time(), counts)
                self._looks.append(look)
                await asyncio.sleep(SLICE_SECONDS)

    def write(self) -> None:
        """Write down what was seen."""
        Path(LOOKS).write_text(json.dumps([asdict(look) for look in self._looks]), "ascii")


def looks(folder: Path) -> list[Look]:
    """What a server that has ended saw in its folder."""
    return [Look(**item) for item in json.loads((folder / LOOKS).read_text("ascii"))]


def _serve() -> None:
    switch = Switch()
    atexit.register(switch.write)
    make = Checkout.__init__
    running = []

    def make_and_switch(checkout: Checkout, *args: Any, **kwargs: Any) -> None:
        make(checkout, *args, **kwargs)
        running.append(asyncio.create_task(switch.run(checkout)))

    Checkout.__init__ = make_and_switch  # type: ignore[assignment,method-assign]
    main()


if __name__ == "__main__":
    _serve()

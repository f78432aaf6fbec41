"""Request meters: how a door has answered, by what was asked and by code.

Each kind of request has one meter, found once where that can be, so that counting a request is
quick. Which kinds there are is the door's to say; it must be a few, whatever callers send.
"""

from time import perf_counter
from typing import Final

from flashsale_server.checkout.meters import Durations

Kind = tuple[str, ...]
"""What a door calls one kind of request."""


class RequestMeter:
    """The requests of one kind.

    Attributes:
        started: how many began.
        ended: how many ended, by the code of their answer.
        durations: how long they took.
    """

    __slots__ = ("durations", "ended", "started")

    def __init__(self) -> None:
        self.started = 0
        self.ended: dict[int, int] = {}
        self.durations: Final = Durations()

    def begin(self) -> float:
        """Count a request that begins; return what `end` must be told."""
        self.started += 1
        return perf_counter()

    def end(self, began: float, code: int) -> None:
        """Count a request that has ended."""
        self.ended[code] = self.ended.get(code, 0) + 1
        self.durations.add(perf_counter() - began)


class RequestMeters(dict[Kind, RequestMeter]):
    """The meters of a door, by kind; made when they are first asked for."""

    def __missing__(self, kind: Kind) -> RequestMeter:
        meter = self[kind] = RequestMeter()
        return meter

"""Progress: tells people at a terminal what runs now and how long it will take."""

import contextlib
import time
from collections.abc import Iterator
from typing import Self

from rich.console import Console
from rich.status import Status


class Progress:
    """One line that changes; where there is no terminal, one line for each part.

    Args:
        seconds: how long everything is expected to take.
    """

    def __init__(self, seconds: float) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._status = Status("", console=self._console, refresh_per_second=2)
        self._left_seconds = seconds
        self._part_until = 0.0
        self._title = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    @contextlib.contextmanager
    def part(self, title: str, seconds: float) -> Iterator[None]:
        """While the block runs, this is what is being done; it should take so many seconds."""
        self._title = title
        started = time.monotonic()
        self._left_seconds -= seconds
        self._part_until = started + seconds
        if not self._console.is_terminal:
            self._console.print(f"{title} ... {self._left()} left")
        self.note("")
        yield
        self._console.print(f"{title}: {time.monotonic() - started:.0f} s", style="dim")

    def note(self, words: str) -> None:
        """What exactly is being done now."""
        about = f"{self._title}: {words}" if words else self._title
        self._status.update(f"{about}  [dim]{self._left()} left[/dim]")

    def _left(self) -> str:
        left = self._left_seconds + max(0.0, self._part_until - time.monotonic())
        return f"about {left / 60:.0f} min" if left > 90 else f"about {left:.0f} s"

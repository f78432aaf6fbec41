"""A terminal as a person has one: a real pseudo-terminal, and what its screen shows."""

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator

import pyte
from rich.cells import cell_len

DEADLINE_SECONDS = 40
LEFT, RIGHT = "╭│├╰", "╮│┤╯"


class Terminal:
    """A command that runs on a terminal of its own."""

    def __init__(self, *arguments: str, columns: int, lines: int, environment: dict[str, str]):
        self._master, slave = pty.openpty()
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self.resize(columns, lines)
        plain = {key: value for key, value in os.environ.items() if "FLASH_SALE" not in key}
        self.process = subprocess.Popen(
            # The session's terminal is this one, so that Ctrl-C reaches the command.
            ["setsid", "--ctty", sys.executable, "-m", "flashsale_server", *arguments],
            env=plain | {"TERM": "xterm-256color"} | environment,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)

    @property
    def lines(self) -> list[str]:
        """What the screen shows, line by line."""
        return list(self._screen.display)

    @property
    def text(self) -> str:
        """What the screen shows."""
        return "\n".join(self.lines)

    @property
    def frame(self) -> list[str]:
        """The lines of the view, from its upper to its lower edge."""
        starts = [number for number, line in enumerate(self.lines) if line.startswith("╭")]
        ends = [number for number, line in enumerate(self.lines) if line.startswith("╰")]
        return self.lines[starts[-1] : ends[-1] + 1] if starts and ends else []

    def is_framed(self, columns: int) -> bool:
        """Whether the view is as wide as it should be, and each of its lines is one line."""
        lines = [line.rstrip() for line in self.frame]
        return bool(lines) and all(
            line[0] in LEFT and line[-1] in RIGHT and cell_len(line) == columns for line in lines
        )

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal another size, as somebody who drags its corner."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._screen.resize(lines, columns)

    def press(self, keys: bytes) -> None:
        """Type something."""
        os.write(self._master, keys)

    def until(self, condition: Callable[[], bool]) -> None:
        """Read what the command draws until the screen is so."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"it never came to be:\n{self.text}"
            assert self._read(), f"the command ended:\n{self.text}"

    def until_seen(self, *texts: str) -> None:
        """Read until the screen shows these."""
        self.until(lambda: all(text in self.text for text in texts))

    def exit_code(self) -> int:
        """Read to the end; how the command ended."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._read():
            assert time.monotonic() < deadline, f"it never ended:\n{self.text}"
        return self.process.wait(DEADLINE_SECONDS)

    def close(self) -> None:
        """End the command if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)

    def _read(self) -> bool:
        """Read some; False when the command has closed the terminal."""
        readable, _, _ = select.select([self._master], [], [], 0.5)
        if not readable:
            return True
        try:
            drawn = os.read(self._master, 65_536)
        except OSError:  # so Linux says that nobody is at the other end
            return False
        self.raw += drawn
        self._stream.feed(drawn)
        return bool(drawn)


@contextlib.contextmanager
def terminal(
    *arguments: str, columns: int = 80, lines: int = 24, **environment: str
) -> Iterator[Terminal]:
    """A command on a terminal, 80 columns and 24 lines unless told otherwise."""
    running = Terminal(*arguments, columns=columns, lines=lines, environment=environment)
    try:
        yield running
    finally:
        running.close()

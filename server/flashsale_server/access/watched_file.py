"""A watched file: read once, and anew when it changes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

import structlog

LOOK_SECONDS: Final = 1.0
"""How often a file is looked at, at most."""

_Content = TypeVar("_Content")

_log = structlog.get_logger(__name__)


class FileUnusable(Exception):
    """A file of credentials cannot be read, or does not say what it should."""


class WatchedFile(Generic[_Content]):
    """What a file says.

    When it has been changed into something that cannot be used, what it said before goes on to
    count, and the log says so.

    Args:
        path: the file.
        read: what its text says; raises FileUnusable.
        monotonic: where the time is read.

    Raises:
        FileUnusable: it cannot be used.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[str], _Content],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._read = read
        self._monotonic = monotonic
        self._stamp = self._stamp_now()
        self._content = read(self._text())
        self._looked_at = monotonic()

    @property
    def content(self) -> _Content:
        """What the file says now, or said when it was last looked at, a second ago at most."""
        now = self._monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._look()
        return self._content

    def _look(self) -> None:
        try:
            stamp = self._stamp_now()
            if stamp == self._stamp:
                return
            self._stamp = stamp
            self._content = self._read(self._text())
        except FileUnusable as error:
            _log.warning("a changed file cannot be used", file=str(self._path), why=str(error))
            return
        _log.info("file read anew", file=str(self._path))

    def _stamp_now(self) -> tuple[int, int, int]:
        try:
            state = self._path.stat()
        except OSError as error:
            raise FileUnusable(f"{self._path}: {error.strerror}") from error
        return state.st_mtime_ns, state.st_ino, state.st_size

    def _text(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FileUnusable(f"{self._path} cannot be read: {error}") from error

"""Logs: events with their facts, readable by people on a terminal and by machines elsewhere.

Whoever reads them may go away, or their disk may be full. Then events are lost, and nothing else:
no sale stops because nobody could be told of it.

At info and above nobody is named: no user, no request, no token. So an exception is logged with its
classes and its places in the code, and with its text, which may name anybody, at debug alone.
"""

import contextlib
import logging
import sys
import traceback

import structlog
from structlog.typing import EventDict, WrappedLogger

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def configure_logs(level: str, log_format: str) -> None:
    """Send events of `level` and above to standard error, as "console", "json", or "auto"."""
    as_console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if as_console else structlog.processors.JSONRenderer()
    )
    formatting = structlog.processors.format_exc_info if level == "debug" else _without_texts
    # What strangers send to a port is no event, and its library would print it as it likes.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            formatting,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS.get(level, logging.ERROR)),
        logger_factory=_LossyLogger,
        cache_logger_on_first_use=True,
    )


def _without_texts(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Write an exception, and those that it came from, without what they say."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_places(error))
    return event


def _places(error: BaseException) -> list[str]:
    """Where an exception was raised, after where those were that it came from."""
    places: list[str] = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        places.append("".join(traceback.format_tb(at.__traceback__)) + type(at).__name__)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return places[::-1]


class _LossyLogger(structlog.PrintLogger):
    """Prints to standard error, and loses what cannot be printed."""

    def __init__(self, *_: object) -> None:
        super().__init__(sys.stderr)

    def msg(self, message: str) -> None:
        """Print a line."""
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    debug = info = warning = error = exception = critical = msg

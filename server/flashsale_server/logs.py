"""Logs: events with their facts, readable by people on a terminal and by machines elsewhere.

Whoever reads them may go away, or their disk may be full. Then events are lost, and nothing else:
no sale stops because nobody could be told of it.
"""

import contextlib
import logging
import sys

import structlog

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


def configure_logs(level: str, log_format: str) -> None:
    """Send events of `level` and above to standard error, as "console", "json", or "auto"."""
    as_console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if as_console else structlog.processors.JSONRenderer()
    )
    formatting = [] if as_console else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *formatting,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS.get(level, logging.ERROR)),
        logger_factory=_LossyLogger,
        cache_logger_on_first_use=True,
    )


class _LossyLogger(structlog.PrintLogger):
    """Prints to standard error, and loses what cannot be printed."""

    def __init__(self, *_: object) -> None:
        super().__init__(sys.stderr)

    def msg(self, message: str) -> None:
        """Print a line."""
        with contextlib.suppress(OSError, ValueError):
            super().msg(message)

    debug = info = warning = error = exception = critical = msg

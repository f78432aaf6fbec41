"""What people give in flags, read: a value, or a sentence that names the flag it is about.

Whatever no message can carry is told here, before anything is sent; what the shop's rules forbid is
the server's to say.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import Final

INT32_MAX: Final = 2**31 - 1
SPAN_SECONDS_MAX: Final = 315_576_000_000
"""The longest span that a message carries: 10,000 years."""
TIME: Final = "a time such as 2026-11-27T09:00:00Z"


def whole(flag: str, number: int) -> int:
    """The number that a flag gives.

    Raises:
        ValueError: no message carries it.
    """
    if not -INT32_MAX <= number <= INT32_MAX:
        raise ValueError(
            f"{flag} is {_short(number)}, but must be from {-INT32_MAX:,} to {INT32_MAX:,}"
        )
    return number


def span(flag: str, seconds: float) -> timedelta:
    """The span that a flag gives in seconds.

    Raises:
        ValueError: it is no number, or no message carries it.
    """
    if not math.isfinite(seconds) or abs(seconds) > SPAN_SECONDS_MAX:
        raise ValueError(
            f"{flag} is {seconds:g}, but must be seconds, {SPAN_SECONDS_MAX:,} at most"
        )
    return timedelta(seconds=seconds)


def instant(flag: str, text: str) -> datetime:
    """The time that a flag gives.

    Raises:
        ValueError: it gives none, or one that is before the year 1 or after 9999 in UTC.
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or given.tzinfo is None:
        raise ValueError(f"{flag} is {text!r}, but must be {TIME}")
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{flag} is {text!r}, but must be in the years 1 to 9999 UTC") from None


def _short(number: int) -> str:
    # Python writes no number of more than 4,300 digits, and nobody reads one.
    return f"{number:,}" if abs(number) < 10**30 else "a number of more than 30 digits"

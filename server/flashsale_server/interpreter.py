"""The interpreter's settings in a process that serves, or that asks as much as it can."""

import contextlib
import gc
import resource
import sys
from typing import Final

_FILES_WANTED: Final = 65_536


def tune_interpreter() -> None:
    """Hand the interpreter's lock over sooner, and look for cycles of garbage less often."""
    # The ledger's thread has to win the interpreter's lock back from a busy event loop after each
    # commit; by default it waits 5 ms for that, longer than the commit takes.
    sys.setswitchinterval(0.0005)
    # Purchases are kept for good, and calls leave few cycles behind. Looking for them after every
    # 700 new objects, as is the default, would take a tenth of a busy server's time.
    gc.set_threshold(20_000, 20, 100)


def allow_many_connections() -> None:
    """Raise the soft limit of open files, which many systems set at 1,024, as far as is allowed.

    Who opens connections must meet the limits of the doors, and not this one, which is everybody's.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_WANTED if hard == resource.RLIM_INFINITY else min(hard, _FILES_WANTED)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

"""The interpreter's settings in a process that serves, or that asks as much as it can."""

import gc
import sys


def tune_interpreter() -> None:
    """Hand the interpreter's lock over sooner, and look for cycles of garbage less often."""
    # The ledger's thread has to win the interpreter's lock back from a busy event loop after each
    # commit; by default it waits 5 ms for that, longer than the commit takes.
    sys.setswitchinterval(0.0005)
    # Purchases are kept for good, and calls leave few cycles behind. Looking for them after every
    # 700 new objects, as is the default, would take a tenth of a busy server's time.
    gc.set_threshold(20_000, 20, 100)

"""How every Python process of the bench is set up: as the service sets up itself."""

import gc

from flashsale_server.interpreter import tune_interpreter


def tuned() -> None:
    """Set up this process."""
    tune_interpreter()
    gc.freeze()  # what was imported needs no looking through

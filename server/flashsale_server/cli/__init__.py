"""The command line: `flash-sale serve | status | watch | buy | rush | sale | purchases | ...`.

Commands that talk to a running server do it through the SDK, like any other client. Each prints
what a person wants to know and exits with 0, or prints one sentence to standard error and exits
with 1.
"""

import os

# The transport's own log would stand between the lines that people read.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from flashsale_server.cli.commands import main  # after the setting above

__all__ = ["main"]

"""The command line: `flash-sale serve | status | watch | buy | rush`.

Commands that talk to a running server do it through the SDK, like any other client. Each prints
what a person wants to know and exits with 0, or prints one sentence to standard error and exits
with 1.
"""

from flashsale_server.cli.commands import main

__all__ = ["main"]

"""The command line, run as people run it."""

import os
import subprocess
import sys


def flash_sale(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command that has ended; its environment is this process's, without settings of ours."""
    command = [sys.executable, "-m", "flashsale_server", *arguments]
    plain = {key: value for key, value in os.environ.items() if "FLASH_SALE" not in key}
    return subprocess.run(
        command,
        env=plain | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

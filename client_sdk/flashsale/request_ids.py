"""Request ids that no other client makes: the process's random name, and a number.

One uuid a request would cost more than everything else that is done to ask for a purchase.
"""

import itertools
import os
import secrets

_numbers = itertools.count(1)
_process = ""


def new_request_id() -> str:
    """A request id of some 20 bytes. May be called from any thread."""
    return f"{_process}-{next(_numbers)}"


def _name_process() -> None:
    global _process  # noqa: PLW0603  # what is drawn once a process belongs to the module
    _process = secrets.token_urlsafe(12)


_name_process()
# A child that shared its parent's name would make the same ids.
os.register_at_fork(after_in_child=_name_process)

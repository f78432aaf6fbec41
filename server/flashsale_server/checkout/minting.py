"""Minting: purchase ids, opaque and unguessable.

An id is 120 bits from the system's source of randomness, as 20 characters that are safe in a URL.
The bits are drawn for many ids at once, because asking the system costs as much as all the rest.
"""

import base64
import os
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

_ID_BYTES: Final = 15
_ID_CHARACTERS: Final = 20
_IDS_AT_ONCE: Final = 256


def minting() -> Callable[[], str]:
    """A function that returns a new id at each call."""
    return chain.from_iterable(_drawn()).__next__


def _drawn() -> Iterator[list[str]]:
    while True:
        drawn = base64.urlsafe_b64encode(os.urandom(_ID_BYTES * _IDS_AT_ONCE)).decode()
        yield [drawn[at : at + _ID_CHARACTERS] for at in range(0, len(drawn), _ID_CHARACTERS)]

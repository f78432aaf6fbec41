"""Minting: purchase ids, opaque and unguessable, and request ids for those who sent none.

The bits of an id come from the system's source of randomness: 120 as 20 characters that are safe in
a URL, or 128 in hexadecimal. They are drawn for many ids at once, because asking the system costs
as much as all the rest.
"""

import base64
import binascii
import os
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

_PURCHASE_ID_BYTES: Final = 15
_REQUEST_ID_BYTES: Final = 16
_AT_ONCE: Final = 256


def purchase_id_minting() -> Callable[[], str]:
    """A function that returns a new purchase id at each call."""
    return chain.from_iterable(_drawn(_PURCHASE_ID_BYTES, base64.urlsafe_b64encode)).__next__


def request_id_minting() -> Callable[[], str]:
    """A function that returns a new request id at each call."""
    return chain.from_iterable(_drawn(_REQUEST_ID_BYTES, binascii.hexlify)).__next__


def _drawn(size: int, written: Callable[[bytes], bytes]) -> Iterator[list[str]]:
    while True:
        drawn = written(os.urandom(size * _AT_ONCE)).decode()
        characters = len(drawn) // _AT_ONCE
        yield [drawn[at : at + characters] for at in range(0, len(drawn), characters)]

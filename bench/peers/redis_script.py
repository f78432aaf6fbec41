"""What the Redis loads share: the script, its keys, and the ids of purchases."""

import itertools
import secrets
from pathlib import Path

SCRIPT = (Path(__file__).parent / "flash_sale.lua").read_text(encoding="utf-8")
STOCK_KEY = "stock"
PURCHASES_KEY = "purchases"
KEYS = [STOCK_KEY, PURCHASES_KEY]

_prefix = secrets.token_hex(6)
_numbers = itertools.count()


def minted() -> str:
    """A purchase id; cheaper to make than the service's own, which cannot be guessed."""
    return f"{_prefix}{next(_numbers)}"

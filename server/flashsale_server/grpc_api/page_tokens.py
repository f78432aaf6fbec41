"""Page tokens: where a list goes on. Callers only hand them back, to the list that gave them."""

import base64
import binascii
from typing import Final

from flashsale_server.checkout import Violation

POSITION_MAX: Final = 2**63 - 1
_NOT_OURS: Final = Violation("page_token", "must be a next_page_token of this list")


def position_token(sale_id: str, position: int) -> str:
    """A token for what comes after a position of a sale's ledger."""
    return _token(f"position:{sale_id}:{position}")


def position_of(violations: list[Violation], sale_id: str, token: str) -> int:
    """The position in a sale's ledger that a token stands for; 0 when there is none.

    It is noted when the token is none of this list.
    """
    if not token:
        return 0
    text = _text_of(token, f"position:{sale_id}:") or ""
    is_number = text.isascii() and text.isdecimal() and len(text) < 20
    if not is_number or int(text) > POSITION_MAX:
        violations.append(_NOT_OURS)
        return 0
    return int(text)


def sale_token(sale_id: str) -> str:
    """A token for what comes after a sale."""
    return _token(f"sale:{sale_id}")


def sale_of(violations: list[Violation], token: str) -> str:
    """The sale that a token stands for; "" when there is none.

    It is noted when the token is none of this list.
    """
    sale_id = _text_of(token, "sale:") if token else ""
    if sale_id is None:
        violations.append(_NOT_OURS)
    return sale_id or ""


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _text_of(token: str, start: str) -> str | None:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    # What is no base64 is left out by the decoder, so only the way back shows it.
    is_ours = text.startswith(start) and _token(text) == token
    return text.removeprefix(start) if is_ours else None

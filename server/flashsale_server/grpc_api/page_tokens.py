"""Page tokens: where a list goes on. Callers only hand them back."""

import base64
import binascii

from flashsale_server.checkout import InvalidFields, Violation


def position_token(position: int) -> str:
    """A token for what comes after a position of a ledger."""
    return _token(f"position:{position}")


def position_of(token: str) -> int:
    """The position that a token stands for; 0 when there is none.

    Raises:
        InvalidFields: it is no token of ours.
    """
    text = _text_of(token, "position")
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise _not_ours()
    return int(text)


def sale_token(sale_id: str) -> str:
    """A token for what comes after a sale."""
    return _token(f"sale:{sale_id}")


def sale_of(token: str) -> str:
    """The sale that a token stands for; "" when there is none.

    Raises:
        InvalidFields: it is no token of ours.
    """
    return _text_of(token, "sale")


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _text_of(token: str, kind: str) -> str:
    if not token:
        return ""
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except (binascii.Error, ValueError) as error:
        raise _not_ours() from error
    found, _, value = text.partition(":")
    if found != kind or not value:
        raise _not_ours()
    return value


def _not_ours() -> InvalidFields:
    return InvalidFields([Violation("page_token", "must be a next_page_token of this list")])

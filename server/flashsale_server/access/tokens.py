"""Bearer tokens: made once, shown once, and kept as their hashes alone.

A token has 256 random bits, so its sha256 needs no salt and no slow hash: nobody can guess the
token behind it. A line for each says `role:name:sha256`; what follows a # is a comment.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

import msgspec

from flashsale_server.access.roles import Role
from flashsale_server.access.watched_file import FileUnusable

_PREFIX: Final = "flashsale_"
_HASH_CHARACTERS: Final = 64


class KeptToken(msgspec.Struct, frozen=True):
    """What is kept of a token.

    Attributes:
        name: whose it is, for people.
        sha256: its hash, in lower-case hexadecimal.
    """

    role: Role
    name: str
    sha256: str

    def __str__(self) -> str:
        """Its line in a file."""
        return f"{self.role.value}:{self.name}:{self.sha256}"


def new_token(role: Role, name: str) -> tuple[str, KeptToken]:
    """A new token, and what to keep of it.

    Raises:
        ValueError: the name cannot stand in a line.
    """
    if not name or not name.isprintable() or set(name) & set(":#,") or name != name.strip():
        raise ValueError("a name has at least one printable character, and no ':', '#' or ','")
    token = _PREFIX + secrets.token_urlsafe(32)
    return token, KeptToken(role, name, sha256_of(token))


def sha256_of(token: str) -> str:
    """The hash of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def kept_tokens(text: str) -> tuple[KeptToken, ...]:
    """What the lines of a text keep; commas part lines too.

    Raises:
        FileUnusable: with the first line that is none, by its number, not by what it says.
    """
    lines = text.replace(",", "\n").splitlines()
    kept = [_kept(number, line) for number, line in enumerate(lines, 1)]
    return tuple(token for token in kept if token is not None)


def found(token: str, kept: Iterable[KeptToken]) -> KeptToken | None:
    """What is kept of a token, if anything. All are compared, in a time that tells nothing."""
    sha256 = sha256_of(token)
    match: KeptToken | None = None
    for candidate in kept:
        if hmac.compare_digest(candidate.sha256, sha256):
            match = candidate
    return match


def _kept(number: int, line: str) -> KeptToken | None:
    line = line.partition("#")[0].strip()
    if not line:
        return None
    parts = line.split(":")
    try:
        role_name, name, sha256 = parts
        role = Role(role_name)
        is_hash = len(sha256) == _HASH_CHARACTERS and set(sha256) <= set("0123456789abcdef")
    except ValueError:
        is_hash = False
    if not is_hash:
        raise FileUnusable(
            f"line {number} of the tokens is not role:name:sha256, with one of the roles "
            + ", ".join(role.value for role in Role)
        )
    return KeptToken(role, name, sha256)

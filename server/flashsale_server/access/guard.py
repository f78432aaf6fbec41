"""The guard: who a caller is, by the credentials that came along, and whether they may ask.

What was verified once is remembered for a while, because to verify a signature costs as much as a
call. Only what the caller is told leaves here; nothing of a token is ever logged.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from flashsale_server.access.jwts import Claims, NotVerified, VerifyingKey, verified
from flashsale_server.access.roles import HEALTH_RPCS, REFLECTION_SERVICES, Role, may_ask
from flashsale_server.access.tokens import KeptToken, found
from flashsale_server.access.watched_file import WatchedFile
from flashsale_server.checkout import PermissionDenied, Unauthenticated

REMEMBERED_MAX: Final = 10_000
USER_ID_BYTES_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls.

    Attributes:
        role: what they may ask.
        user_id: the only user that they may act for; None for any.
    """

    role: Role
    user_id: str | None = None


NOBODY: Final = Identity(Role.METRICS)
"""Whoever asks what is open to all; they are nobody's buyer."""


class Guard:
    """Lets callers in by their bearer tokens.

    Args:
        tokens: what is kept of the tokens; None when there are none.
        keys: what JWTs are signed with; None when none are taken.
        audience, issuer: what JWTs must say; None for anything.
        is_health_open: whether probes need no token.
        is_reflection_open: whether tools that ask for the contract need no token.
    """

    def __init__(
        self,
        tokens: WatchedFile[tuple[KeptToken, ...]] | tuple[KeptToken, ...],
        keys: WatchedFile[tuple[VerifyingKey, ...]] | None = None,
        *,
        audience: str | None = None,
        issuer: str | None = None,
        is_health_open: bool = True,
        is_reflection_open: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = tokens
        self._keys = keys
        self._audience = audience
        self._issuer = issuer
        self._is_health_open = is_health_open
        self._is_reflection_open = is_reflection_open
        self._now = now
        self._remembered: dict[bytes, tuple[Claims, tuple[VerifyingKey, ...]]] = {}

    def admitted(self, rpc: str, authorization: str | None) -> Identity:
        """Who asks an RPC, named as "package.Service/Method"; `authorization` is their header.

        Raises:
            Unauthenticated: they have no credentials, or bad ones.
            PermissionDenied: theirs do not allow this RPC.
        """
        if authorization is None:
            if self._is_open(rpc):
                return NOBODY
            raise Unauthenticated("a bearer token is needed")
        identity = self._identity(authorization)
        if not may_ask(identity.role, rpc):
            raise PermissionDenied(f"the role {identity.role.value!r} may not ask {rpc}")
        return identity

    def _is_open(self, rpc: str) -> bool:
        if rpc in HEALTH_RPCS:
            return self._is_health_open
        return self._is_reflection_open and rpc.partition("/")[0] in REFLECTION_SERVICES

    def _identity(self, authorization: str) -> Identity:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("the credentials are no bearer token")
        tokens = self._tokens.content if isinstance(self._tokens, WatchedFile) else self._tokens
        kept = found(token, tokens)
        if kept is not None:
            return Identity(kept.role)
        if self._keys is None:
            raise Unauthenticated("the bearer token is not known here")
        return Identity(Role.BUYER, self._claims(token, self._keys.content).user_id)

    def _claims(self, token: str, keys: tuple[VerifyingKey, ...]) -> Claims:
        remembered_as = hashlib.sha256(token.encode()).digest()
        claims, by = self._remembered.get(remembered_as, (None, None))
        if claims is None or by is not keys:
            try:
                claims = verified(token, keys, audience=self._audience, issuer=self._issuer)
            except NotVerified as error:
                raise Unauthenticated(f"the bearer token does not hold: {error}") from error
            if not _can_be_user(claims.user_id):
                raise Unauthenticated("the bearer token's subject cannot be a user id")
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[remembered_as] = (claims, keys)
        if claims.expires_at <= self._now():
            del self._remembered[remembered_as]
            raise Unauthenticated("the bearer token does not hold: it has expired")
        return claims


def sole(authorizations: Sequence[str]) -> str | None:
    """The authorization that came along; "", which is none that holds, where several did."""
    if len(authorizations) > 1:
        return ""
    return authorizations[0] if authorizations else None


def _can_be_user(subject: str) -> bool:
    # In this order: what is not printable may be no text that bytes can be made of.
    return subject.isprintable() and 0 < len(subject.encode()) <= USER_ID_BYTES_MAX

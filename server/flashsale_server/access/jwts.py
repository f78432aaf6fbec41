"""JSON Web Tokens: what somebody else has signed for a user, so that a browser may call.

The subject is the only user that the bearer may act for. Each key is good for the algorithms of its
own kind and no other, so a token cannot choose how it is checked. It must say when it expires.
"""

import json
from collections.abc import Sequence
from typing import Final

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from flashsale_server.access.watched_file import FileUnusable

LEEWAY_SECONDS: Final = 10
"""How far clocks may be apart."""

_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_SECRET_BYTES_MIN: Final = 32
_PEM_END: Final = "-----END PUBLIC KEY-----"

_Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | bytes


class VerifyingKey(msgspec.Struct, frozen=True):
    """A key that signatures are checked with.

    Attributes:
        key_id: what tokens call it by; "" when they do not.
        algorithms: what it is good for.
    """

    key_id: str
    algorithms: tuple[str, ...]
    key: _Key


class Claims(msgspec.Struct, frozen=True):
    """What a token that was verified says.

    Attributes:
        user_id: its subject.
        expires_at: until when it holds, in seconds since 1970 UTC.
    """

    user_id: str
    expires_at: float


class NotVerified(Exception):
    """The token is none, or none of ours, or over; the text says so in a few words."""


def verifying_keys(text: str) -> tuple[VerifyingKey, ...]:
    """The keys of a file: a JWK set, a single JWK, or public keys as PEM, one after another.

    Raises:
        FileUnusable: there is none, or one that cannot be used.
    """
    text = text.strip()
    keys = _of_json(text) if text.startswith("{") else _of_pem(text)
    if not keys:
        raise FileUnusable("there is no key in it")
    return keys


def verified(
    token: str, keys: Sequence[VerifyingKey], *, audience: str | None, issuer: str | None
) -> Claims:
    """What a token says, if one of the keys has signed it and it holds now.

    Raises:
        NotVerified: it does not hold.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, RecursionError, ValueError) as error:  # JSON within JSON within JSON
        raise NotVerified("it is no token of this server, and no JWT") from error
    key_id = header.get("kid")
    fitting = [
        key
        for key in keys
        if header.get("alg") in key.algorithms
        and (not isinstance(key_id, str) or key.key_id in {"", key_id})
    ]
    why = "none of the keys is for its algorithm and key id"
    for key in fitting:
        try:
            return _claims(token, key, audience, issuer)
        except jwt.ExpiredSignatureError as error:
            raise NotVerified("it has expired") from error
        except jwt.InvalidSignatureError:
            why = "its signature is not of the keys"
        except jwt.PyJWTError as error:
            raise NotVerified(str(error)) from error
        except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
            raise NotVerified("it is malformed") from error
    raise NotVerified(why)


def _claims(token: str, key: VerifyingKey, audience: str | None, issuer: str | None) -> Claims:
    claims = jwt.decode(
        token,
        key.key,
        algorithms=list(key.algorithms),
        audience=audience,
        issuer=issuer,
        leeway=LEEWAY_SECONDS,
        options={"require": ["exp", "sub"], "verify_aud": audience is not None},
    )
    return Claims(claims["sub"], float(claims["exp"]) + LEEWAY_SECONDS)


def _of_json(text: str) -> tuple[VerifyingKey, ...]:
    try:
        document = json.loads(text)
        found = document.get("keys", [document])
        return tuple(_of_jwk(item) for item in found if item.get("use", "sig") == "sig")
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        NotImplementedError,
        RecursionError,
        UnsupportedAlgorithm,
        jwt.PyJWTError,
    ) as error:
        raise FileUnusable(f"it is no set of JSON Web Keys: {error}") from error


def _of_jwk(item: dict[str, str]) -> VerifyingKey:
    key = jwt.PyJWK(item)
    key_id = item.get("kid", "")
    if item["kty"] == "oct":
        secret: bytes = key.key
        if len(secret) < _SECRET_BYTES_MIN:
            raise FileUnusable(f"a shared secret needs at least {_SECRET_BYTES_MIN} bytes")
        return VerifyingKey(key_id, ("HS256",), secret)
    made = _key_of(key_id, key.key)
    only = item.get("alg")
    return made if only is None else VerifyingKey(key_id, (only,), made.key)


def _of_pem(text: str) -> tuple[VerifyingKey, ...]:
    parts = [part.strip() + "\n" + _PEM_END for part in text.split(_PEM_END) if part.strip()]
    try:
        return tuple(_key_of("", load_pem_public_key(part.encode())) for part in parts)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise FileUnusable("it is no JWK set, and no public key as PEM") from error


def _key_of(key_id: str, key: object) -> VerifyingKey:
    """A public key with the algorithms of its kind.

    Raises:
        FileUnusable: it is of another kind, or private.
    """
    match key:
        case rsa.RSAPublicKey():
            return VerifyingKey(key_id, _RSA, key)
        case ec.EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return VerifyingKey(key_id, (_CURVES[key.curve.name],), key)
        case ed25519.Ed25519PublicKey():
            return VerifyingKey(key_id, ("EdDSA",), key)
        case _:
            raise FileUnusable(
                f"a {type(key).__name__} cannot be used: only public RSA, EC and Ed25519 keys can"
            )

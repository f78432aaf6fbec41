"""The guard: which credentials hold, and for what."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from flashsale_server.access import (
    FileUnusable,
    Guard,
    Identity,
    Role,
    WatchedFile,
    kept_tokens,
    new_token,
    verifying_keys,
)
from flashsale_server.checkout import PermissionDenied, Unauthenticated

from tests.access.keys import pem

BUY = "flashsale.v1.FlashSaleService/Purchase"
LOOK = "flashsale.v1.FlashSaleService/Status"
RESTOCK = "flashsale.v1.SaleAdminService/RestockSale"
HEALTH = "grpc.health.v1.Health/Check"
REFLECTION = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
ED_KEY = ed25519.Ed25519PrivateKey.generate()


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def guard_with(
    folder: Path, keys: str, *, audience: str | None = None, clock: Clock | None = None
) -> Guard:
    file = folder / "keys"
    file.write_text(keys)
    return Guard((), WatchedFile(file, verifying_keys), audience=audience, now=clock or time.time)


def signed(
    key: Any = EC_KEY, algorithm: str = "ES256", header: dict[str, str] | None = None, **claims: Any
) -> str:
    claims = {"sub": "ann", "exp": time.time() + 60, **claims}
    claims = {name: value for name, value in claims.items() if value is not None}
    return f"Bearer {jwt.encode(claims, key, algorithm, headers=header)}"


def test_a_token_opens_what_its_role_may_ask() -> None:
    buyer, kept_buyer = new_token(Role.BUYER, "backend")
    admin, kept_admin = new_token(Role.ADMIN, "operator")
    metrics, kept_metrics = new_token(Role.METRICS, "dashboard")
    guard = Guard((kept_buyer, kept_admin, kept_metrics))
    assert guard.admitted(BUY, f"Bearer {buyer}") == Identity(Role.BUYER)
    assert guard.admitted(RESTOCK, f"bearer {admin}") == Identity(Role.ADMIN)
    assert guard.admitted(LOOK, f"Bearer  {metrics}") == Identity(Role.METRICS)
    for token, rpc in ((buyer, RESTOCK), (metrics, BUY), (metrics, RESTOCK)):
        with pytest.raises(PermissionDenied, match="may not ask"):
            guard.admitted(rpc, f"Bearer {token}")


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer flashsale_guessed"]
)
def test_no_credentials_or_others_open_nothing(authorization: str | None) -> None:
    guard = Guard((new_token(Role.BUYER, "backend")[1],))
    with pytest.raises(Unauthenticated):
        guard.admitted(BUY, authorization)


@pytest.mark.parametrize("is_open", [True, False])
def test_probes_and_tools_need_a_token_only_where_it_is_set(is_open: bool) -> None:
    token, kept = new_token(Role.METRICS, "probe")
    guard = Guard((kept,), is_health_open=is_open, is_reflection_open=is_open)
    for rpc in (HEALTH, REFLECTION, "flashsale.v1.FlashSaleService/Health"):
        assert guard.admitted(rpc, f"Bearer {token}").role is Role.METRICS
        if is_open:
            guard.admitted(rpc, None)
        else:
            with pytest.raises(Unauthenticated):
                guard.admitted(rpc, None)


def test_bad_credentials_do_not_hold_even_where_none_are_needed() -> None:
    with pytest.raises(Unauthenticated):
        Guard(()).admitted(HEALTH, "Bearer flashsale_guessed")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(EC_KEY, "ES256"), (RSA_KEY, "RS256"), (RSA_KEY, "PS384"), (ED_KEY, "EdDSA")],
)
def test_a_jwt_makes_its_bearer_a_buyer_who_acts_for_its_subject(
    tmp_path: Path, key: Any, algorithm: str
) -> None:
    guard = guard_with(tmp_path, pem(EC_KEY) + pem(RSA_KEY) + pem(ED_KEY))
    bearer = signed(key, algorithm)
    for _ in range(2):  # the second time from memory
        assert guard.admitted(BUY, bearer) == Identity(Role.BUYER, "ann")
    with pytest.raises(PermissionDenied):
        guard.admitted(RESTOCK, bearer)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": time.time() - 60}, "it has expired"),
        ({"exp": None}, 'missing the "exp" claim'),
        ({"sub": None}, 'missing the "sub" claim'),
        ({"nbf": time.time() + 600}, "not yet valid"),
        ({"sub": ""}, "cannot be a user id"),
        ({"sub": "a\nb"}, "cannot be a user id"),
        ({"sub": "x" * 129}, "cannot be a user id"),
        ({"sub": "\ud800"}, "cannot be a user id"),
    ],
)
def test_a_jwt_that_says_too_little_or_is_over_does_not_hold(
    tmp_path: Path, claims: dict[str, Any], why: str
) -> None:
    guard = guard_with(tmp_path, pem(EC_KEY))
    with pytest.raises(Unauthenticated, match=why):
        guard.admitted(BUY, signed(**claims))


def test_a_jwt_of_a_stranger_or_without_a_signature_does_not_hold(tmp_path: Path) -> None:
    guard = guard_with(tmp_path, pem(EC_KEY))
    stranger = ec.generate_private_key(ec.SECP256R1())
    good = signed().removeprefix("Bearer ")
    head, body, signature = good.split(".")
    forged = jwt.encode({"sub": "bob", "exp": time.time() + 60}, stranger, "ES256").split(".")[1]
    unsigned = jwt.encode({"sub": "ann", "exp": time.time() + 60}, "", "none")
    deep = base64.urlsafe_b64encode(b'{"a":' * 50_000).decode().rstrip("=")
    # The public key, which anybody has, used as the secret of another algorithm.
    confused = _hs256_by_hand(pem(EC_KEY).encode())
    for token in (
        signed(stranger).removeprefix("Bearer "),
        f"{head}.{forged}.{signature}",
        f"{head}.{body}.",
        unsigned,
        confused,
        good + "x",
        deep + ".e30.x",
        f"{head}.{deep}.{signature}",
        "a.b.c",
    ):
        with pytest.raises(Unauthenticated):
            guard.admitted(BUY, f"Bearer {token}")


def _hs256_by_hand(secret: bytes) -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).decode().rstrip("=")

    head = part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = part(json.dumps({"sub": "ann", "exp": time.time() + 60}).encode())
    digest = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{part(digest)}"


def test_a_jwt_that_was_good_ends_when_it_says(tmp_path: Path) -> None:
    clock = Clock()
    guard = guard_with(tmp_path, pem(EC_KEY), clock=clock)
    bearer = signed(exp=clock.now + 60)
    guard.admitted(BUY, bearer)
    clock.now += 90
    with pytest.raises(Unauthenticated, match="expired"):
        guard.admitted(BUY, bearer)


def test_the_audience_must_be_the_one_that_is_set(tmp_path: Path) -> None:
    guard = guard_with(tmp_path, pem(EC_KEY), audience="shop")
    assert guard.admitted(BUY, signed(aud="shop")).user_id == "ann"
    for other in ("bank", None):
        with pytest.raises(Unauthenticated, match=r"(?i)audience|aud"):
            guard.admitted(BUY, signed(aud=other))


def test_a_key_of_a_set_is_taken_by_its_id(tmp_path: Path) -> None:
    first = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key()))
    other = ec.generate_private_key(ec.SECP256R1())
    second = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(other.public_key()))
    keys = json.dumps({"keys": [{**first, "kid": "a"}, {**second, "kid": "b"}]})
    guard = guard_with(tmp_path, keys)
    assert guard.admitted(BUY, signed(other, header={"kid": "b"})).user_id == "ann"
    assert guard.admitted(BUY, signed(other)).user_id == "ann"
    for kid in ("a", "c"):
        with pytest.raises(Unauthenticated):
            guard.admitted(BUY, signed(other, header={"kid": kid}))


def test_a_shared_secret_must_be_long(tmp_path: Path) -> None:
    def key_of(secret: bytes) -> str:
        return jwt.algorithms.HMACAlgorithm.to_jwk(secret)

    guard = guard_with(tmp_path, key_of(b"s" * 32))
    assert guard.admitted(BUY, signed(b"s" * 32, "HS256")).user_id == "ann"
    with pytest.raises(FileUnusable, match="at least 32 bytes"):
        verifying_keys(key_of(b"s" * 31))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "not a key",
        '{"keys": [{"kty": "EC"}]}',
        '{"keys": "no"}',
        '{"kty": "oct", "alg": "none", "k": "AAAA"}',
        "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----",
    ],
)
def test_a_file_without_keys_is_refused(text: str) -> None:
    with pytest.raises(FileUnusable):
        verifying_keys(text)


def test_tokens_are_read_anew_when_their_file_changes(tmp_path: Path) -> None:
    file, clock = tmp_path / "tokens", Clock()
    old, kept_old = new_token(Role.BUYER, "old")
    new, kept_new = new_token(Role.BUYER, "new")
    file.write_text(str(kept_old))
    guard = Guard(WatchedFile(file, kept_tokens, clock))
    assert guard.admitted(BUY, f"Bearer {old}").role is Role.BUYER
    file.write_text(f"{kept_new}\n# the old one is gone")
    clock.now += 2
    assert guard.admitted(BUY, f"Bearer {new}").role is Role.BUYER
    with pytest.raises(Unauthenticated):
        guard.admitted(BUY, f"Bearer {old}")
    for broken in ("nonsense", None):
        file.write_text(broken) if broken else file.unlink()
        clock.now += 2
        assert guard.admitted(BUY, f"Bearer {new}").role is Role.BUYER
    with pytest.raises(FileUnusable, match="tokens: No such file"):
        WatchedFile(file, kept_tokens)

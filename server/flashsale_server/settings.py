"""Settings: what can be set about a server, how it is written, and what is wrong with it.

Each setting comes from its command-line flag, else from its environment variable, else from its
default. All are read and checked before anything starts, and everything that is wrong is told at
once.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

PREFIX: Final = "FLASH_SALE_"
_YES: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


# What must not stand where a file is named, because an error would repeat it.
_TOKEN: Final = re.compile(r"(^|[:,\s])flashsale_[\w-]{43}($|[,\s])")
_KEYS_BEGIN: Final = ("{", "-----BEGIN", "eyJ")

_Number = TypeVar("_Number", int, float)


class SettingsInvalid(Exception):
    """Settings are wrong; `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _whole(low: int, high: int) -> Callable[[str], int]:
    return _within(int, low, high, "a whole number")


def _seconds(low: float, high: float) -> Callable[[str], float]:
    return _within(float, low, high, "seconds")


def _span(text: str) -> float:
    """0, or seconds from 1 to 86,400."""
    seconds = float(text)
    if seconds and not 1 <= seconds <= 86_400:
        raise ValueError
    return seconds


def _within(
    kind: Callable[[str], _Number], low: _Number, high: _Number, about: str
) -> Callable[[str], _Number]:
    def read(text: str) -> _Number:
        number = kind(text)
        if not low <= number <= high:
            raise ValueError
        return number

    read.__doc__ = f"{about} from {low:,} to {high:,}"
    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError
        return text.lower()

    read.__doc__ = "one of " + ", ".join(words)
    return read


def _address(text: str) -> str:
    """host:port, such as 127.0.0.1:50051 or [::1]:0."""
    host, colon, port = text.rpartition(":")
    if not (host and colon) or not 0 <= int(port) <= 65535:
        raise ValueError
    return text


def _instant_us(text: str) -> int | None:
    """A time such as 2026-11-27T09:00:00Z, or nothing."""
    if not text:
        return None
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError
    # In UTC it must be one of the years 1 to 9999, else no message could carry it.
    return int(instant.astimezone(UTC).timestamp() * 1e6)


def _origins(text: str) -> tuple[str, ...]:
    """Origins such as https://shop.example, separated by commas; * for any."""
    origins = tuple(part.strip() for part in text.split(",") if part.strip())
    if any(part != "*" and "://" not in part for part in origins):
        raise ValueError
    return origins


def _endpoint(text: str) -> str | None:
    """http://host:port or https://host:port, or nothing."""
    if not text:
        return None
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError
    if not url.port or url.path.strip("/") or url.query or url.fragment:
        raise ValueError
    return text


def _ratio(text: str) -> float:
    """A number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise ValueError
    return number


def _yes_or_no(text: str) -> bool:
    """True or false."""
    return _YES[text.lower()]


def _optional(text: str) -> str | None:
    """Text, or nothing."""
    return text or None


def _text(text: str) -> str:
    """Text."""
    return text


# The readers give values of many types; each field says which.
def _setting(reader: Callable[[str], Any], default: Any, about: str) -> Any:
    return field(default=default, metadata={"reader": reader, "about": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set about a server. Each field is one variable and one flag."""

    grpc_address: str = _setting(_address, "127.0.0.1:50051", "where gRPC listens")
    http_address: str = _setting(_address, "127.0.0.1:8080", "where HTTP listens")
    ledger: str = _setting(_text, "sqlite:///flash-sale.db", "the ledger's URL")
    title: str = _setting(_text, "Flash sale", "what the sale 'default' offers")
    stock: int = _setting(_whole(0, 2_000_000_000), 100, "units of the sale 'default'")
    starts_at: int | None = _setting(_instant_us, None, "when it opens; now when not set")
    ends_at: int | None = _setting(_instant_us, None, "when it ends; never when not set")
    per_user_limit: int = _setting(_whole(1, 1_000_000), 1, "units one user may have of it")
    hold_seconds: float = _setting(
        _span, 0.0, "how long a buyer may take to confirm; 0 when purchases are final at once"
    )
    batch_size: int = _setting(_whole(1, 1000), 50, "decisions in one hold of the lock")
    max_queue: int = _setting(_whole(1, 1_000_000), 10_000, "calls that may wait at once")
    rate_limit_per_minute: int = _setting(
        _whole(0, 1_000_000), 10, "attempts a user has in any 60 s; 0 for no limit"
    )
    breaker_failures: int = _setting(
        _whole(1, 1000), 5, "failed commits in a row that open the circuit"
    )
    breaker_cooldown_seconds: float = _setting(_seconds(0.1, 3600), 30.0, "how long it stays open")
    drain_seconds: float = _setting(_seconds(0, 3600), 20.0, "how long a stop waits for answers")
    max_concurrent_streams: int = _setting(
        _whole(1, 1_000_000), 20_000, "calls one gRPC connection may have open"
    )
    max_connections: int = _setting(
        _whole(2, 1_000_000),
        10_000,
        "connections to each port; over HTTP, half of them of one host",
    )
    cors_origins: tuple[str, ...] = _setting(_origins, (), "web origins that may call over HTTP")
    log_level: str = _setting(
        _one_of("debug", "info", "warning", "error"), "info", "what is logged"
    )
    log_format: str = _setting(
        _one_of("auto", "console", "json"), "auto", "how; auto is console on a terminal, else json"
    )
    tls_cert: str | None = _setting(
        _optional, None, "the server's certificate, a PEM file, for TLS"
    )
    tls_key: str | None = _setting(_optional, None, "its private key")
    tls_client_ca: str | None = _setting(
        _optional, None, "whose certificates clients must have; none when they need none"
    )
    tokens: str | None = _setting(
        _optional,
        None,
        "a file with a line role:name:sha256 for each token; or such lines themselves",
    )
    jwt_keys: str | None = _setting(
        _optional, None, "a file with the keys that buyers' JWTs are signed with: a JWK set, or PEM"
    )
    jwt_audience: str | None = _setting(_optional, None, "what a JWT must name as its audience")
    jwt_issuer: str | None = _setting(_optional, None, "what a JWT must name as its issuer")
    health: str = _setting(_one_of("open", "token"), "open", "whether probes need a token")
    reflection: str = _setting(
        _one_of("open", "token", "off"), "open", "whether tools may ask for the contract"
    )
    allow_unauthenticated: bool = _setting(
        _yes_or_no, False, "listen beyond loopback although anybody may call"
    )

    otlp_endpoint: str | None = _setting(
        _endpoint, None, "where traces go by OTLP over gRPC, such as http://127.0.0.1:4317"
    )
    trace_ratio: float = _setting(
        _ratio, 0.05, "how many of the calls that come from no trace are traced, 0 to 1"
    )

    given: frozenset[str] = frozenset()
    """The settings that were not left to their defaults."""

    @classmethod
    def read(cls, flags: Mapping[str, str | None], environment: Mapping[str, str]) -> Self:
        """The settings that flags and environment make.

        Args:
            flags: texts by field name; None where a flag was not given.
            environment: texts by variable name.

        Raises:
            SettingsInvalid: with everything that is wrong.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for item in (item for item in fields(cls) if item.metadata):
            variable = PREFIX + item.name.upper()
            flag = flags.get(item.name)
            text = environment.get(variable) if flag is None else flag
            if text is None:
                continue
            source = variable if flag is None else "--" + item.name.replace("_", "-")
            reader = item.metadata["reader"]
            try:
                values[item.name] = reader(text)
            except (ValueError, KeyError, OverflowError):
                problems.append(f"{source} is {text!r}, but must be {_described(reader)}")
        settings = cls(**values, given=frozenset(values))
        problems += settings._contradictions()
        if problems:
            raise SettingsInvalid(problems)
        return settings

    @property
    def addresses_beyond_loopback(self) -> list[str]:
        """Where other machines can reach this server."""
        addresses = (self.grpc_address, self.http_address)
        return [address for address in addresses if not _is_loopback(address)]

    def _contradictions(self) -> list[str]:
        problems = []
        if self.ends_at is not None and self.ends_at <= (self.starts_at or 0):
            problems.append("the sale ends before it starts")
        if (self.tls_cert is None) != (self.tls_key is None):
            problems.append("TLS needs a certificate and its key: both --tls-cert and --tls-key")
        if self.tls_client_ca is not None and self.tls_cert is None:
            problems.append("--tls-client-ca is of no use without --tls-cert and --tls-key")
        is_guarded = self.tokens is not None or self.jwt_keys is not None
        if self.tokens is not None and _TOKEN.search(self.tokens):
            problems.append("--tokens is a token itself; name a file with the lines of tokens")
        if self.jwt_keys is not None and self.jwt_keys.lstrip().startswith(_KEYS_BEGIN):
            problems.append("--jwt-keys is keys itself; name a file with them")
        if self.jwt_keys is None and (self.jwt_audience or self.jwt_issuer):
            problems.append("--jwt-audience and --jwt-issuer are of no use without --jwt-keys")
        if self.otlp_endpoint is not None and "@" in self.otlp_endpoint:
            problems.append("--otlp-endpoint must not have a password in it")
        if self.otlp_endpoint is None and "trace_ratio" in self.given:
            problems.append("--trace-ratio is of no use without --otlp-endpoint")
        if not is_guarded and "token" in {self.health, self.reflection}:
            problems.append("--health and --reflection can ask for a token only with --tokens")
        problems += [
            f"{address} can be reached from other machines, and anybody who reaches it may buy; "
            "make tokens (flash-sale token create) and name them with --tokens, listen on "
            "127.0.0.1, or ask for it with --allow-unauthenticated true"
            for address in self.addresses_beyond_loopback
            if not is_guarded and not self.allow_unauthenticated
        ]
        return problems


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _described(reader: Callable[[str], object]) -> str:
    about = (reader.__doc__ or "").rstrip(".")
    return about[:1].lower() + about[1:]

"""The connection to a server: where it is, how it is secured, and what each call carries."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
# The server takes a ping each 10 s on a quiet connection; asking three times less often is safe.
KEEPALIVE_MS: Final = 30_000

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TLS:
    """How the connection is encrypted and who is at its ends.

    Attributes:
        ca: the file of the certificates to trust; the system's when None.
        cert: the file of the client's own certificate, for servers that ask for one.
        key: the file of the client's private key.
        server_name: the name that the server's certificate must have; the address's when None.
    """

    ca: str | Path | None = None
    cert: str | Path | None = None
    key: str | Path | None = None
    server_name: str | None = None


def channel_to(address: str, tls: TLS | bool) -> grpc.aio.Channel:
    """A channel to the server at `address`, "host:port"; it connects when it is first used."""
    options: list[tuple[str, str | int]] = [
        ("grpc.enable_retries", 0),  # the SDK retries by itself, and knows when that is safe
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_permit_without_calls", 0),
        ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        # Clients of one process that talk to one server must not share a connection unasked.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    if is_loopback(address):
        options.append(("grpc.enable_http_proxy", 0))
    if not tls:
        return grpc.aio.insecure_channel(address, options)
    chosen = TLS() if isinstance(tls, bool) else tls
    if chosen.server_name is not None:
        options.append(("grpc.ssl_target_name_override", chosen.server_name))
    credentials = grpc.ssl_channel_credentials(
        _read(chosen.ca), _read(chosen.key), _read(chosen.cert)
    )
    return grpc.aio.secure_channel(address, credentials, options)


def metadata_with(token: str | None, address: str, *, is_encrypted: bool) -> Metadata:
    """What each call carries.

    Raises:
        ValueError: the token would cross a network unencrypted, or has characters that no header
            can carry.
    """
    if token is None:
        return ()
    if not (token.isascii() and token.isprintable()) or token != token.strip():
        raise ValueError("the token has characters that cannot be sent, such as the end of a line")
    if not is_encrypted and not is_loopback(address):
        raise ValueError(
            f"a token is not sent to {address} without encryption; pass tls=True, or tls=TLS(...)"
        )
    return (("authorization", f"Bearer {token}"),)


def is_loopback(address: str) -> bool:
    """Whether an address is on this machine."""
    if address.startswith("unix:"):
        return True
    host = address.removeprefix("dns:///").rpartition(":")[0].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(path: str | Path | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


def checked_address(address: str) -> str:
    """The address, if it can be one.

    Raises:
        ValueError: it has no port.
    """
    host, _, port = address.rpartition(":")
    is_one_host = bool(host) and (":" not in host or host.startswith(("[", "dns:")))
    if address.startswith("unix:") or (is_one_host and port.isdigit() and int(port) <= 65535):
        return address
    raise ValueError(f"{address!r} is not an address; write host:port, such as 127.0.0.1:50051")

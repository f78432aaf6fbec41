"""Where the client connects to, how that is secured, and what each call carries."""

import asyncio
import math
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from flashsale import TLS, AsyncClient, Client, ConnectionFailed, OutcomeUnknown, Retries
from flashsale.channel import is_loopback

from tests.client_sdk.scripted_server import scripted

ONCE = Retries(attempts=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate and its key, as files."""

    cert: Path
    key: Path

    @property
    def pair(self) -> tuple[bytes, bytes]:
        return self.key.read_bytes(), self.cert.read_bytes()


def certificate(folder: Path, name: str) -> Certificate:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    made = Certificate(folder / f"{name}.crt", folder / f"{name}.key")
    subject = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(made.key), "-out", str(made.cert)]
    subprocess.run(
        [openssl, "req", "-x509", *kind, *subject, *files], check=True, capture_output=True
    )
    return made


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("shop"), "shop.example")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("stranger"), "shop.example")


async def test_a_token_goes_with_every_call() -> None:
    async with scripted() as (address, server), AsyncClient(address, token="s3cret") as client:
        await client.purchase("ann")
        await client.status()
        await anext(client.watch_status())
    assert [call["authorization"] for call in server.metadata] == ["Bearer s3cret"] * 3


async def test_without_a_token_none_is_sent() -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        await client.purchase("ann")
    assert "authorization" not in server.metadata[0]


@pytest.mark.parametrize(
    "address", ["shop.example:443", "10.0.0.7:50051", "[2001:db8::1]:443", "localhost.example:443"]
)
@pytest.mark.parametrize("client", [AsyncClient, Client])
def test_a_token_never_crosses_a_network_in_the_clear(
    client: type[AsyncClient] | type[Client], address: str
) -> None:
    with pytest.raises(ValueError, match="without encryption"):
        client(address, token="s3cret")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:1",
        "127.9.9.9:1",
        "localhost:1",
        "[::1]:1",
        "unix:/tmp/sale",
        "dns:///localhost:1",
    ],
)
def test_a_token_may_stay_on_the_machine_in_the_clear(address: str) -> None:
    assert is_loopback(address)
    AsyncClient(address, token="s3cret")


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", ":50051", "host:port"])
def test_what_cannot_be_an_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        AsyncClient(address)


async def test_a_token_and_purchases_travel_encrypted(shop: Certificate) -> None:
    tls = TLS(ca=shop.cert, server_name="shop.example")
    async with (
        scripted(credentials=grpc.ssl_server_credentials([shop.pair])) as (address, server),
        AsyncClient(address, tls=tls, token="s3cret") as client,
    ):
        assert (await client.purchase("ann")).is_bought
    assert server.metadata[0]["authorization"] == "Bearer s3cret"


async def test_a_client_shows_its_own_certificate_where_it_is_asked_for(
    shop: Certificate, stranger: Certificate
) -> None:
    credentials = grpc.ssl_server_credentials(
        [shop.pair], root_certificates=stranger.cert.read_bytes(), require_client_auth=True
    )
    async with scripted(credentials=credentials) as (address, server):
        own = TLS(str(shop.cert), str(stranger.cert), str(stranger.key), "shop.example")
        async with AsyncClient(address, tls=own) as client:
            assert (await client.purchase("ann")).is_bought
        without = TLS(ca=shop.cert, server_name="shop.example")
        async with AsyncClient(address, tls=without, retries=ONCE) as client:
            with pytest.raises((ConnectionFailed, OutcomeUnknown)):
                await client.purchase("bob")
    assert [item.user_id for item in server.requests] == ["ann"]


@pytest.mark.parametrize("tls", [True, "of a stranger", "for another name"])
async def test_a_server_that_cannot_be_trusted_is_told_nothing(
    tls: bool | str, shop: Certificate, stranger: Certificate
) -> None:
    kinds: dict[bool | str, TLS | bool] = {
        True: True,
        "of a stranger": TLS(ca=stranger.cert, server_name="shop.example"),
        "for another name": TLS(ca=shop.cert, server_name="other.example"),
    }
    async with (
        scripted(credentials=grpc.ssl_server_credentials([shop.pair])) as (address, server),
        AsyncClient(address, tls=kinds[tls], token="s3cret", retries=ONCE) as client,
    ):
        with pytest.raises(ConnectionFailed) as failed:
            await client.purchase("ann")
    assert not isinstance(failed.value, OutcomeUnknown)
    assert server.metadata == []


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    async def call() -> None:
        async with AsyncClient("127.0.0.1:1", tls=TLS(ca=tmp_path / "none.crt")):
            pass

    with pytest.raises(FileNotFoundError, match=r"none\.crt"):
        asyncio.run(call())


async def test_a_client_connects_again_when_the_server_comes_back() -> None:
    retries = Retries(attempts=200, longest_seconds=0.1)
    async with scripted() as (address, _):
        client = AsyncClient(address, timeout=60.0, retries=retries)
        await client.purchase("ann")
    async with client, scripted(address=address) as (_, server):
        assert (await client.purchase("bob")).is_bought
    assert [item.user_id for item in server.requests] == ["bob"]


async def test_two_clients_of_one_server_have_a_connection_each() -> None:
    async with scripted() as (address, server):
        async with AsyncClient(address) as one, AsyncClient(address) as two:
            await asyncio.gather(one.purchase("ann"), two.purchase("bob"))
    assert [len(batch.requests) for batch in server.batches] == [1, 1]
    assert len(set(server.peers)) == 2


@pytest.mark.parametrize("token", ["abc\n", "a\r\nb", " abc", "\u00e9", "a\x00b"])
def test_a_token_that_no_header_can_carry_is_refused_at_once(token: str) -> None:
    for kind in (AsyncClient, Client):
        with pytest.raises(ValueError, match="characters that cannot be sent"):
            kind("127.0.0.1:50051", token=token)


async def test_a_time_limit_that_is_no_number_is_refused() -> None:
    async with scripted() as (address, _), AsyncClient(address) as client:
        for ask in (client.purchase("ann", timeout=math.nan), client.status(timeout=math.nan)):
            with pytest.raises(ValueError, match="number of seconds"):
                await ask

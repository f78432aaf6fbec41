"""TLS at both ports: who is trusted, and certificates that change while the server runs."""

import ssl
from pathlib import Path

import httpx
import pytest
from flashsale import TLS, AsyncClient, ConnectionFailed, OutcomeUnknown, Retries
from flashsale_server.access import Certificates, CertificatesUnusable
from flashsale_server.settings import Settings, SettingsInvalid

from tests.access.certificates import Certificate, certificate
from tests.servers import Running, running

ONCE = Retries(1)


@pytest.fixture
def shop(tmp_path: Path) -> Certificate:
    return certificate(tmp_path, "shop")


@pytest.fixture
def backend(tmp_path: Path) -> Certificate:
    return certificate(tmp_path, "backend")


def settings_of(shop: Certificate, client_ca: Path | None = None) -> dict[str, str]:
    named = {"tls_cert": str(shop.cert), "tls_key": str(shop.key)}
    return named | ({"tls_client_ca": str(client_ca)} if client_ca else {})


def sdk(server: Running, ca: Path, own: Certificate | None = None) -> AsyncClient:

    cert, key = (str(own.cert), str(own.key)) if own else (None, None)
    tls = TLS(str(ca), cert, key, "localhost")
    return AsyncClient(server.address, tls=tls, retries=ONCE)


def web(server: Running, ca: Path, own: Certificate | None = None) -> httpx.AsyncClient:
    context = ssl.create_default_context(cafile=ca)
    if own is not None:
        context.load_cert_chain(own.cert, own.key)
    url = f"https://127.0.0.1:{server.server.http_port}"
    return httpx.AsyncClient(base_url=url, verify=context)


async def test_purchases_travel_encrypted_at_both_ports(shop: Certificate) -> None:
    async with running(None, **settings_of(shop)) as server:
        async with sdk(server, shop.cert) as client:
            assert (await client.purchase("ann")).is_bought
        async with web(server, shop.cert) as browser:
            answer = await browser.post("/flash-sale/purchase", json={"userId": "bob"})
            assert answer.json()["outcome"] == "OUTCOME_PURCHASED"


async def test_who_does_not_speak_tls_gets_no_answer(shop: Certificate) -> None:
    async with running(None, **settings_of(shop)) as server:
        async with AsyncClient(server.address, retries=ONCE, timeout=5) as client:
            with pytest.raises((ConnectionFailed, OutcomeUnknown)):
                await client.purchase("ann")
        async with httpx.AsyncClient(base_url=server.url) as browser:
            with pytest.raises(httpx.TransportError):
                await browser.get("/flash-sale/status")
        async with sdk(server, shop.cert) as client:
            assert not (await client.get_purchase("ann")).purchased


async def test_clients_show_their_own_certificate_where_it_is_asked_for(
    shop: Certificate, backend: Certificate, tmp_path: Path
) -> None:
    stranger = certificate(tmp_path, "stranger")
    async with running(None, **settings_of(shop, backend.cert)) as server:
        async with sdk(server, shop.cert, backend) as client:
            assert (await client.purchase("ann")).is_bought
        async with web(server, shop.cert, backend) as browser:
            assert (await browser.get("/flash-sale/status")).status_code == 200
        for nobody in (None, stranger):
            async with sdk(server, shop.cert, nobody) as client:
                with pytest.raises((ConnectionFailed, OutcomeUnknown)):
                    await client.purchase("bob")
            async with web(server, shop.cert, nobody) as browser:
                with pytest.raises(httpx.TransportError):
                    await browser.get("/flash-sale/status")


async def test_changed_certificates_count_for_the_next_connection(
    shop: Certificate, tmp_path: Path
) -> None:
    renewed = certificate(tmp_path, "renewed")
    async with running(None, **settings_of(shop)) as server:
        old = Certificate(tmp_path / "old.crt", tmp_path / "old.key")
        old.cert.write_bytes(shop.cert.read_bytes())
        async with sdk(server, old.cert) as connected, web(server, old.cert) as open_browser:
            assert (await connected.purchase("ann")).is_bought
            assert (await open_browser.get("/flash-sale/status")).status_code == 200
            shop.become(renewed)
            async with sdk(server, renewed.cert) as client, web(server, renewed.cert) as browser:
                assert (await client.purchase("bob")).is_bought
                assert (await browser.get("/flash-sale/status")).status_code == 200
            async with web(server, old.cert) as browser:
                with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                    await browser.get("/flash-sale/status")
            # Who was connected before still is.
            assert (await connected.purchase("cid")).is_bought
            assert (await open_browser.get("/flash-sale/status")).status_code == 200


async def test_whose_certificates_are_trusted_may_change_too(
    shop: Certificate, backend: Certificate, tmp_path: Path
) -> None:
    successor = certificate(tmp_path, "successor")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(backend.cert.read_bytes())
    async with running(None, **settings_of(shop, trusted)) as server:
        async with web(server, shop.cert, backend) as browser:
            assert (await browser.get("/flash-sale/status")).status_code == 200
        trusted.write_bytes(successor.cert.read_bytes() + b"\n")
        for own, is_welcome in ((successor, True), (backend, False)):
            async with web(server, shop.cert, own) as browser:
                if is_welcome:
                    assert (await browser.get("/flash-sale/status")).status_code == 200
                else:
                    with pytest.raises(httpx.TransportError):
                        await browser.get("/flash-sale/status")
            async with sdk(server, shop.cert, own) as client:
                if is_welcome:
                    assert (await client.status()).sale_id == "default"
                else:
                    with pytest.raises(ConnectionFailed):
                        await client.status()


async def test_what_cannot_be_used_changes_nothing(
    shop: Certificate, capsys: pytest.CaptureFixture[str]
) -> None:
    good = shop.cert.read_bytes()
    ca = shop.cert.with_name("known.crt")
    ca.write_bytes(good)
    async with running(None, **settings_of(shop)) as server:
        shop.cert.write_text("this is no certificate")
        for _ in range(2):
            async with web(server, ca) as browser, sdk(server, ca) as client:
                assert (await browser.get("/flash-sale/status")).status_code == 200
                assert (await client.status()).sale_id == "default"
        shop.cert.unlink()
        async with web(server, ca) as browser:
            assert (await browser.get("/flash-sale/status")).status_code == 200
    assert "the changed certificates cannot be used" in capsys.readouterr().out


def test_files_that_cannot_be_used_are_named(
    shop: Certificate, backend: Certificate, tmp_path: Path
) -> None:
    with pytest.raises(CertificatesUnusable, match=r"none\.crt: No such file"):
        Certificates(tmp_path / "none.crt", shop.key)
    with pytest.raises(CertificatesUnusable, match=r"shop\.crt and .*backend\.key are no"):
        Certificates(shop.cert, backend.key)
    with pytest.raises(CertificatesUnusable, match=r"shop\.key has no certificates to trust"):
        Certificates(shop.cert, shop.key, shop.key)


def test_settings_that_lack_their_other_half_are_refused() -> None:
    with pytest.raises(SettingsInvalid, match="both --tls-cert and --tls-key"):
        Settings.read({"tls_cert": "shop.crt"}, {})
    with pytest.raises(SettingsInvalid, match="--tls-client-ca is of no use without"):
        Settings.read({"tls_client_ca": "roots.pem"}, {})

"""`flash-sale health`, as probes and people run it."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.access.certificates import certificate
from tests.checkout.troubled_ledger import Fate, TroubledLedger
from tests.cli.running import flash_sale
from tests.servers import running, server_process


async def health_of(address: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(flash_sale, "health", "--address", address, *options)


async def test_a_server_that_sells_is_healthy() -> None:
    async with running() as shop:
        done = await health_of(shop.address)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert lines[0] == "healthy"
        assert f"node     {shop.server.node}" in lines
        assert "queue    0 of 10,000" in lines
        assert "circuit  closed" in lines
        assert "ledger   memory:" in lines


async def test_a_server_that_cannot_sell_exits_with_1_and_says_why() -> None:
    ledger = TroubledLedger()
    async with running(ledger, breaker_failures="1") as shop:
        ledger.order(Fate.REJECTED)
        bought = await asyncio.to_thread(flash_sale, "buy", "ann", "--address", shop.address)
        assert bought.returncode == 1
        done = await health_of(shop.address)
        assert done.returncode == 1
        assert done.stdout.startswith("unhealthy\n  the circuit is open for ")
        assert "circuit  open" in done.stdout
        ledger.go_on()


async def test_a_server_that_is_about_to_stop_exits_with_1() -> None:
    async with running() as shop:
        await shop.server.drain()
        done = await health_of(shop.address)
        assert (done.returncode, done.stdout.splitlines()[1]) == (
            1,
            "  the server is about to stop",
        )


def test_nobody_there_is_one_sentence() -> None:
    done = flash_sale("health", "--address", "127.0.0.1:1", "--timeout", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("flash-sale: ")
    assert done.stderr.count("\n") == 1


async def test_a_probe_on_loopback_knows_the_certificate_by_another_name(tmp_path: Path) -> None:
    shop_certificate = certificate(tmp_path, "shop", "sale.example")
    cert, key = str(shop_certificate.cert), str(shop_certificate.key)
    async with running(tls_cert=cert, tls_key=key) as shop:
        ca = ("--ca", str(shop_certificate.cert))
        named = await health_of(shop.address, *ca, "--server-name", "sale.example")
        assert named.returncode == 0, named.stderr
        misnamed = await health_of(
            shop.address, *ca, "--server-name", "other.example", "--timeout", "1"
        )
        assert misnamed.returncode == 1


def test_a_probe_can_wait_for_a_server_that_starts(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        address = server.address
        assert server.terminate() == 0
    with subprocess.Popen(
        [sys.executable, "-m", "flashsale_server", "health", "--address", address, "--wait", "60"],
        stdout=subprocess.PIPE,
        text=True,
    ) as waiting:
        with server_process(tmp_path, "--grpc-address", address):
            out, _ = waiting.communicate(timeout=60)
    assert (waiting.returncode, out.splitlines()[0]) == (0, "healthy")


def test_a_probe_that_has_waited_says_what_was_wrong() -> None:
    done = flash_sale("health", "--address", "127.0.0.1:1", "--wait", "0.5", "--timeout", "0.5")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1

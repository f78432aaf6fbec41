"""A real Prometheus reads a server as deploy/ has it: it alerts, and the dashboard has data."""

import asyncio
import contextlib
import json
import re
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import yaml
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale_server.domain import Entry

from tests.checkout.faulty_ledger import append_elsewhere
from tests.checkout.troubled_ledger import TroubledLedger
from tests.servers import Running, running
from tests.telemetry.test_rules_and_dashboard import DASHBOARDS, PROMETHEUS, queries_in

pytestmark = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="prometheus is not installed"
)

# What has data only in some state of a server, or of what is not there in this test.
MAY_BE_EMPTY = re.compile(r"ALERTS|> 0|ledger_|grpc_code!=|histogram_quantile|batch_decisions")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@contextlib.asynccontextmanager
async def prometheus_of(shop: Running, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A Prometheus that reads `shop` every second, by the configuration in deploy/."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = config["scrape_configs"]
    del job["authorization"]
    job["static_configs"] = [{"targets": [shop.url.removeprefix("http://")]}]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(PROMETHEUS / "alerts.yaml", folder)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1/") as client:
            yield client
    finally:
        process.kill()
        await process.wait()


async def asked(client: httpx.AsyncClient, expression: str) -> list[dict[str, Any]]:
    """What an expression comes to now; nothing while Prometheus has yet to start."""
    try:
        answer = await client.get("query", params={"query": expression})
    except httpx.TransportError:
        return []
    if answer.status_code == 503:
        return []
    document: dict[str, Any] = answer.json()
    assert document["status"] == "success", f"{expression}: {document['error']}"
    result: list[dict[str, Any]] = document["data"]["result"]
    return result


async def until(client: httpx.AsyncClient, expression: str) -> list[dict[str, Any]]:
    """What an expression comes to, once it comes to anything."""
    async with asyncio.timeout(60):
        # Nobody tells when Prometheus has read the next time.
        while not (result := await asked(client, expression)):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return result


async def test_every_panel_of_the_dashboard_has_data(tmp_path: Path) -> None:
    async with running() as shop, prometheus_of(shop, tmp_path) as client:
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        async with httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
            await web.get("/flash-sale/status")
        bought = await until(client, 'rate(flash_sale_purchases_total{outcome="purchased"}[1m])')
        assert bought[0]["metric"]["sale"] == "default"
        for query in queries_in([json.loads(path.read_text()) for path in DASHBOARDS]):
            expression = query.replace("$__rate_interval", "1m")
            expression = re.sub(r"\$(job|instance|sale)\b", ".+", expression)
            found = await asked(client, expression)
            assert found or MAY_BE_EMPTY.search(query), query


async def test_a_lane_that_stops_is_an_alert(tmp_path: Path) -> None:
    ledger = TroubledLedger()
    async with running(ledger) as shop, prometheus_of(shop, tmp_path) as client:
        await until(client, "flash_sale_lanes_stopped == 0")
        await append_elsewhere(ledger, Entry("of a later version"), sale_id="default")
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.stub.Status(pb.StatusRequest())
        fired = await until(client, 'ALERTS{alertstate="firing"}')
        groups = (await client.get("rules")).json()["data"]["groups"]
    assert [alert["metric"]["alertname"] for alert in fired] == ["FlashSaleLaneStopped"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}

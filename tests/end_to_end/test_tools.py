"""The tools that people bring: grpcurl, ghz and curl, against a server of its own process.

Tests whose tool is not on the machine say so and are skipped.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import ServerProcess, server_process

SERVICE = "flashsale.v1.FlashSaleService"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process(tmp_path) as running:
        yield running


def tool(name: str) -> str:
    path = shutil.which(name, path=f"{ROOT / '.tools'}:{os.environ['PATH']}")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def output_of(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def curl(*arguments: str) -> Any:
    return json.loads(output_of(tool("curl"), "-s", *arguments))


def test_grpcurl_lists_and_describes_and_buys(server: ServerProcess) -> None:
    grpcurl = tool("grpcurl")
    listed = output_of(grpcurl, "-plaintext", server.address, "list").split()
    assert set(listed) >= {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"}
    described = output_of(grpcurl, "-plaintext", server.address, "describe", SERVICE)
    assert "rpc Purchase" in described
    body = '{"user_id": "alice"}'
    method = f"{SERVICE}/Purchase"
    answer = json.loads(output_of(grpcurl, "-plaintext", "-d", body, server.address, method))
    assert answer["outcome"] == "OUTCOME_PURCHASED"
    assert "alice" in answer["purchase"].values()


def test_ghz_sells_exactly_what_there_is_to_ten_thousand_users(server: ServerProcess) -> None:
    report = json.loads(
        output_of(
            tool("ghz"),
            "--insecure",
            "--call",
            f"{SERVICE}.Purchase",
            *("-n", "10000", "-c", "100", "-O", "json"),
            *("-d", '{"user_id": "user-{{.RequestNumber}}"}'),
            server.address,
        )
    )
    assert report["statusCodeDistribution"] == {"OK": 10_000}
    status = curl(f"{server.url}/flash-sale/status")
    assert (status["soldStock"], status["availableStock"]) == (100, 0)


def test_the_curl_calls_of_the_readme_work_as_typed(server: ServerProcess) -> None:
    readme = (ROOT / "README.md").read_text()
    lines = [line[2:] for line in readme.splitlines() if line.startswith("$ curl ")]
    calls = [line for line in lines if "status:watch" not in line]
    assert len(calls) == 5
    answers = []
    for call in calls:
        command = call.replace("http://127.0.0.1:8080", server.url).replace("curl", "curl -s", 1)
        answers.append(json.loads(output_of("sh", "-c", command)))
    status, purchase, found, metrics, health = answers
    assert status["state"] == "SALE_STATE_LIVE"
    assert purchase["outcome"] == "OUTCOME_PURCHASED"
    assert found["purchased"] is True
    assert metrics["attempts"] == "1"
    assert health["health"] == "SYSTEM_HEALTH_HEALTHY"


def test_the_sdk_example_of_the_readme_works_as_typed(server: ServerProcess) -> None:
    readme = (ROOT / "README.md").read_text()
    (example,) = [part.split("```")[0] for part in readme.split("```python\n")[1:]]
    printed = output_of(sys.executable, "-c", example.replace("127.0.0.1:50051", server.address))
    assert printed.startswith("got it: ")
    assert "99 left" in printed


def test_the_grpcurl_calls_of_the_readme_work_as_typed(server: ServerProcess) -> None:
    tool("grpcurl")
    readme = (ROOT / "README.md").read_text()
    calls = [line[2:] for line in readme.splitlines() if line.startswith("$ grpcurl ")]
    assert len(calls) == 3
    for call in calls:
        command = call.replace("127.0.0.1:50051", server.address)
        output_of("sh", "-c", command.replace("grpcurl", tool("grpcurl"), 1))

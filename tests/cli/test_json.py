"""`--json` of the commands that show something: what the HTTP API says, line by line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.cli.running import flash_sale
from tests.servers import ServerProcess, server_process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    flags = ("--stock", "5", "--hold-seconds", "600", "--ends-at", "2099-01-01T00:00:00.25Z")
    with server_process(tmp_path_factory.mktemp("shop"), *flags) as running:
        yield running


def printed(server: ServerProcess, *command: str) -> list[Any]:
    """What a command printed, each line of which is one object."""
    done = flash_sale(*command, "--json", "--address", server.address)
    assert done.returncode in (0, 2), done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def asked(server: ServerProcess, path: str) -> Any:
    return httpx.get(f"{server.url}{path}").json()


def test_it_is_what_the_http_api_says(server: ServerProcess) -> None:
    (bought,) = printed(server, "buy", "ann", "--request-id", "order-1")
    body = {"userId": "ann", "requestId": "order-1"}
    again = httpx.post(f"{server.url}/flash-sale/purchase", json=body).json()
    assert {**bought, "replayed": True} == again
    assert bought["outcome"] == "OUTCOME_HELD"

    (status,) = printed(server, "status")
    assert {**asked(server, "/flash-sale/status"), "serverTime": status["serverTime"]} == status
    assert (status["endTime"], status["holdDuration"]) == ("2099-01-01T00:00:00.250Z", "600s")

    flash_sale("sale", "create", "hats", "--stock", "2", "--address", server.address)
    assert printed(server, "sale", "list") == asked(server, "/v1/sales")["sales"]

    listed = asked(server, "/v1/sales/default/purchases")["purchases"]
    assert printed(server, "purchases", "list") == listed


def test_a_refusal_is_json_and_exits_with_2(server: ServerProcess) -> None:
    (once,) = printed(server, "buy", "cid")
    done = flash_sale("buy", "cid", "--json", "--address", server.address)
    refused = json.loads(done.stdout)
    assert (done.returncode, refused["outcome"]) == (2, "OUTCOME_ALREADY_PURCHASED")
    assert refused["purchase"] == once["purchase"]


def test_a_list_that_was_cut_short_says_so_apart(server: ServerProcess) -> None:
    flash_sale("buy", "dan", "--address", server.address)
    flash_sale("buy", "eve", "--address", server.address)
    at = ("purchases", "list", "--limit", "1", "--json", "--address", server.address)
    done = flash_sale(*at)
    assert len(done.stdout.splitlines()) == 1
    assert "There are more than 1" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("status", "--json"),
        ("sale", "list"),
        ("purchases", "list", "--json"),
        ("purchases", "export"),
        ("buy", "ann", "--json"),
        ("rush", "--users", "3"),
    ],
    ids=" ".join,
)
def test_a_command_ends_quietly_when_nobody_reads(
    server: ServerProcess, command: tuple[str, ...]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "flashsale_server", *command, "--address", server.address],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.stderr == ""


def test_an_error_is_no_json(server: ServerProcess) -> None:
    done = flash_sale("status", "--sale", "nope", "--json", "--address", server.address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("flash-sale: ")

"""The commands that talk to a running server, run as people run them."""

from pathlib import Path

import pytest

from tests.cli.running import flash_sale
from tests.servers import server_process


def test_status_and_buying(tmp_path: Path) -> None:
    with server_process(tmp_path, "--stock", "1", "--title", "One bicycle") as server:
        at = ("--address", server.address)
        status = flash_sale("status", *at)
        assert status.returncode == 0
        assert "default: One bicycle" in status.stdout
        assert "available  1 of 1" in status.stdout
        bought = flash_sale("buy", "ann", "--request-id", "r-1", *at)
        assert bought.returncode == 0
        assert bought.stdout.startswith("purchased: 1 for ann, purchase ")
        again = flash_sale("buy", "ann", "--request-id", "r-1", *at)
        assert again.stdout.startswith("purchased already, before: 1 for ann")
        refused = flash_sale("buy", "bob", *at)
        assert refused.returncode == 2
        assert refused.stdout.startswith("sold out")


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("buy", "ann"),
        ("rush", "--users", "5"),
        ("confirm", "ann", "p-1"),
        ("release", "ann", "p-1"),
        ("sale", "list"),
        ("sale", "create", "shoes", "--stock", "1"),
        ("purchases", "list"),
    ],
)
def test_a_server_that_is_not_there_is_one_clear_sentence(command: tuple[str, ...]) -> None:
    done = flash_sale(*command, "--address", "127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.startswith("flash-sale: ")
    assert "Traceback" not in done.stderr


def test_a_bad_address_is_one_clear_sentence() -> None:
    done = flash_sale("status", "--address", "nowhere")
    assert done.returncode == 1
    assert "host:port" in done.stderr
    assert "Traceback" not in done.stderr

"""`flash-sale token create`, and a server that asks for what it made."""

import re
from pathlib import Path

from flashsale import Client

from tests.cli.running import flash_sale
from tests.servers import server_process


def test_a_token_that_was_made_opens_a_server_that_has_its_line(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    made = [
        flash_sale("token", "create", "--role", role, "--name", name, "--tokens", str(file))
        for role, name in (("buyer", "shop backend"), ("admin", "operator"))
    ]
    buyer, admin = (done.stdout.strip() for done in made)
    assert all(re.fullmatch(r"flashsale_[\w-]{43}", token) for token in (buyer, admin))
    assert "not shown again" in made[0].stderr
    lines = file.read_text().splitlines()
    assert [line.rpartition(":")[0] for line in lines] == ["buyer:shop backend", "admin:operator"]
    assert buyer not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    with server_process(tmp_path, "--tokens", str(file)) as server:
        at = ("--address", server.address)
        with Client(server.address, token=buyer) as client:
            assert client.purchase("ann").is_bought
        nobody = flash_sale("status", *at)
        assert (nobody.returncode, nobody.stderr.count("UNAUTHENTICATED")) == (1, 1)
        refused = flash_sale("sale", "pause", "default", *at, FLASH_SALE_TOKEN=buyer)
        assert (refused.returncode, refused.stderr.count("PERMISSION_DENIED")) == (1, 1)
        paused = flash_sale("sale", "pause", "default", *at, FLASH_SALE_TOKEN=admin)
        assert paused.returncode == 0, paused.stderr
        sold = flash_sale("purchases", "export", *at, FLASH_SALE_TOKEN=admin)
        assert sold.stdout.count("ann") == 1


def test_without_a_file_the_line_is_told(tmp_path: Path) -> None:
    done = flash_sale("token", "create", "--role", "metrics", "--name", "dashboard")
    assert re.search(r"metrics:dashboard:[0-9a-f]{64}", done.stderr)


def test_what_cannot_be_made_is_told(tmp_path: Path) -> None:
    for arguments in (
        ("--role", "clerk", "--name", "x"),
        ("--role", "buyer", "--name", "a:b"),
        ("--role", "buyer", "--name", "x", "--tokens", str(tmp_path / "none" / "tokens")),
    ):
        done = flash_sale("token", "create", *arguments)
        assert done.returncode != 0
        assert not done.stdout


def test_a_server_names_a_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("secret-token-in-the-wrong-place")
    for name, told in (("tokens", "line 1 of the tokens"), ("none", "No such file")):
        done = flash_sale("serve", "--ledger", "memory:", "--tokens", str(tmp_path / name))
        assert done.returncode == 1
        assert told in done.stderr
        assert "secret" not in done.stderr

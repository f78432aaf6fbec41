"""Completion, as bash asks for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flashsale import Client

from tests.servers import server_process

ASK = """
source completion.bash
COMP_WORDS=({words})
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
_flash_sale_completion flash-sale
echo "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder with `flash-sale` as it is installed, and what it gives bash to complete it."""
    program = tmp_path / "flash-sale"
    program.write_text(f"#!{sys.executable}\nfrom flashsale_server.cli import main\n\nmain()\n")
    program.chmod(0o755)
    script = subprocess.run(
        [program, "--show-completion", "bash"], capture_output=True, text=True, check=True
    )
    (tmp_path / "completion.bash").write_text(script.stdout)
    return tmp_path


def offered(shell: Path, words: str, **environment: str) -> list[str]:
    """What bash offers where these words were typed and Tab was pressed."""
    path = f"{shell}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", ASK.format(words=words)],
        cwd=shell,
        env=os.environ | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_commands_and_options_are_completed(shell: Path) -> None:
    assert offered(shell, "flash-sale wat") == ["watch"]
    assert "--json" in offered(shell, "flash-sale watch --j")


def test_the_ids_of_sales_are_those_of_the_server(shell: Path, tmp_path: Path) -> None:
    with server_process(tmp_path) as server, Client(server.address) as client:
        for sale_id in ("shoes", "shirts", "hats"):
            client.admin.create_sale(sale_id, total_stock=1)
        at = f"--address {server.address}"
        assert offered(shell, f"flash-sale watch {at} --sale sh") == ["shirts", "shoes"]
        assert offered(shell, f"flash-sale sale pause {at} h") == ["hats"]
        here = {"FLASH_SALE_GRPC_ADDRESS": server.address}
        assert offered(shell, "flash-sale buy ann --sale d", **here) == ["default"]


def test_nothing_is_offered_or_said_where_no_server_answers(shell: Path) -> None:
    assert offered(shell, "flash-sale watch --address 127.0.0.1:1 --sale s") == []
    assert offered(shell, "flash-sale watch --address nowhere --sale s") == []

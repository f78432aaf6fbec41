"""The examples of docs/examples.md do what the page says: each is run at a real server."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flashsale import Client

from tests.cli.running import flash_sale
from tests.servers import ServerProcess, server_process

PAGE = (Path(__file__).parents[2] / "docs" / "examples.md").read_text()
BLOCKS = re.compile(
    r"^## (?P<title>.+?)\n.*?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
SECTIONS = {match["title"]: (match["kind"], match["text"]) for match in BLOCKS.finditer(PAGE)}

# What each program prints, in the page's order: they work on one shop.
PRINTED = {
    "Run a sale": r"shoes LIVE 150 of 150\n",
    "Buy": r"bought at position 2\n",
    "Hold, pay, confirm": r"confirmed: \S+\n",
    "List what there is": r"default LIVE 99 left\n  2 alice 1\nshoes LIVE 149 left\n  \d+ bob 1\n",
    "Follow a sale": r"1 OPENED  100\n2 UPDATED  0\n3 RESTOCKED  50\n4 HELD bob -1\n"
    r"5 CONFIRMED bob 0\n6 ENDED  0\n",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("examples")
    with server_process(folder, "--per-user-limit", "2") as running:
        yield running


def test_every_example_of_the_page_is_run_here() -> None:
    programs = [title for title, (kind, _) in SECTIONS.items() if kind == "python"]
    assert programs == list(PRINTED)
    assert PAGE.count("```python") == len(programs)
    assert PAGE.count("```console") == 1


def test_each_program_prints_what_it_should(server: ServerProcess, tmp_path: Path) -> None:
    for title, printed in PRINTED.items():
        program = tmp_path / "example.py"
        program.write_text(SECTIONS[title][1].replace("127.0.0.1:50051", server.address))
        if title == "Follow a sale":
            with Client(server.address) as client:
                client.admin.end_sale("shoes")
        done = subprocess.run(
            [sys.executable, str(program)], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{title}: {done.stderr}"
        assert re.fullmatch(printed, done.stdout), f"{title}: {done.stdout}"


def test_each_command_does_what_it_should(server: ServerProcess) -> None:
    _, text = SECTIONS["From a terminal"]
    commands = [shlex.split(line.removeprefix("$ ")) for line in text.splitlines()]
    for program, *arguments in commands:
        assert program == "flash-sale"
        done = flash_sale(*arguments, FLASH_SALE_GRPC_ADDRESS=server.address)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
    with Client(server.address) as client:
        hats = client.admin.get_sale("hats")
    assert (hats.state, hats.total_stock, hats.held_stock) == ("ENDED", 50, 1)

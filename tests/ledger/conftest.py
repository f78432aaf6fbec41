"""Ledgers to test, and processes that open them."""

import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import flashsale_server
import pytest
from flashsale_server.ledger import Ledger, open_ledger
from flashsale_server.ledger.sqlite import SqliteLedger

ENGINES = ("memory:", "sqlite:///{path}", "sqlite:///{path}?shared=1")

Child = Callable[[str, str], subprocess.Popen[str]]


def names(folder: Path) -> set[str]:
    """What is in `folder`."""
    return {entry.name for entry in folder.iterdir()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a ledger file may be made."""
    return tmp_path / "flash-sale.db"


@pytest.fixture(params=ENGINES, ids=["memory", "sqlite-owned", "sqlite-shared"])
async def ledger(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Ledger]:
    """A new ledger of each engine."""
    ledger = await open_ledger(request.param.format(path=path), node="node-a")
    yield ledger
    await ledger.close()


@pytest.fixture(params=[False, True], ids=["owned", "shared"])
async def sqlite_ledger(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[SqliteLedger]:
    """A new ledger in a SQLite file, owned or shared."""
    ledger = await SqliteLedger.open(path, node="node-a", shared=request.param)
    yield ledger
    await ledger.close()


@pytest.fixture
def child() -> Iterator[Child]:
    """Starts `ledger_child.py COMMAND URL`; what still runs when the test ends is killed."""
    script = Path(__file__).with_name("ledger_child.py")
    imports_from = Path(flashsale_server.__file__).parents[1]

    with contextlib.ExitStack() as children:

        def start(command: str, url: str) -> subprocess.Popen[str]:
            child = subprocess.Popen(
                [sys.executable, str(script), command, url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={"PYTHONPATH": str(imports_from)},
            )
            children.enter_context(child)
            children.callback(child.kill)
            return child

        yield start

"""The walls: what the domain may know, and what its door names."""

import ast
from pathlib import Path

from flashsale_server import domain

IMPURE = {"asyncio", "datetime", "grpc", "logging", "os", "pathlib", "random", "secrets", "socket"}
IMPURE |= {"sqlite3", "subprocess", "threading", "time", "uuid", "flashsale", "structlog"}


def test_the_domain_reads_no_clock_does_no_io_and_draws_no_random_numbers() -> None:
    for path in Path(domain.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names.append(node.module or "")
            for name in names:
                assert name.split(".")[0] not in IMPURE, f"{path.name} imports {name}"
                assert not name.startswith("flashsale_server.") or ".domain" in name


def test_what_the_domain_names_is_what_others_use() -> None:
    assert set(domain.__all__) == {
        name
        for name in vars(domain)
        if not name.startswith("_")
        and not hasattr(getattr(domain, name), "__path__")
        and type(getattr(domain, name)).__name__ != "module"
    }

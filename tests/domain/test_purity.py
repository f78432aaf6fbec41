"""The walls: what the domain may know, and what its door names."""

import ast
import sys
from pathlib import Path

import pytest
from flashsale_server import domain

MODULES = sorted(Path(domain.__file__).parent.glob("*.py"))
# Whatever is not here needs a reason: it must read no clock, do no I/O and draw no random number.
PURE = {
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "heapq",
    "itertools",
    "msgspec",
    "typing",
}
IMPURE_BUILTINS = {"open", "input", "print", "eval", "exec", "__import__", "id", "hash"}

DOOR = [
    "SCHEMA_VERSION",
    "STOCK_MAX",
    "Answer",
    "CancelCommand",
    "ChangeCommand",
    "ChangeOutcome",
    "CircuitBreaker",
    "CircuitState",
    "Command",
    "ConfirmCommand",
    "Decided",
    "Draft",
    "EndCommand",
    "Entry",
    "EntryDetail",
    "EntryKind",
    "Finding",
    "Inventory",
    "Mint",
    "Outcome",
    "PauseCommand",
    "Permit",
    "Purchase",
    "PurchaseCommand",
    "PurchaseState",
    "ReleaseCommand",
    "RestockCommand",
    "ResumeCommand",
    "ReusedRequestId",
    "Rule",
    "SaleAudit",
    "SaleState",
    "SaleTerms",
    "Transition",
    "TransitionCommand",
    "TransitionOutcome",
    "UnknownEntry",
    "UpdateCommand",
    "UserRateLimit",
    "next_due_us",
    "replayed_answer",
]


def imported_by(path: Path) -> list[str]:
    """The full names of the modules that a module imports, wherever in it."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name} imports relatively"
            names.append(node.module or "")
    return names


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) >= 8


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_domain_imports_what_is_pure_and_its_own_room(path: Path) -> None:
    for name in imported_by(path):
        is_own = name.startswith("flashsale_server.domain.")
        assert is_own or name.split(".")[0] in PURE, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_domain_calls_no_builtin_that_looks_outside(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    called = {call.func.id for call in calls if isinstance(call.func, ast.Name)}
    assert not called & IMPURE_BUILTINS


def test_what_is_pure_is_part_of_python_or_msgspec() -> None:
    assert PURE - {"msgspec"} <= sys.stdlib_module_names


def test_the_door_of_the_domain_is_pinned() -> None:
    assert domain.__all__ == DOOR


def test_everything_the_door_names_is_there() -> None:
    assert all(hasattr(domain, name) for name in DOOR)

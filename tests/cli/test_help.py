"""The help teaches by example: every command has examples, and the parser takes each of them."""

import shlex
from collections.abc import Iterator

import pytest
import typer
from flashsale_server.cli.commands import cli

from tests.cli.running import flash_sale

Path = tuple[str, ...]


def commands_of(group: typer.Typer, path: Path = ()) -> Iterator[Path]:
    """The path of every command."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield (*path, command.name or command.callback.__name__)
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands_of(inner.typer_instance, (*path, str(inner.typer_instance.info.name)))


COMMANDS = sorted(commands_of(cli))


def examples_of(text: str) -> list[str]:
    """The examples of a help page."""
    lines = [line.rstrip() for line in text.splitlines()]
    start = lines.index(" Examples:")
    return [line.strip() for line in lines[start + 1 : lines.index("", start)]]


def arguments_of(example: str) -> list[str]:
    """What the parser is given when an example is run."""
    words = shlex.split(example)
    while "=" in words[0]:
        words.pop(0)
    assert words.pop(0) == "flash-sale"
    return words[: words.index("|")] if "|" in words else words


def test_these_are_all_commands() -> None:
    assert len(COMMANDS) == 22
    assert ("sale", "restock") in COMMANDS
    assert ("watch",) in COMMANDS


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_teaches_by_examples_that_can_be_run(command: Path) -> None:
    done = flash_sale(*command, "--help", COLUMNS="80")
    assert done.returncode == 0, done.stderr
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    examples = examples_of(done.stdout)
    assert examples
    root = typer.main.get_command(cli)
    for example in examples:
        assert example.startswith("flash-sale") or "=" in example.split()[0], "it was wrapped"
        arguments = arguments_of(example)
        assert tuple(arguments[: len(command)]) == command
        context = root.make_context("flash-sale", list(arguments))
        for name in command:
            found = context.command.get_command(context, name)  # type: ignore[attr-defined]  # groups have it
            rest = arguments = arguments[1:]
            context = found.make_context(name, list(rest), parent=context)


def test_a_group_shows_its_commands() -> None:
    done = flash_sale("--help", COLUMNS="80")
    for name in {command[0] for command in COMMANDS}:
        assert f" {name} " in done.stdout

"""How the commands explain themselves: docstrings, made to read well in a terminal.

A docstring is wrapped where its source is; a paragraph of the help is one text, which the terminal
wraps where it has to. The paragraph "Examples:" stays line by line.
"""

import inspect
from typing import Final

import typer

EXAMPLES: Final = "Examples:"


def teach(commands: typer.Typer) -> None:
    """Have every command of these, and of the groups among them, explain itself."""
    for command in commands.registered_commands:
        command.help = "\n\n".join(
            text if text.startswith(EXAMPLES) else " ".join(text.split())
            for text in (inspect.getdoc(command.callback) or "").split("\n\n")
        )
    for group in commands.registered_groups:
        if group.typer_instance is not None:
            teach(group.typer_instance)

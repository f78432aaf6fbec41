"""`flash-sale token`: the bearer tokens that a server asks for."""

import os
from pathlib import Path
from typing import Annotated

import typer

from flashsale_server.access import Role, new_token
from flashsale_server.cli.connecting import fail

tokens = typer.Typer(
    name="token", help="Make the tokens that a server asks for.", no_args_is_help=True
)


@tokens.callback()
def _group() -> None:
    """Make the tokens that a server asks for."""


@tokens.command("create")
def create(
    role: Annotated[Role, typer.Option(help="What its bearer may ask.")],
    name: Annotated[str, typer.Option(help="Whose it is, for people.")],
    file: Annotated[
        Path | None,
        typer.Option("--tokens", metavar="FILE", help="Add its line to this file of a server."),
    ] = None,
) -> None:
    """Make a token. It is shown once; the server keeps its hash alone.

    Examples:
      flash-sale token create --role admin --name ops
      flash-sale token create --role buyer --name shop-backend --tokens tokens
    """
    try:
        token, kept = new_token(role, name)
        if file is not None:
            _add_line(file, str(kept))
    except ValueError as error:
        fail(f"--name: {error}")
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    typer.echo(token)
    what = f"its line is in {file}" if file else f"the line for the server's --tokens file: {kept}"
    typer.echo(f"It is not shown again; {what}", err=True)


def _add_line(file: Path, line: str) -> None:
    """Add a line to a file that its owner alone may read."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+", encoding="utf-8") as lines:
        before = lines.read()
        begin = "" if not before or before.endswith("\n") else "\n"
        lines.write(f"{begin}{line}\n")

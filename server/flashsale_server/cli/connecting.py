"""What the commands that talk to a server have in common: which it is, and what goes wrong.

Such a command is a coroutine function whose first argument is the server. `asks` makes it a command
with the options that say which server that is, and tells in one sentence what goes wrong.
"""

import asyncio
import functools
import inspect
import signal
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Concatenate, Final, NoReturn, ParamSpec

import typer
from flashsale import FlashSaleError

from flashsale_server.cli.completion import sale_ids
from flashsale_server.cli.server_options import Server

AS_THEY_ARE: Final = {"ignore_unknown_options": True}
"""For commands with arguments that may begin with "-": ids of purchases, and numbers."""

SaleName = Annotated[str, typer.Option(help="The sale.", autocompletion=sale_ids)]
SaleId = Annotated[
    str,
    typer.Argument(
        metavar="SALE", help='The sale: 1 to 63 of a-z, 0-9 and "-".', autocompletion=sale_ids
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print JSON, one object a line, and nothing else.")
]

_Arguments = ParamSpec("_Arguments")


def asks(
    command: Callable[Concatenate[Server, _Arguments], Coroutine[Any, Any, None]],
) -> Callable[..., None]:
    """The command that asks the server which its options name."""

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        server = Server(**{item.name: arguments.pop(item.name) for item in options})
        _run(command(server, **arguments))  # type: ignore[call-arg]  # what the signature says

    options = _options()
    own = list(inspect.signature(command).parameters.values())[1:]
    parameters = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in [*own, *options]]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # functions take any
    run.__annotations__ = {item.name: item.annotation for item in parameters}
    return run


def fail(*sentences: str) -> NoReturn:
    """Tell what is wrong, and exit with 1."""
    for sentence in sentences:
        typer.echo(f"flash-sale: {sentence}", err=True)
    raise typer.Exit(1)


def _options() -> list[inspect.Parameter]:
    own = list(inspect.signature(Server).parameters.values())
    return [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in own]


def _run(work: Coroutine[Any, Any, None]) -> None:
    import uvloop

    try:
        uvloop.run(_terminable(work))
    except FlashSaleError as error:
        fail(f"{error.message} ({error.reason})" if error.reason else error.message)
    except BrokenPipeError:
        raise  # nobody reads any more, and nobody is to be told
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ValueError, OverflowError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except asyncio.CancelledError:
        raise typer.Exit(143) from None


async def _terminable(work: Coroutine[Any, Any, None]) -> None:
    """Do the work; SIGTERM ends it as an interrupt does, so that a terminal is left as it was."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  # this runs in one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await work

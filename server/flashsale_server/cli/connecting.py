"""What the commands that talk to a server have in common: where it is, who asks, what goes wrong.

Such a command is a coroutine function whose first argument is the server. `asks` makes it a command
with the options that say which server that is, and tells in one sentence what goes wrong.
"""

import functools
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, Final, NoReturn, ParamSpec

import typer
from flashsale import TLS, AsyncClient, FlashSaleError
from flashsale.channel import is_loopback

from flashsale_server.settings import PREFIX

DEFAULT_ADDRESS: Final = "127.0.0.1:50051"

AS_THEY_ARE: Final = {"ignore_unknown_options": True}
"""For commands with arguments that may begin with "-": ids of purchases, and numbers."""

SaleName = Annotated[str, typer.Option(help="The sale.")]

_Arguments = ParamSpec("_Arguments")


@dataclass(frozen=True, slots=True)
class Server:
    """The server that a command talks to; the fields are the command's options."""

    address: Annotated[
        str,
        typer.Option(
            envvar=PREFIX + "GRPC_ADDRESS", help="The server's gRPC address.", show_envvar=False
        ),
    ] = DEFAULT_ADDRESS
    token: Annotated[
        str | None,
        typer.Option(
            envvar=PREFIX + "TOKEN",
            help="Says who asks. In the environment it is not seen by others on this machine.",
        ),
    ] = None
    tls: Annotated[
        bool, typer.Option("--tls", help="Encrypt, and trust the system's certificates.")
    ] = False
    ca: Annotated[
        str | None, typer.Option(metavar="FILE", help="Encrypt, and trust these certificates.")
    ] = None
    server_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Encrypt; the name in its certificate, not the address's."
        ),
    ] = None
    cert: Annotated[
        str | None, typer.Option(metavar="FILE", help="Your certificate, if the server asks.")
    ] = None
    key: Annotated[str | None, typer.Option(metavar="FILE", help="The key of --cert.")] = None

    def client(self, sale_id: str = "default", *, timeout: float = 10.0) -> AsyncClient:
        """A client of the server.

        Raises:
            ValueError: the options contradict each other.
        """
        if (self.cert is None) != (self.key is None):
            raise ValueError("--cert and --key go together")
        files = TLS(self.ca, self.cert, self.key, self.server_name)
        tls: TLS | bool = files if files != TLS() else self.tls
        if self.token and not tls and not is_loopback(self.address):
            raise ValueError(
                f"a token is not sent to {self.address} without encryption; add --tls or --ca FILE"
            )
        token = self.token or None
        return AsyncClient(self.address, sale_id=sale_id, timeout=timeout, token=token, tls=tls)


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
        uvloop.run(work)
    except FlashSaleError as error:
        fail(f"{error.message} ({error.reason})" if error.reason else error.message)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ValueError, OverflowError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None

"""The options that say which server a command talks to, and who asks."""

from dataclasses import dataclass
from typing import Annotated, Final

import typer
from flashsale import TLS, AsyncClient, Retries
from flashsale.channel import is_loopback

from flashsale_server.settings import PREFIX

DEFAULT_ADDRESS: Final = "127.0.0.1:50051"


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

    def client(
        self, sale_id: str = "default", *, timeout: float = 10.0, retries: Retries | None = None
    ) -> AsyncClient:
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
        return AsyncClient(
            self.address, sale_id=sale_id, timeout=timeout, token=token, tls=tls, retries=retries
        )

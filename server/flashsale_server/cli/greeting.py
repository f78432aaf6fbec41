"""What `serve` prints when it is ready: where it listens, the ledger, and what is left to sell."""

import typer

from flashsale_server.app import Server


def greet(server: Server) -> None:
    """Print where the server is and what it sells."""
    settings = server.settings
    sale = server.sale.inventory
    host = settings.grpc_address.rpartition(":")[0]
    web = settings.http_address.rpartition(":")[0]
    scheme = "https" if settings.tls_cert else "http"
    typer.echo(
        f"Flash Sale is open.\n"
        f"  gRPC    {host}:{server.grpc_port}\n"
        f"  HTTP    {scheme}://{web}:{server.http_port}  (/, /operator, /docs, /metrics)\n"
        f"  ledger  {server.ledger_location}\n"
        f"  sale    {server.sale.sale_id}: {sale.available_stock} of {sale.total_stock} left, "
        f"{server.sale_state.value.lower().replace('_', ' ')}"
    )

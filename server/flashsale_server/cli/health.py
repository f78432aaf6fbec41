"""`flash-sale health`: how a server is, in an exit code for probes and in lines for people."""

from collections.abc import Iterator
from typing import Annotated

import typer
from flashsale import Health, SystemHealth

from flashsale_server.cli.connecting import Server, asks


@asks
async def health(
    server: Server,
    timeout: Annotated[  # an option, not a cancel scope
        float, typer.Option(min=0.1, max=60, help="Seconds to wait for its answer.")
    ] = 5.0,
) -> None:
    """Show how the server is, and why it is not better.

    Exits with 0 when it sells (healthy or degraded), and with 1 when it cannot or does not answer.

    Example: flash-sale health --timeout 3
    """
    async with server.client(timeout=timeout) as client:
        seen = await client.health()
    for line in _lines(seen):
        typer.echo(line)
    if seen.health not in (SystemHealth.HEALTHY, SystemHealth.DEGRADED):
        raise typer.Exit(1)


def _lines(health: Health) -> Iterator[str]:
    yield health.health.value.lower()
    for reason in health.reasons:
        yield f"  {reason}"
    yield f"node     {health.node}"
    yield f"version  {health.version}, up {_whole_seconds(health)}"
    yield f"queue    {health.queue_length:,} of {health.queue_capacity:,}"
    yield f"circuit  {health.circuit_state.value.lower().replace('_', ' ')}"
    yield f"memory   {health.memory_bytes / 1e6:,.0f} MB"
    yield f"ledger   {health.ledger}"


def _whole_seconds(health: Health) -> str:
    return str(health.uptime).partition(".")[0]

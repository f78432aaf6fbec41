"""`flash-sale health`: how a server is, in an exit code for probes and in lines for people."""

import asyncio
import time
from collections.abc import Iterator
from typing import Annotated, Final

import typer
from flashsale import DeadlineExceeded, Health, SystemHealth, Unavailable

from flashsale_server.cli.connecting import asks
from flashsale_server.cli.server_options import Server

_PAUSE_SECONDS: Final = 0.2


@asks
async def health(
    server: Server,
    timeout: Annotated[  # an option, not a cancel scope
        float, typer.Option(min=0.1, max=60, help="Seconds to wait for its answer.")
    ] = 5.0,
    wait: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds in which it may become able to sell.")
    ] = 0.0,
) -> None:
    """Show how the server is, and why it is not better.

    Exits with 0 when it sells (healthy or degraded), and with 1 when it cannot or does not answer.

    Examples:
      flash-sale health
      flash-sale health --wait 30
    """
    until = time.monotonic() + wait
    while True:
        is_last = time.monotonic() >= until
        seen = await _seen(server, timeout, may_be_away=not is_last)
        if is_last or (seen is not None and _sells(seen)):
            break
        await asyncio.sleep(_PAUSE_SECONDS)
    if seen is not None:
        typer.echo("\n".join(_lines(seen)))
    if seen is None or not _sells(seen):
        raise typer.Exit(1)


async def _seen(server: Server, timeout: float, *, may_be_away: bool) -> Health | None:
    """How the server is; None when nobody is there, if that may be."""
    try:
        async with server.client(timeout=timeout) as client:
            return await client.health()
    except (Unavailable, DeadlineExceeded):
        if not may_be_away:
            raise
        return None


def _sells(health: Health) -> bool:
    return health.health in (SystemHealth.HEALTHY, SystemHealth.DEGRADED)


def _lines(health: Health) -> Iterator[str]:
    from flashsale_server.cli.views import in_words

    yield in_words(health.health.value)
    for reason in health.reasons:
        yield f"  {reason}"
    yield f"node     {health.node}"
    yield f"version  {health.version}, up {_whole_seconds(health)}"
    yield f"queue    {health.queue_length:,} of {health.queue_capacity:,}"
    yield f"circuit  {in_words(health.circuit_state.value)}"
    yield f"memory   {health.memory_bytes / 1e6:,.0f} MB"
    yield f"ledger   {health.ledger}"


def _whole_seconds(health: Health) -> str:
    return str(health.uptime).partition(".")[0]

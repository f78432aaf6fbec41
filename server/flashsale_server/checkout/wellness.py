"""How a server process is: one word, and the reasons for it.

Unhealthy means that it cannot sell now; degraded, that it sells but somebody should look.
"""

import enum
from dataclasses import dataclass

from flashsale_server.checkout.checkout import Checkout
from flashsale_server.domain import CircuitState


class SystemHealth(enum.StrEnum):
    """How a server process is."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    UNHEALTHY = "UNHEALTHY"


@dataclass(frozen=True, slots=True)
class Wellness:
    """How a server process is, and why it is not better."""

    health: SystemHealth
    reasons: tuple[str, ...]


def wellness_of(checkout: Checkout) -> Wellness:
    """How the process is that `checkout` runs in."""
    now = checkout.clock.monotonic()
    circuit = checkout.breaker.state_at(now)
    line = checkout.line
    grave: list[str] = []
    mild: list[str] = []
    if line.is_closed:
        grave.append("the server is about to stop")
    if circuit is CircuitState.OPEN:
        grave.append(f"the circuit is open for {checkout.breaker.wait_seconds(now):.1f} s more")
    if circuit is CircuitState.HALF_OPEN:
        mild.append("the circuit is half open: the ledger is being tried")
    if circuit is CircuitState.CLOSED and checkout.breaker.failed_in_a_row:
        mild.append(f"the last {checkout.breaker.failed_in_a_row} commits failed")
    if line.length >= line.capacity:
        grave.append("the queue is full")
    elif line.length >= 0.8 * line.capacity:
        mild.append("the queue is nearly full")
    mild.extend(str(lane.stopped) for lane in checkout.lanes if lane.stopped is not None)
    if grave:
        return Wellness(SystemHealth.UNHEALTHY, (*grave, *mild))
    return Wellness(SystemHealth.DEGRADED if mild else SystemHealth.HEALTHY, tuple(mild))

"""python -m bench.metering: what counting takes, step by step, in one process without a server.

The rows `metrics` and `metrics-unary` measure the whole, under load. Here each figure is the least
of many repeats, which others disturb the least. Durations are noted and sorted later, so whatever
adds them is repeated until they have been sorted once. Microseconds.
"""

import asyncio
import timeit
from collections.abc import Callable

from flashsale_server.checkout import (
    NOTED_MAX,
    Call,
    Checkout,
    Meters,
    MetricsHistory,
    RequestMeters,
    Watching,
)
from flashsale_server.domain import Answer, Outcome, PurchaseCommand, SaleTerms
from flashsale_server.ledger import open_ledger
from flashsale_server.telemetry import Shown
from flashsale_server.telemetry.text_format import text_of

REPEATS = 100


def least_us(step: Callable[[], object], times: int = 20) -> float:
    """What a step takes, undisturbed, on average of so many times in a row."""
    return min(timeit.repeat(step, number=times, repeat=REPEATS)) / times * 1e6


def settling_us(size: int) -> float:
    """What counting takes for each purchase of a batch."""
    meters = Meters()
    answers = [Answer(Outcome.PURCHASED) for _ in range(size)]
    calls = [
        Call("default", PurchaseCommand(f"u-{at}", f"r-{at}"), 1.0, None) for at in range(size)
    ]

    def settle() -> None:
        meters.attempts += size
        meters.batch_decided(size)
        meters.append.add(0.001)
        meters.answered_all(calls, answers, 1.002)

    return least_us(settle, NOTED_MAX) / size


def request_us() -> float:
    """What a door takes to count a call."""
    meter = RequestMeters()["unary", "flashsale.v1.FlashSaleService", "Purchase"]
    return least_us(lambda: meter.end(meter.begin(), 0), NOTED_MAX)


async def reading_us() -> tuple[float, float, int]:
    """What a sample of the history takes, and a page for Prometheus, which has so many lines."""
    checkout = Checkout(await open_ledger("memory:", node="bench"), node="bench")
    await checkout.open_sale("default", SaleTerms(), 100)
    calls, requests = RequestMeters(), RequestMeters()
    for method in range(10):
        calls["unary", "flashsale.v1.FlashSaleService", f"Method{method}"].started = 1
        requests["GET", f"/route/{method}"].end(0.0, 200)
    shown = Shown(checkout, Watching(checkout), "0", None, calls, requests)

    def page() -> str:
        return "".join(map(text_of, shown.metrics()))

    lines = page().count("\n")
    history = MetricsHistory(checkout)
    came_to = least_us(history.take_sample), least_us(page, 1), lines
    await checkout.drain(0)
    return came_to


def main() -> None:
    """Measure, and print."""
    for size in (1000, 250, 50, 1):
        print(f"settling a batch of {size:5}: {settling_us(size):8.3f} a purchase")
    print(f"a call at a door         : {request_us():8.3f}")
    sample, page, lines = asyncio.run(reading_us())
    print(f"a sample, once a second  : {sample:8.1f}")
    print(f"a page of {lines:4} lines     : {page:8.1f}")


if __name__ == "__main__":
    main()

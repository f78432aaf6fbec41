"""Asking: the two shapes that every load of this folder has, whatever it speaks.

`keep_asking` is a closed loop: so many callers, each asking again as soon as it is answered, until
the time is over. `ask_once` is a rush: everybody asks at the same moment, once.
"""

import asyncio
import gc
import resource
import time
from collections.abc import Awaitable, Callable

import uvloop

from bench.measured import Checks, Measured, percentiles
from bench.plan import Plan

Ask = Callable[[str], Awaitable[tuple[str, str]]]
"""Asks for a user, and returns the outcome and the purchase's id, "" where there is none."""


async def keep_asking(ask: Ask, plan: Plan) -> Measured:
    """Have `plan.callers` ask again and again, each time for a new user."""
    checks = Checks(plan.outcome, keeps=plan.keeps)
    latencies: list[float] = []
    ends: list[float] = []
    clock = time.perf_counter
    start = clock()
    begin = start + plan.warmup_seconds
    end = begin + plan.seconds
    cpu = [0.0, 0.0]

    async def caller(number: int) -> None:
        asked = 0
        while (before := clock()) < end:
            asked += 1
            checks.check(*await ask(f"{plan.name}-{number}-{asked}"))
            after = clock()
            ends.append(after)
            if begin <= after < end:
                latencies.append((after - before) * 1000)

    async def read_cpu(at: int, when: float) -> None:
        await asyncio.sleep(when - clock())
        cpu[at] = _cpu_seconds()

    await asyncio.gather(
        read_cpu(0, begin), read_cpu(1, end), *(caller(number) for number in range(plan.callers))
    )
    latency_ms, quantiles_ms = percentiles(latencies)
    timeline = [0] * (int((max(ends) - start) * 10) + 1)
    for when in ends:
        timeline[int((when - start) * 10)] += 1
    return Measured(
        answered=len(latencies),
        seconds=plan.seconds,
        cpu_seconds=cpu[1] - cpu[0],
        latency_ms=latency_ms,
        quantiles_ms=quantiles_ms,
        acknowledged=checks.acknowledged,
        timeline=timeline,
        wrong=checks.verdict(),
    )


async def ask_once(ask: Ask, plan: Plan) -> Measured:
    """Have `plan.callers` ask at the same moment, once; and that `plan.repeats` times."""
    checks = Checks(plan.outcome, keeps=plan.keeps)
    latencies: list[float] = []
    slowest: list[float] = []
    clock = time.perf_counter

    async def caller(user_id: str, before: float) -> None:
        checks.check(*await ask(user_id))
        latencies.append((clock() - before) * 1000)

    started = clock()
    for repeat in range(plan.repeats):
        before = clock()
        users = (f"{plan.name}-{repeat}-{number}" for number in range(plan.callers))
        await asyncio.gather(*(caller(user_id, before) for user_id in users))
        slowest.append(latencies[-1])
    latency_ms, quantiles_ms = percentiles(latencies)
    return Measured(
        answered=len(latencies),
        seconds=clock() - started,
        latency_ms=latency_ms,
        quantiles_ms=quantiles_ms,
        slowest_ms=slowest,
        acknowledged=checks.acknowledged,
        wrong=checks.verdict(),
    )


def run(load: Callable[[Plan], Awaitable[Measured]]) -> None:
    """Run a load as this process' program: its plan comes in as argument, a Measured goes out."""
    # As the service does it, and as a busy client may: every load alike.
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)

    async def main() -> Measured:
        return await load(Plan.from_arguments())

    print(uvloop.run(main()).as_json())


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

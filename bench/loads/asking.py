"""Asking: the two shapes that every load of this folder has, whatever it speaks.

`keep_asking` is a closed loop: so many callers, each asking again as soon as it is answered, until
the time is over or enough was asked. `ask_once` is a rush: everybody asks at the same moment, once.
"""

import asyncio
import resource
import time
from array import array
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import uvloop

from bench.measured import Answer, Checks, Measured, percentiles
from bench.plan import Plan
from bench.tuning import tuned

Ask = Callable[[str], Awaitable[Answer]]
"""Asks for a user."""
AskMany = Callable[[str], Awaitable[Sequence[Answer]]]
"""Asks for `plan.batch` users whose ids begin alike."""

NOTED_SECONDS = 30.0
"""In longer loads one caller in 16 notes how long it waits, or the load would fill the memory."""
LATE_SECONDS = 120.0

_Answered = TypeVar("_Answered")


async def keep_asking(ask: Ask, plan: Plan) -> Measured:
    """Have `plan.callers` ask again and again, each time for a new user."""
    checks = Checks(plan.outcome, keeps=plan.keeps)
    return await _keep_asking([ask] * plan.callers, checks.check, checks, plan)


async def keep_asking_each(asks: Sequence[Ask], plan: Plan) -> Measured:
    """As `keep_asking`; each caller has a way of its own to ask."""
    checks = Checks(plan.outcome, keeps=plan.keeps)
    return await _keep_asking(asks, checks.check, checks, plan)


async def keep_asking_many(asks: Sequence[AskMany], plan: Plan) -> Measured:
    """As `keep_asking_each`, for `plan.batch` users in each call; purchases are counted."""
    checks = Checks(plan.outcome, keeps=plan.keeps)
    return await _keep_asking(asks, checks.check_each, checks, plan)


async def _keep_asking(
    asks: Sequence[Callable[[str], Awaitable[_Answered]]],
    check: Callable[[_Answered], None],
    checks: Checks,
    plan: Plan,
) -> Measured:
    latencies = array("d")
    clock = time.perf_counter
    start = clock()
    begin = start + plan.warmup_seconds
    end = begin + plan.seconds
    timeline = [0] * int((plan.warmup_seconds + plan.seconds + LATE_SECONDS) * 10)
    left = plan.asked_max or 1 << 60
    answered = 0
    cpu = [0.0, 0.0]

    async def caller(number: int, ask: Callable[[str], Awaitable[_Answered]]) -> None:
        nonlocal answered, left
        asked = 0
        notes = plan.seconds <= NOTED_SECONDS or number % 16 == 0
        while (before := clock()) < end and left > 0:
            left -= 1
            asked += 1
            check(await ask(f"{plan.name}-{number}-{asked}"))
            after = clock()
            timeline[int((after - start) * 10)] += plan.batch
            if after >= begin:
                if after < end:
                    answered += plan.batch
                if notes:  # also of those who had to wait beyond the end, or waits would look short
                    latencies.append((after - before) * 1000)

    async def read_cpu() -> None:
        await asyncio.sleep(begin - clock())
        cpu[0] = _cpu_seconds()
        await asyncio.sleep(end - clock())
        cpu[1] = _cpu_seconds()

    reading = asyncio.create_task(read_cpu())
    await asyncio.gather(*(caller(number, ask) for number, ask in enumerate(asks)))
    over = clock()
    if not plan.asked_max:
        await reading
    reading.cancel()
    latency_ms, quantiles_ms = percentiles(latencies)
    return Measured(
        answered=answered,
        seconds=over - begin if plan.asked_max else plan.seconds,
        began_at=begin,
        cpu_seconds=cpu[1] - cpu[0] if cpu[1] else _cpu_seconds() - cpu[0],
        latency_ms=latency_ms,
        quantiles_ms=quantiles_ms,
        asked=checks.checked,
        acknowledged=checks.acknowledged,
        timeline=timeline[: int((over - start) * 10) + 1],
        wrong=checks.verdict(),
    )


async def ask_once(ask: Ask, plan: Plan) -> Measured:
    """Have `plan.callers` ask at the same moment, once; and that `plan.repeats` times."""
    checks = Checks(plan.outcome, keeps=plan.keeps)
    latencies: list[float] = []
    slowest: list[float] = []
    clock = time.perf_counter

    async def caller(user_id: str, before: float) -> None:
        checks.check(await ask(user_id))
        latencies.append((clock() - before) * 1000)

    started, cpu = clock(), _cpu_seconds()
    for repeat in range(plan.repeats):
        users = [f"{plan.name}-{repeat}-{number}" for number in range(plan.callers)]
        before = clock()
        await asyncio.gather(*(caller(user_id, before) for user_id in users))
        slowest.append(latencies[-1])
    latency_ms, quantiles_ms = percentiles(latencies)
    return Measured(
        answered=len(latencies),
        seconds=clock() - started,
        began_at=started,
        cpu_seconds=_cpu_seconds() - cpu,
        latency_ms=latency_ms,
        quantiles_ms=quantiles_ms,
        slowest_ms=slowest,
        asked=checks.checked,
        acknowledged=checks.acknowledged,
        wrong=checks.verdict(),
    )


def run(load: Callable[[Plan], Awaitable[Measured]]) -> None:
    """Run a load as this process' program: its plan comes in as argument, a Measured goes out."""
    tuned()

    async def main() -> Measured:
        return await load(Plan.from_arguments())

    print(uvloop.run(main()).as_json())


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime

"""Purchases through the blocking SDK: one Client that all threads share."""

import threading
import time

from flashsale import Client

from bench.loads.sdk import answer_of
from bench.measured import Answer, Checks, Measured, percentiles
from bench.plan import Plan
from bench.tuning import tuned

Noted = list[tuple[float, float, Answer]]
"""When each call was made, when it was answered, and how."""


def purchases(plan: Plan) -> Measured:
    clock = time.perf_counter
    with Client(plan.address, timeout=60) as client:
        client.status()
        start = clock()
        begin = start + plan.warmup_seconds
        end = begin + plan.seconds

        def ask(number: int, noted: Noted, failed: list[Exception]) -> None:
            try:
                while (before := clock()) < end:
                    user_id = f"{plan.name}-{number}-{len(noted)}"
                    answer = answer_of(client.purchase(user_id), user_id, plan)
                    noted.append((before, clock(), answer))
            except Exception as error:  # noqa: BLE001  # raised again where it is seen
                failed.append(error)

        noted: list[Noted] = [[] for _ in range(plan.callers)]
        failed: list[Exception] = []
        threads = [
            threading.Thread(target=ask, args=(number, noted[number], failed))
            for number in range(plan.callers)
        ]
        for thread in threads:
            thread.start()
        time.sleep(max(0.0, begin - clock()))
        cpu = time.process_time()
        time.sleep(max(0.0, end - clock()))
        cpu = time.process_time() - cpu
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]
    return _counted(plan, [item for notes in noted for item in notes], begin, end, cpu)


def _counted(plan: Plan, noted: Noted, begin: float, end: float, cpu: float) -> Measured:
    checks = Checks(plan.outcome, keeps=plan.keeps)
    checks.check_each(answer for _, _, answer in noted)
    latency_ms, quantiles_ms = percentiles(
        [(after - before) * 1000 for before, after, _ in noted if after >= begin]
    )
    return Measured(
        answered=sum(begin <= after < end for _, after, _ in noted),
        seconds=plan.seconds,
        began_at=begin,
        cpu_seconds=cpu,
        latency_ms=latency_ms,
        quantiles_ms=quantiles_ms,
        asked=checks.checked,
        acknowledged=checks.acknowledged,
        wrong=checks.verdict(),
    )


if __name__ == "__main__":
    tuned()
    print(purchases(Plan.from_arguments()).as_json())

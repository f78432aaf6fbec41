"""The disk alone: 4 KiB made durable, again and again, by one writer."""

import time
from pathlib import Path

from bench.loads.asking import run
from bench.machine import sync_latencies_ms
from bench.measured import Measured, percentiles
from bench.plan import Plan


async def syncs(plan: Plan) -> Measured:
    cpu = time.process_time()
    latencies_ms = sync_latencies_ms(Path(plan.folder), seconds=plan.seconds)
    latency_ms, quantiles_ms = percentiles(latencies_ms)
    return Measured(
        answered=len(latencies_ms),
        seconds=plan.seconds,
        cpu_seconds=time.process_time() - cpu,
        latency_ms=latency_ms,
        quantiles_ms=quantiles_ms,
        asked=len(latencies_ms),
    )


if __name__ == "__main__":
    run(syncs)

"""Unary calls by ghz, a load generator in Go that many use: one purchase a call.

ghz stops at a number of calls, because at a time it would break off calls whose fate nobody knows.
How many fill the measured time is found with a short run of its own. It sees whether a call was
answered, not what was answered; that each was a purchase follows from the stock, which whoever
started this load compares with the calls counted here.
"""

import asyncio
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TypedDict

from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from bench.loads.asking import run
from bench.measured import Measured, percentiles
from bench.plan import Plan

CONNECTIONS = 4
TRIAL_CALLS = 300


class Call(TypedDict):
    latency: int


class Report(TypedDict):
    """What ghz prints, as far as it is used here; times are in nanoseconds."""

    count: int
    total: int
    rps: float
    statusCodeDistribution: dict[str, int]
    details: list[Call]


async def purchases(plan: Plan) -> Measured:
    with tempfile.TemporaryDirectory() as name:
        contract = Path(name) / "contract"
        contract.write_bytes(_with_its_imports(pb.DESCRIPTOR).SerializeToString())
        warm = await asyncio.to_thread(_calls, plan, "warm", contract, TRIAL_CALLS)
        number = max(TRIAL_CALLS, int(warm["rps"] * plan.warmup_seconds))
        again = await asyncio.to_thread(_calls, plan, "again", contract, number)
        number = max(TRIAL_CALLS, int(again["rps"] * plan.seconds))
        began_at, cpu = time.perf_counter(), _cpu_seconds()
        report = await asyncio.to_thread(_calls, plan, "measured", contract, number)
        cpu = _cpu_seconds() - cpu
    wrong: dict[str, int] = {}
    asked = 0
    for part in (warm, again, report):
        asked += part["count"]
        for code, count in part["statusCodeDistribution"].items():
            if code != "OK":
                wrong[code] = wrong.get(code, 0) + count
    latency_ms, quantiles_ms = percentiles([call["latency"] / 1e6 for call in report["details"]])
    return Measured(
        answered=report["count"],
        seconds=report["total"] / 1e9,
        began_at=began_at,
        cpu_seconds=cpu,
        latency_ms=latency_ms,
        quantiles_ms=quantiles_ms,
        asked=asked,
        acknowledged=asked,
        wrong=wrong,
    )


def _calls(plan: Plan, part: str, contract: Path, number: int) -> Report:
    request = {"user_id": f"{plan.name}-{part}-{{{{.RequestNumber}}}}", "quantity": 1}
    options = {
        "--protoset": str(contract),
        "--call": "flashsale.v1.FlashSaleService.Purchase",
        "--concurrency": str(plan.callers),
        "--connections": str(min(CONNECTIONS, plan.callers)),
        "--total": str(number),
        "--data": json.dumps(request),
        "--format": "json",
        "--timeout": "60s",
    }
    words = [word for option in options.items() for word in option]
    done = subprocess.run(
        ["ghz", "--insecure", *words, plan.address], capture_output=True, check=True
    )
    report: Report = json.loads(done.stdout)
    return report


def _with_its_imports(file: FileDescriptor) -> FileDescriptorSet:
    """What ghz wants to know: the contract, after everything that it imports."""
    files: dict[str, FileDescriptor] = {}

    def take(wanted: FileDescriptor) -> None:
        for imported in wanted.dependencies:
            take(imported)
        files.setdefault(wanted.name, wanted)

    take(file)
    described = FileDescriptorSet()
    for item in files.values():
        item.CopyToProto(described.file.add())
    return described


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    run(purchases)

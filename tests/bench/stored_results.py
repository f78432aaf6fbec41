"""Results as a run would have stored them, with round numbers."""

from bench.contests import Runs
from bench.machine import Machine
from bench.measured import Measured
from bench.results import LongRush, Results, Row

MACHINE = Machine(
    cpu="A Processor",
    cpus=2,
    memory_bytes=8_000_000_000,
    kernel="Linux 6.1",
    versions={"Python": "3.11.7"},
    file_system="ext4",
    fsync_ms_p50=0.25,
    load_average=0.5,
)


def results(*rows: Row, long_rush: LongRush | None = None) -> Results:
    return Results(
        begun_at="2026-01-02T03:04:05+00:00",
        is_quick=False,
        rounds=3,
        seconds=2.0,
        commit="0123abc",
        machine=MACHINE,
        rows=list(rows),
        long_rush=long_rush,
    )


def runs(name: str, load: str, answered: int) -> Runs:
    latencies = {"p50": 1.0, "p95": 2.0, "p99": 3.0, "max": 4.0}
    measured = Measured(answered, 1.0, 0.0, 0.5, latencies, [1.0] * 201, asked=answered)
    return Runs(name, load, [measured], [12.5], [0.01])


def row(key: str, ours: list[float], theirs: list[float], reach: list[float]) -> Row:
    sides = [runs("the service", "sdk", 1111), runs("Redis", "redis_unary", 222)]
    return Row(
        key,
        "in short",
        "purchases/s",
        "a peer",
        "/s",
        ours,
        theirs,
        reach,
        at_least=True,
        callers=10,
        runs=sides if theirs else [],
    )

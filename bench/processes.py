"""Processes: the servers and the loads, each in one of its own, on loopback, ended at the end.

A server is ready when it takes connections. What a process has used is asked of the kernel, so that
it does not matter who wrote it and in which language.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.measured import Measured
from bench.plan import Plan

READY_SECONDS = 120.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_ROOT = Path(__file__).parent.parent


class ServerFailed(Exception):
    """A server did not start."""


class LoadFailed(Exception):
    """A load did not come to its end: a call of it was not answered, or it took too long."""


class Process:
    """A server under load.

    Attributes:
        address: where it listens.
        started_at: when it was started, in seconds of time.perf_counter.
    """

    def __init__(self, popen: "subprocess.Popen[bytes]", address: str, started_at: float) -> None:
        self._popen = popen
        self.address = address
        self.started_at = started_at

    def cpu_seconds(self) -> float:
        """The processor time that it has used, of all its threads, its own and the kernel's."""
        stat = Path(f"/proc/{self._popen.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def seconds_since_start(self) -> float:
        """How long ago it was started."""
        return time.perf_counter() - self.started_at

    def memory_bytes(self) -> int:
        """Its resident memory."""
        statm = Path(f"/proc/{self._popen.pid}/statm").read_text(encoding="ascii")
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def running(command: Sequence[str], address: str, folder: Path) -> Iterator[Process]:
    """Run a server until the block ends. What it writes goes to `log` in its folder."""
    started = time.perf_counter()
    with (folder / "log").open("ab") as log:
        popen = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env=environment(), start_new_session=True
        )
    try:
        _until_ready(popen, address, folder)
        yield Process(popen, address, started)
    finally:
        popen.terminate()
        try:
            popen.wait(timeout=30)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()


def loaded(module: str, plan: Plan, watch: Callable[[], None] | None = None) -> Measured:
    """What `python -m bench.loads.MODULE` measures. Meanwhile `watch` is called each second.

    Raises:
        LoadFailed: it failed, and its last words are the message; or it took too long.
    """
    command = [sys.executable, "-m", f"bench.loads.{module}", plan.as_json()]
    until = time.monotonic() + plan.warmup_seconds + plan.seconds + READY_SECONDS
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as words:
        popen = subprocess.Popen(command, stdout=out, stderr=words, cwd=_ROOT, env=environment())
        try:
            while popen.poll() is None and time.monotonic() < until:
                if watch is not None:
                    watch()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    popen.wait(timeout=1.0)
            if popen.returncode is None:
                raise LoadFailed(f"the load {module} has not ended in time")
        finally:
            popen.kill()
            popen.wait()
        out.seek(0)
        words.seek(0)
        if popen.returncode:
            raise LoadFailed(f"the load {module} failed:\n{words.read().decode()[-1500:]}")
        return Measured(**json.loads(out.read()))


def machine_busy_seconds() -> float:
    """The processor time that anything on this machine has used, and what its host has taken."""
    line = Path("/proc/stat").read_text(encoding="ascii").partition("\n")[0]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / _TICKS_A_SECOND


def own_busy_seconds() -> float:
    """The processor time of this process, and of those of its children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def free_address() -> str:
    """An address of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def _until_ready(popen: "subprocess.Popen[bytes]", address: str, folder: Path) -> None:
    host, _, port = address.rpartition(":")
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if popen.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.01)
    words = (folder / "log").read_text(encoding="utf-8", errors="replace")[-1500:]
    raise ServerFailed(f"{popen.args!r} is not ready:\n{words}")


def environment() -> dict[str, str]:
    """This process' environment without settings of the service, this code first on the path."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FLASH_SALE")}
    path = [str(_ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(path)}

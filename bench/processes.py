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
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.measured import Measured
from bench.plan import Plan

READY_SECONDS = 120.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_ROOT = Path(__file__).parent.parent


class Process:
    """A server under load.

    Attributes:
        address: where it listens.
        ready_seconds: from its start until it took connections.
    """

    def __init__(
        self, popen: "subprocess.Popen[bytes]", address: str, ready_seconds: float
    ) -> None:
        self._popen = popen
        self.address = address
        self.ready_seconds = ready_seconds

    def cpu_seconds(self) -> float:
        """The processor time that it has used, of all its threads, its own and the kernel's."""
        stat = Path(f"/proc/{self._popen.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

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
            command, stdout=log, stderr=log, cwd=folder, env=_environment(), start_new_session=True
        )
    try:
        _until_ready(popen, address, folder)
        yield Process(popen, address, time.perf_counter() - started)
    finally:
        popen.terminate()
        try:
            popen.wait(timeout=30)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()


def loaded(module: str, plan: Plan) -> Measured:
    """What `python -m bench.loads.MODULE` measures.

    Raises:
        RuntimeError: the load failed; its last words are the message.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"bench.loads.{module}", plan.as_json()],
        capture_output=True,
        cwd=_ROOT,
        env=_environment(),
        check=False,
        timeout=plan.warmup_seconds + plan.seconds + READY_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"the load {module} failed:\n{done.stderr.decode()[-4000:]}")
    return Measured(**json.loads(done.stdout))


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
    words = (folder / "log").read_text(encoding="utf-8", errors="replace")[-4000:]
    raise RuntimeError(f"{popen.args!r} is not ready:\n{words}")


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FLASH_SALE")}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(_ROOT), kept.get("PYTHONPATH", "")])}

"""Request ids: no two are the same, wherever they are made."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flashsale
from flashsale.request_ids import new_request_id

FORKS = """
import os
from flashsale.request_ids import new_request_id
child = os.fork()
os.write(1, f"{new_request_id()}\\n".encode())
if child:
    os.waitpid(child, 0)
"""


def test_ids_made_by_many_threads_differ() -> None:
    def some(_: int) -> list[str]:
        return [new_request_id() for _ in range(1000)]

    with ThreadPoolExecutor(8) as threads:
        made = [request_id for ids in threads.map(some, range(8)) for request_id in ids]
    assert len(set(made)) == 8000
    assert max(len(request_id) for request_id in made) <= 32


def test_a_process_and_its_fork_make_different_ids() -> None:
    folder = str(Path(flashsale.__file__).parents[1])
    command = [sys.executable, "-c", FORKS]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": folder}
    )
    one, other = done.stdout.split()
    assert one != other
    assert one.rpartition("-")[2] == other.rpartition("-")[2]

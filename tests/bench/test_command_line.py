"""python -m bench: fails when an answer was wrong, and then writes nothing."""

from pathlib import Path

import pytest

from bench.__main__ import main
from bench.contests import Rounds, contest
from bench.machine import NoRealDisk, file_system_of
from bench.parts import Bench, Part
from bench.plan import Plan
from tests.bench.liars import liar
from tests.bench.stored_results import row


def part(lie: str) -> Part:
    def run(bench: Bench) -> None:
        plan = Plan(address="", name="test", callers=20, seconds=0.2, warmup_seconds=0.1)
        contest(bench.folder, [liar(lie)], plan, Rounds(1), bench.note)
        bench.results.rows.append(row("1", [9.0], [1.0], [8.0]))

    return Part("1", "one contest", lambda _: 1.0, run)


def test_a_run_is_written_down(tmp_path: Path) -> None:
    assert main(["--quick", "--out", str(tmp_path)], [part("nothing")]) == 0
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".md", ".svg"]


def test_a_wrong_answer_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--out", str(tmp_path)], [part("twice")]) == 1
    assert "the same purchase id twice" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_in_memory_is_refused(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if f" {memory} tmpfs " not in Path("/proc/mounts").read_text(encoding="utf-8"):
        pytest.skip("there is no tmpfs at /dev/shm")
    with pytest.raises(NoRealDisk, match="tmpfs"):
        file_system_of(memory)
    assert main(["--quick", "--folder", str(memory), "--out", str(tmp_path)], []) == 2

"""python -m bench: measure everything, and write down what was measured.

python -m bench             every part, in under half an hour
python -m bench --quick     shorter and fewer, under two minutes
python -m bench --only 1 --only 10
"""

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from flashsale import FlashSaleError

from bench.length import FULL, QUICK, Length
from bench.machine import NoRealDisk, described, file_system_of
from bench.measured import WrongAnswer
from bench.parts import Bench, Part, all_parts
from bench.plots import drawn
from bench.processes import LoadFailed, ServerFailed
from bench.progress import Progress
from bench.report import markdown, summary
from bench.results import Results, stored

HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None, parts: Sequence[Part] | None = None) -> int:
    """Run the bench; return 1 when an answer was wrong or missing."""
    if parts is None:
        parts = all_parts("ghz" if shutil.which("ghz") else "unary")
    asked = _asked(parts, arguments)
    chosen = [part for part in parts if not asked.only or part.key in asked.only]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with _working_folder(asked.folder) as folder:
            results = _measured(chosen, folder, _length(asked))
    except NoRealDisk as error:
        print(error, file=sys.stderr)
        return 2
    except (WrongAnswer, LoadFailed, ServerFailed, FlashSaleError) as error:
        print(f"FAILED, and nothing is reported: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted, and nothing is reported", file=sys.stderr)
        return 130
    _written(results, asked.out)
    return 0


def _asked(parts: Sequence[Part], arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="under two minutes")
    parser.add_argument(
        "--only", action="append", choices=[part.key for part in parts], help="some parts alone"
    )
    parser.add_argument(
        "--again",
        type=int,
        help="rounds of each contest to measure anew at most, where others kept the machine busy",
    )
    parser.add_argument(
        "--folder", type=Path, default=HERE, help="on the disk that the ledgers shall be on"
    )
    parser.add_argument(
        "--out", type=Path, default=HERE / "results", help="where the results are written"
    )
    return parser.parse_args(arguments)


def _length(asked: argparse.Namespace) -> Length:
    length = QUICK if asked.quick else FULL
    if asked.again is None:
        return length
    return replace(length, rounds=replace(length.rounds, again=asked.again))


@contextmanager
def _working_folder(parent: Path) -> Iterator[Path]:
    file_system_of(parent)
    with tempfile.TemporaryDirectory(prefix=".running-", dir=parent) as name:
        yield Path(name)


def _measured(parts: Sequence[Part], folder: Path, length: Length) -> Results:
    results = Results(
        begun_at=datetime.now(UTC).isoformat(timespec="seconds"),
        is_quick=length.is_quick,
        rounds=length.rounds.number,
        seconds=length.seconds,
        commit=_commit(),
        machine=described(folder),
    )
    with Progress(sum(part.seconds(length) for part in parts)) as progress:
        for part in parts:
            with progress.part(part.title, part.seconds(length)):
                part.run(Bench(folder, length, progress.note, results))
    return results


def _commit() -> str:
    described_by_git = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    return described_by_git.stdout.strip() or "unknown"


def _written(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = results.begun_at[:10] + ("-quick" if results.is_quick else "")
    stored(results, folder / f"{name}.json")
    plots = drawn(results, folder, name)
    (folder / f"{name}.md").write_text(markdown(results, plots), encoding="utf-8")
    print(summary(results))
    print(f"written: {folder / name}.json, .md and {len(plots)} plots")


if __name__ == "__main__":
    sys.exit(main())

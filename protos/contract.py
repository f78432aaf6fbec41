"""The contract's tool: generates the code of the protos, and checks that all is as it should be.

    python protos/contract.py generate           write client_sdk/flashsale/v1
    python protos/contract.py check [REVISION]   format, lint, freshness, no break since REVISION

Everything runs offline: buf reads descriptor images that protoc makes, and the old contract comes
out of git (HEAD, when no revision is named).
"""

import filecmp
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [
    f"flashsale/v1/{path.name}" for path in sorted((ROOT / "protos/flashsale/v1").glob("*.proto"))
]
GENERATED = ROOT / "client_sdk/flashsale/v1"
GOOGLEAPIS = sysconfig.get_paths()["purelib"]
BIN = Path(sys.executable).parent
FULL = ("--include_imports", "--include_source_info")


def main(arguments: list[str]) -> int:
    match arguments:
        case ["generate"]:
            generate(ROOT / "client_sdk")
            return 0
        case ["check", *revision]:
            return check(revision[0] if revision else "HEAD")
        case _:
            sys.stderr.write(__doc__ or "")
            return 2


def generate(folder: Path) -> None:
    """Write the messages, the stubs and their types below `folder`.

    `contract.binpb` is the contract with its comments, for those who document it.
    """
    (folder / "flashsale/v1").mkdir(parents=True, exist_ok=True)
    image(ROOT / "protos", folder / "flashsale/v1/contract.binpb", "--include_source_info")
    protoc(
        ROOT / "protos",
        f"--python_out={folder}",
        f"--pyi_out={folder}",
        f"--grpc_python_out={folder}",
        f"--plugin=protoc-gen-mypy_grpc={BIN / 'protoc-gen-mypy_grpc'}",
        f"--mypy_grpc_out={folder}",
    )


def protoc(protos: Path, *options: str) -> None:
    sources = sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"-I{GOOGLEAPIS}"]
    subprocess.run([*command, *options, *sources], check=True)


def check(revision: str) -> int:
    """Return 0 when the contract is well formed, compatible with `revision`, and generated."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new = image(ROOT / "protos", folder / "new.binpb", *FULL)
        commands = [
            ["format", "--diff", "--exit-code", str(ROOT / "protos")],
            ["lint", str(new), "--config", str(ROOT / "protos/buf.yaml"), "--path", "flashsale"],
        ]
        old = old_protos(revision, folder / "old")
        if old is not None:
            against = image(old, folder / "old.binpb", *FULL)
            commands.append(
                ["breaking", str(new), "--against", str(against), "--path", "flashsale"]
            )
        results = [
            subprocess.run([BIN / "buf", *command], cwd=ROOT, check=False) for command in commands
        ]
        return int(any(result.returncode for result in results) or stale(folder / "generated"))


def image(protos: Path, target: Path, *options: str) -> Path:
    """Write the protos as a descriptor set."""
    protoc(protos, *options, f"--descriptor_set_out={target}")
    return target


def old_protos(revision: str, folder: Path) -> Path | None:
    """The protos as they were at `revision`; None where there were none."""
    listing = git("ls-tree", "-r", "--name-only", revision, "protos")
    names = [name for name in listing.decode().splitlines() if name.endswith(".proto")]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(git("show", f"{revision}:{name}"))
    return folder / "protos" if names else None


def git(*arguments: str) -> bytes:
    """What git prints; nothing where there is no such revision, or no repository."""
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False).stdout


def stale(folder: Path) -> bool:
    """Whether the committed code differs from what the protos generate."""
    folder.mkdir()
    generate(folder)
    fresh = folder / "flashsale/v1"
    names = sorted(path.name for path in fresh.iterdir())
    _, different, missing = filecmp.cmpfiles(fresh, GENERATED, names, shallow=False)
    for name in [*different, *missing]:
        sys.stderr.write(f"client_sdk/flashsale/v1/{name} is stale: run `make proto`\n")
    return bool(different or missing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

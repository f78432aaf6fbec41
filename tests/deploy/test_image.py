"""The image: what its Dockerfile says, and its commands run where there is no Docker.

The dependencies are those that the image pins, installed as the Dockerfile does it, and then the
image's own command and health check are run with its own variables, but for the places that a test
must not use: fixed ports and /data.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from flashsale_server.settings import Settings

from tests.deploy.files import DEPLOY, PROJECT, dockerfile, image_environment, only
from tests.servers import ServerProcess, ready

pytestmark = pytest.mark.timeout(300)  # it installs
NOBODY = "buyer:nobody:" + "0" * 64


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image has at /opt/flash-sale."""
    folder = tmp_path_factory.mktemp("image")
    source, made = folder / "source", folder / "flash-sale"
    for each in dockerfile():
        if each.word != "COPY" or each.text.startswith("--from"):
            continue
        *names, target = each.text.split()
        for name in names:
            place = source / target / (Path(name).name if target == "./" else "")
            if (PROJECT / name).is_dir():
                shutil.copytree(PROJECT / name, place, ignore=shutil.ignore_patterns("*.pyc"))
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT / name, place)
    (text,) = (each.text for each in dockerfile() if each.word == "RUN" and "pip" in each.text)
    made_text = text.replace("/opt/flash-sale", str(made)).replace(
        "${EXTRAS}", only("ARG").partition("=")[2]
    )
    for command in made_text.removeprefix("--mount=type=cache,target=/root/.cache/pip ").split(
        " && "
    ):
        words = shlex.split(command)
        python = {"python": [sys.executable], "pip": [sys.executable, "-m", "pip"]}[words[0]]
        done = subprocess.run(
            [*python, *words[1:]],
            cwd=source,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        if "No matching distribution" in done.stderr and "onnection" in done.stderr:
            pytest.skip("there is no package index to install from")
        assert done.returncode == 0, done.stderr
    return made


def variables(environment: Path, folder: Path, **others: str) -> dict[str, str]:
    """The image's variables, with the ledger in `folder` and any free ports."""
    plain = {key: value for key, value in os.environ.items() if "FLASH_SALE" not in key}
    plain.pop("PYTHONPATH", None)
    own = image_environment()
    own["PATH"] = f"{environment}/bin:{os.environ['PATH']}"
    own["FLASH_SALE_LEDGER"] = own["FLASH_SALE_LEDGER"].replace("/data", str(folder))
    for name in ("FLASH_SALE_GRPC_ADDRESS", "FLASH_SALE_HTTP_ADDRESS"):
        own[name] = own[name].rpartition(":")[0] + ":0"
    return plain | own | others


def image_command(environment: Path, *command: str) -> list[str]:
    """The command as the image starts it."""
    words = [*json.loads(only("ENTRYPOINT")), *command]
    return [str(environment / "bin" / words[0]), *words[1:]]


@pytest.fixture
def server(environment: Path, tmp_path: Path) -> Iterator[ServerProcess]:
    process = subprocess.Popen(
        image_command(environment, *json.loads(only("CMD"))),
        env=variables(environment, tmp_path, FLASH_SALE_TOKENS=NOBODY),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield ready(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_what_is_built_from_is_what_the_context_has() -> None:
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    copied = {
        name
        for each in dockerfile()
        if each.word == "COPY" and not each.text.startswith("--from")
        for name in each.text.split()[:-1]
    }
    assert {line[1:] for line in kept if line.startswith("!")} == copied
    assert "*" in kept


def test_it_runs_as_a_numbered_user_who_is_not_root() -> None:
    assert only("USER") == "10001:10001"
    assert only("VOLUME") == "/data"
    assert only("STOPSIGNAL") == "SIGTERM"
    assert all(":" in each.text.split()[0] for each in dockerfile() if each.word == "FROM")
    assert not any(":latest" in each.text for each in dockerfile() if each.word == "FROM")


def test_its_variables_are_settings_and_its_ports_are_exposed() -> None:
    own = {key: value for key, value in image_environment().items() if "FLASH_SALE" in key}
    settings = Settings.read({}, own | {"FLASH_SALE_TOKENS": NOBODY})
    assert len(settings.given) == len(own) + 1
    ports = [address.rpartition(":")[2] for address in settings.addresses_beyond_loopback]
    assert only("EXPOSE").split() == ports
    assert settings.ledger == "sqlite:////data/flash-sale.db"


def test_every_dependency_is_pinned_and_nothing_else(environment: Path) -> None:
    here = f"python:{sys.version_info.major}.{sys.version_info.minor}-"
    if not all(each.text.startswith(here) for each in dockerfile() if each.word == "FROM"):
        pytest.skip("this is not the image's Python, and others may need other dependencies")
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "freeze"]
    frozen = subprocess.run(
        [*pip, "--exclude", "flash-sale"], capture_output=True, text=True, check=True
    )
    lines = (DEPLOY / "constraints.txt").read_text().splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert pinned == frozen.stdout.splitlines(), "make constraints"


def test_it_serves_is_healthy_and_stops_when_it_is_told(
    environment: Path, server: ServerProcess
) -> None:
    (check,) = (each.text for each in dockerfile() if each.word == "HEALTHCHECK")
    program, *arguments = json.loads(check.partition("CMD ")[2])
    probe = [str(environment / "bin" / program), *arguments]
    port = server.address.rpartition(":")[2]
    probe[-1] = probe[-1].replace("50051", port)

    def probed() -> "subprocess.CompletedProcess[str]":
        return subprocess.run(probe, capture_output=True, text=True, timeout=60, check=False)

    healthy = probed()
    assert healthy.returncode == 0, healthy.stderr
    assert healthy.stdout.startswith("healthy\n")
    assert server.terminate() == 0
    assert probed().returncode == 1


@pytest.mark.parametrize("page", ["/", "/operator", "/docs"])
def test_its_pages_are_in_it(server: ServerProcess, page: str) -> None:
    answer = httpx.get(server.url + page, follow_redirects=True)
    assert answer.status_code == 200
    for asset in re.findall(r'(?:src|href)="(/?[\w./-]+\.(?:css|js|mjs))"', answer.text):
        assert httpx.get(httpx.URL(server.url + page).join(asset)).status_code == 200, asset


def test_others_reach_it_so_it_does_not_start_without_tokens(
    environment: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        image_command(environment, *json.loads(only("CMD"))),
        env=variables(environment, tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "can be reached from other machines" in done.stderr
    assert list(tmp_path.iterdir()) == []

"""The systemd unit: what systemd says of it, and that it is true to the settings."""

import shutil
import subprocess
from pathlib import Path

import pytest
from flashsale_server.settings import Settings

from tests.deploy.files import DEPLOY

UNIT = DEPLOY / "systemd" / "flash-sale.service"
LINES = UNIT.read_text().splitlines()
EXPOSURE_MAX = 20  # of 100; systemd calls up to 10 "safe", and up to 40 "OK"


def values(key: str) -> list[str]:
    """What the unit sets a key to, line by line."""
    return [line.partition("=")[2] for line in LINES if line.startswith(f"{key}=")]


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is here."""
    text = UNIT.read_text()
    assert "/opt/flash-sale/bin/flash-sale" in text
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/opt/flash-sale/bin/flash-sale", shutil.which("true") or ""))
    return copy


def analyzed(*arguments: str) -> "subprocess.CompletedProcess[str]":
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run(
        [tool, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_systemd_finds_nothing_to_say(unit: Path) -> None:
    done = analyzed("verify", str(unit))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_little_is_exposed(unit: Path) -> None:
    done = analyzed("security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", str(unit))
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_variables_are_settings_and_leave_time_to_drain() -> None:
    own = dict(line.split("=", 1) for line in values("Environment"))
    settings = Settings.read({}, own)
    assert len(settings.given) == len(own)
    assert float(values("TimeoutStopSec")[0]) > settings.drain_seconds + 5
    assert values("KillSignal") == ["SIGTERM"]
    assert values("Restart") == ["on-failure"]


def test_the_ledger_is_in_the_folder_that_systemd_makes() -> None:
    folder = f"/var/lib/{values('StateDirectory')[0]}"
    assert values("WorkingDirectory") == [folder]
    assert f"FLASH_SALE_LEDGER=sqlite:///{folder}/flash-sale.db" in values("Environment")
    users = (DEPLOY / "systemd" / "flash-sale.sysusers").read_text()
    assert f"u {values('User')[0]} - " in users
    assert users.rstrip().endswith(folder)


def test_connections_are_not_short_of_files() -> None:
    assert int(values("LimitNOFILE")[0]) > 2 * Settings().max_connections

"""compose.yaml is true to the files and settings that it names."""

from typing import Any

import pytest
from flashsale_server.settings import Settings

from tests.deploy.files import DEPLOY, PROJECT, dockerfile, only, read, seconds

COMPOSE: dict[str, Any] = read(DEPLOY / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_may_do_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "devices"} & set(service)
    assert not any("docker.sock" in str(volume) for volume in service["volumes"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_is_pinned_and_watched(name: str) -> None:
    service = SERVICES[name]
    _, _, tag = service["image"].partition(":")
    assert tag
    assert tag != "latest"
    assert service["restart"] == "unless-stopped"
    has_own_check = any(each.word == "HEALTHCHECK" for each in dockerfile())
    assert "healthcheck" in service or ("build" in service and has_own_check)


def test_secrets_are_files_that_are_never_committed() -> None:
    used = [secret for service in SERVICES.values() for secret in service.get("secrets", [])]
    assert sorted(used) == sorted(COMPOSE["secrets"])
    ignored = (PROJECT / ".gitignore").read_text().splitlines()
    assert "deploy/secrets/" in ignored
    assert f"deploy/{SERVICES['flash-sale']['env_file'][0]['path']}" in ignored
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("secrets/")


def test_the_service_is_built_here_and_has_time_to_drain() -> None:
    service = SERVICES["flash-sale"]
    assert (DEPLOY / service["build"]["context"]).resolve() == PROJECT
    assert PROJECT / service["build"]["dockerfile"] == DEPLOY / "Dockerfile"
    assert service["volumes"] == [f"ledger:{only('VOLUME')}"]
    assert [port.rpartition(":")[2] for port in service["ports"]] == only("EXPOSE").split()
    settings = Settings.read({}, service["environment"])
    assert seconds(service["stop_grace_period"]) > settings.drain_seconds + 5
    assert service["environment"]["FLASH_SALE_TOKENS"] == "/run/secrets/tokens"

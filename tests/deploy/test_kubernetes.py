"""The Kubernetes manifests: valid, and true to the image, the contract and the settings."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale_server.settings import Settings

from tests.deploy.files import DEPLOY, KUBERNETES, image_environment, only, read

OF_OTHERS = {"kustomization.yaml", "pod-monitor.example.yaml"}
MANIFESTS = sorted(path for path in KUBERNETES.glob("*.yaml") if path.name not in OF_OTHERS)
SETTINGS: dict[str, str] = read(KUBERNETES / "settings.yaml")["data"]
STATEFUL_SET: dict[str, Any] = read(KUBERNETES / "statefulset.yaml")
POD: dict[str, Any] = STATEFUL_SET["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]


@pytest.mark.parametrize("version", ["1.28.0", "1.37.0"])
def test_each_is_what_the_api_allows(version: str) -> None:
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", "-k", version]
    done = subprocess.run(
        [*command, *map(str, MANIFESTS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def kustomized(folder: Path) -> list[dict[str, Any]]:
    """What `kubectl apply --kustomize` would send."""
    if kubectl := shutil.which("kubectl"):
        command = [kubectl, "kustomize", str(folder)]
    elif kustomize := shutil.which("kustomize"):
        command = [kustomize, "build", str(folder)]
    else:
        pytest.skip("neither kubectl nor kustomize is installed")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("name", ["kubernetes", "kubernetes-tls"])
def test_a_kustomization_is_valid_and_is_all_there_is(name: str, tmp_path: Path) -> None:
    documents = kustomized(DEPLOY / name)
    assert {document["kind"] for document in documents} == {
        read(path)["kind"] for path in MANIFESTS if "example" not in path.name
    }
    for document in documents:
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == "flash-sale"
    made = tmp_path / "made.yaml"
    made.write_text(yaml.safe_dump_all(documents))
    command = [sys.executable, "-m", "kubernetes_validate", "--strict", str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_with_tls_no_probe_asks_in_the_clear() -> None:
    documents = kustomized(DEPLOY / "kubernetes-tls")
    (stateful_set,) = (each for each in documents if each["kind"] == "StatefulSet")
    (container,) = stateful_set["spec"]["template"]["spec"]["containers"]
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[name]["httpGet"]["scheme"] == "HTTPS"
        plain, encrypted = dict(CONTAINER[name]), dict(container[name])
        del plain["grpc"], encrypted["httpGet"]
        assert plain == encrypted
    (settings,) = (each["data"] for each in documents if each["kind"] == "ConfigMap")
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    for name in ("FLASH_SALE_TLS_CERT", "FLASH_SALE_TLS_KEY"):
        assert settings[name].rpartition("/")[0] in mounted


def test_one_server_owns_the_ledger() -> None:
    assert STATEFUL_SET["spec"]["replicas"] == 1
    (claim,) = STATEFUL_SET["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    assert mounts[claim["metadata"]["name"]] == only("VOLUME")
    assert read(KUBERNETES / "disruption-budget.yaml")["spec"]["maxUnavailable"] == 0


def test_the_settings_are_settings_and_leave_time_to_drain() -> None:
    settings = Settings.read({}, SETTINGS)
    assert len(settings.given) == len(SETTINGS)
    assert POD["terminationGracePeriodSeconds"] > settings.drain_seconds + 5
    own = {key: value for key, value in image_environment().items() if "FLASH_SALE" in key}
    assert own.items() <= SETTINGS.items(), "the same ports and the same ledger as in the image"
    mounts = {mount["mountPath"]: mount["name"] for mount in CONTAINER["volumeMounts"]}
    folder, _, name = SETTINGS["FLASH_SALE_TOKENS"].rpartition("/")
    (volume,) = (each for each in POD["volumes"] if each["name"] == mounts[folder])
    secret = read(KUBERNETES / "secret.example.yaml")
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert name in secret["stringData"]


def test_the_example_of_tokens_can_be_read_and_opens_nothing() -> None:
    from flashsale_server.access.tokens import kept_tokens

    lines = read(KUBERNETES / "secret.example.yaml")["stringData"]["tokens"]
    assert len(lines.splitlines()) == 3
    assert kept_tokens(lines)


def test_probes_ask_for_services_that_there_are() -> None:
    ports = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
    assert [str(port) for port in ports.values()] == only("EXPOSE").split()
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert CONTAINER[name]["grpc"]["port"] == ports["grpc"]
    served = pb.DESCRIPTOR.services_by_name["FlashSaleService"].full_name
    assert CONTAINER["readinessProbe"]["grpc"]["service"] == served
    liveness = CONTAINER["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] > float(
        SETTINGS["FLASH_SALE_DRAIN_SECONDS"]
    ), "a drain is no reason to kill it"


def test_it_may_do_what_the_restricted_profile_allows() -> None:
    pod, container = POD["securityContext"], CONTAINER["securityContext"]
    user, _, group = only("USER").partition(":")
    assert pod["runAsNonRoot"] is True
    assert (pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]) == (
        int(user),
        int(group),
        int(group),
    )
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["automountServiceAccountToken"] is False
    labels = read(KUBERNETES / "namespace.yaml")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_everything_selects_the_pod() -> None:
    labels = STATEFUL_SET["spec"]["template"]["metadata"]["labels"]
    selectors = [
        STATEFUL_SET["spec"]["selector"]["matchLabels"],
        read(KUBERNETES / "service.yaml")["spec"]["selector"],
        read(KUBERNETES / "disruption-budget.yaml")["spec"]["selector"]["matchLabels"],
        read(KUBERNETES / "network-policy.yaml")["spec"]["podSelector"]["matchLabels"],
        read(KUBERNETES / "pod-monitor.example.yaml")["spec"]["selector"]["matchLabels"],
    ]
    assert all(selector == labels for selector in selectors)
    names = {port["name"] for port in CONTAINER["ports"]}
    for port in read(KUBERNETES / "service.yaml")["spec"]["ports"]:
        assert port["targetPort"] in names

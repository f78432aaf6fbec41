"""Prometheus and Grafana are given what compose.yaml says that they are given."""

from typing import Any

from tests.deploy.files import DEPLOY, KUBERNETES, PROJECT, read

COMPOSE: dict[str, Any] = read(DEPLOY / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_what_is_mounted_exists_and_what_is_kept_is_declared() -> None:
    for service in SERVICES.values():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).is_dir(), source
                assert volume.endswith(":ro")
            else:
                assert source in COMPOSE["volumes"]


def test_prometheus_asks_the_service_with_the_token_it_is_given() -> None:
    command = SERVICES["prometheus"]["command"]
    (named,) = (word.partition("=")[2] for word in command if "config.file" in word)
    config = read(DEPLOY / "prometheus" / named.rpartition("/")[2])
    jobs = config["scrape_configs"]
    (job,) = (job for job in jobs if "flash-sale:8080" in str(job["static_configs"]))
    assert job["authorization"]["credentials_file"] == "/run/secrets/metrics-token"
    assert any("alerts.yaml" in name for name in config["rule_files"])


def test_grafana_finds_its_dashboards_where_they_are_mounted() -> None:
    targets = {volume.split(":")[1] for volume in SERVICES["grafana"]["volumes"]}
    provisioning = DEPLOY / "grafana" / "provisioning"
    providers = [
        provider
        for path in sorted((provisioning / "dashboards").glob("*.yaml"))
        for provider in read(path)["providers"]
    ]
    assert providers
    assert {provider["options"]["path"] for provider in providers} <= targets
    sources = [
        source
        for path in sorted((provisioning / "datasources").glob("*.yaml"))
        for source in read(path)["datasources"]
    ]
    assert {source["url"] for source in sources} == {"http://prometheus:9090"}


def test_each_alert_has_its_section_in_the_operations_page() -> None:
    page = (PROJECT / "docs" / "operations.md").read_text()
    sections = [line[4:] for line in page.splitlines() if line.startswith("### FlashSale")]
    groups = read(DEPLOY / "prometheus" / "alerts.yaml")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert sorted(rule["alert"] for rule in rules) == sorted(sections)
    for rule in rules:
        anchor = rule["alert"].lower()
        assert rule["annotations"]["runbook_url"].endswith(f"docs/operations.md#{anchor}")


def test_the_job_bears_the_name_that_alerts_look_for() -> None:
    (job,) = read(DEPLOY / "prometheus" / "prometheus.yaml")["scrape_configs"]
    monitor = read(KUBERNETES / "pod-monitor.example.yaml")["spec"]
    pod = read(KUBERNETES / "statefulset.yaml")["spec"]["template"]["metadata"]["labels"]
    assert pod[monitor["jobLabel"]] == job["job_name"]

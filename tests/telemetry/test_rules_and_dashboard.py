"""The alert rules and the dashboard ask for nothing that a running server does not show."""

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import yaml
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale_server.ledger import open_ledger

from tests.servers import running
from tests.telemetry.pages import Page, page_of
from tests.telemetry.promql import groupings_in, matchers_in, series_in

PROJECT = Path(__file__).parents[2]
PROMETHEUS = PROJECT / "deploy/prometheus"
DASHBOARDS = sorted((PROJECT / "deploy/grafana/dashboards").glob("*.json"))
TESTS_OF_RULES = Path(__file__).with_name("alerts.test.yaml")

# What Prometheus adds to all that it reads: whether it could, from where, and by which job.
ADDED = {"up", "ALERTS"}
ADDED_LABELS = {"job", "instance", "alertname", "alertstate"}

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool, of the package prometheus, is not installed"
)


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((PROMETHEUS / "alerts.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def queries_in(part: object) -> Iterator[str]:
    """Every expression in a dashboard, wherever it stands."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "expr":
                yield value
            else:
                yield from queries_in(value)
    elif isinstance(part, list):
        for item in part:
            yield from queries_in(item)


def expressions() -> list[str]:
    boards = [json.loads(path.read_text()) for path in DASHBOARDS]
    definitions = [
        found[1]
        for board in boards
        for item in board["templating"]["list"]
        if (found := re.fullmatch(r"label_values\((.+), \w+\)", item.get("definition", "")))
    ]
    assert len(definitions) == 3
    return [*(rule["expr"] for rule in rules()), *queries_in(boards), *definitions]


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    """The page of a server that has done a little of everything."""
    ledger = await open_ledger(f"sqlite:///{tmp_path}/sale.db", node="node")
    async with running(ledger, stock="1") as shop:
        for user_id in ("ann", "bob"):
            await shop.stub.Purchase(pb.PurchaseRequest(user_id=user_id))
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.stub.Purchase(pb.PurchaseRequest())
        async with httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
            await web.get("/flash-sale/status")
        yield await page_of(shop)


async def test_every_series_is_one_that_a_server_shows(page: Page) -> None:
    asked = set().union(*map(series_in, expressions()))
    assert asked - ADDED <= page.names
    assert len(asked) > 25


async def test_every_label_and_every_value_is_there(page: Page) -> None:
    for expression in expressions():
        assert groupings_in(expression) - ADDED_LABELS - {"le"} <= page.label_names, expression
        for matcher in matchers_in(expression):
            if matcher.label in ADDED_LABELS or matcher.value.startswith("$"):
                continue
            values = page.labels(matcher.series, matcher.label)
            if "!" in matcher.operator:
                assert values, matcher
            elif matcher.operator == "=":
                assert matcher.value in values, matcher
            else:
                assert any(re.fullmatch(matcher.value, value) for value in values), matcher


def test_each_alert_says_what_it_means_and_where_to_read_on() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        name = rule["alert"]
        assert re.fullmatch(r"FlashSale[A-Z][A-Za-z]+", name)
        assert rule["labels"]["severity"] in {"critical", "warning"}
        told = rule["annotations"]
        assert told["summary"].endswith("."), name
        assert "{{" in told["description"], name
        assert told["runbook_url"] == f"docs/operations.md#{name.lower()}"


def test_each_alert_is_tried_both_ways() -> None:
    document = yaml.safe_load(TESTS_OF_RULES.read_text())
    tried = [item for test in document["tests"] for item in test["alert_rule_test"]]
    firing = {item["alertname"] for item in tried if item.get("exp_alerts")}
    quiet = {item["alertname"] for item in tried if not item.get("exp_alerts")}
    assert firing == quiet == {rule["alert"] for rule in rules()}


def test_the_errors_that_alert_are_the_servers(page: Page) -> None:
    (expression,) = (rule["expr"] for rule in rules() if rule["alert"] == "FlashSaleErrorsHigh")
    (pattern,) = (item.value for item in matchers_in(expression) if item.label == "reason")
    reasons = page.labels("flash_sale_errors_total", "reason")
    assert {reason for reason in reasons if re.fullmatch(pattern, reason)} == {
        "circuit_open",
        "deadline_exceeded",
        "ledger_unavailable",
        "outcome_unknown",
        "queue_full",
        "sale_unreadable",
    }


@needs_promtool
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "config", "--syntax-only", str(PROMETHEUS / "prometheus.yaml")],
        ["check", "rules", str(PROMETHEUS / "alerts.yaml")],
        ["test", "rules", str(TESTS_OF_RULES)],
    ],
    ids=" ".join,
)
def test_promtool_has_nothing_to_say_against(arguments: list[str]) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.name)
def test_a_dashboard_is_laid_out_without_gaps_or_overlaps(path: Path) -> None:
    board = json.loads(path.read_text())
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not taken & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["title"]
            assert panel["description"]
            assert all(
                target["datasource"]["uid"] == "${datasource}" for target in panel["targets"]
            )
    assert len(taken) == 24 * (max(y for _, y in taken) + 1)


def test_grafana_is_given_what_is_there() -> None:
    provisioning = PROJECT / "deploy/grafana/provisioning"
    source = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())
    boards = yaml.safe_load((provisioning / "dashboards/flash-sale.yaml").read_text())
    assert source["datasources"][0]["type"] == "prometheus"
    assert boards["providers"][0]["options"]["path"].endswith("/dashboards")
    assert DASHBOARDS

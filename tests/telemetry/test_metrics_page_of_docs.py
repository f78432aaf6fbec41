"""docs/metrics.md names every metric that a server shows, by its type, and no other."""

import re
from pathlib import Path

from flashsale.v1 import flash_sale_pb2 as pb
from flashsale_server.ledger import open_ledger

from tests.servers import running
from tests.telemetry.pages import families_of

DOCS = Path(__file__).parents[2] / "docs/metrics.md"
ROW = re.compile(r"^\| (`.+?`) \| ([a-z, ]+) \|(.*?)\| .+ \|$", re.MULTILINE)


async def test_each_metric_is_described_with_its_type_and_labels(tmp_path: Path) -> None:
    described: dict[str, tuple[str, str]] = {}
    for names, kind, labels in ROW.findall(DOCS.read_text()):
        for name in re.findall("`([a-z_]+)`", names):
            described[name] = (kind, labels)
    ledger = await open_ledger(f"sqlite:///{tmp_path}/sale.db", node="node")
    async with running(ledger) as shop:
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        await families_of(shop)  # so that HTTP requests have been counted
        families = await families_of(shop)
    shown = {name + ("_total" if item.type == "counter" else "") for name, item in families.items()}
    assert described.keys() == shown
    for family in families.values():
        name = family.name + ("_total" if family.type == "counter" else "")
        kind, labels = described[name]
        assert family.type in kind, name
        own = {label for sample in family.samples for label in sample.labels} - {"le"}
        if "same" not in labels and "as started" not in labels:
            assert set(re.findall("`([a-z_]+)`", labels)) == own, name

"""`flash-sale purchases export`: every purchase once, from a server and from its ledger alike."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from flashsale import AsyncClient
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as rpc
from google.protobuf.duration_pb2 import Duration

from tests.cli.running import flash_sale
from tests.cli.test_audit import stored
from tests.ledger.audited_days import whole_day
from tests.servers import ServerProcess, server_process

ODD_USERS = ["=1+1", "+49", "-x", "@sum", 'say "hi", ok', "Zoë 🎫"]
BUYERS = 2_345


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ServerProcess, Path]]:
    folder = tmp_path_factory.mktemp("shop")
    flags = ("--stock", "5000", "--rate-limit-per-minute", "0")
    with server_process(folder, *flags) as server:
        asyncio.run(_sell(server))
        yield server, folder / "flash-sale.db"


async def _sell(server: ServerProcess) -> None:
    users = [*ODD_USERS, *(f"u-{number}" for number in range(BUYERS - len(ODD_USERS)))]
    async with AsyncClient(server.address) as client:
        bought = await asyncio.gather(*(client.purchase(user) for user in users))
    async with grpc.aio.insecure_channel(server.address) as channel:
        shop: rpc.SaleAdminServiceAsyncStub = rpc.SaleAdminServiceStub(channel)
        for result in bought[10:13]:
            assert result.purchase is not None
            await shop.CancelPurchase(
                admin.CancelPurchaseRequest(
                    sale_id="default",
                    user_id=result.purchase.user_id,
                    purchase_id=result.purchase.purchase_id,
                )
            )
        holds = admin.Sale(total_stock=5, hold_duration=Duration(seconds=600))
        await shop.CreateSale(admin.CreateSaleRequest(sale_id="holds", sale=holds))
        buyers: flash_sale_pb2_grpc.FlashSaleServiceAsyncStub = (
            flash_sale_pb2_grpc.FlashSaleServiceStub(channel)
        )
        await buyers.Purchase(pb.PurchaseRequest(user_id="ann", sale_id="holds"))


def exported(*arguments: str) -> str:
    done = flash_sale("purchases", "export", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def from_json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_every_purchase_is_exported_once_from_the_server_and_from_its_ledger(
    shop: tuple[ServerProcess, Path],
) -> None:
    server, ledger = shop
    of_server = from_json_lines(exported("--format", "jsonl", "--address", server.address))
    of_ledger = from_json_lines(exported("--format", "jsonl", "--ledger", f"sqlite:///{ledger}"))
    assert len(of_server) == BUYERS
    positions = [int(str(row["position"])) for row in of_server]
    assert positions == sorted(set(positions))
    assert {row["user_id"] for row in of_server} >= set(ODD_USERS)
    assert sum(row["state"] == "CANCELLED" for row in of_server) == 3
    assert [row["end_time"] is not None for row in of_ledger] == [
        row["state"] == "CANCELLED" for row in of_ledger
    ]
    assert [row | {"end_time": None} for row in of_ledger] == of_server


def test_csv_and_json_lines_say_the_same_but_for_what_looks_like_a_formula(
    shop: tuple[ServerProcess, Path], tmp_path: Path
) -> None:
    _, ledger = shop
    url = ("--ledger", f"sqlite:///{ledger}")
    json_rows = from_json_lines(exported("--format", "jsonl", *url))
    path = tmp_path / "sold.csv"
    assert exported("--output", str(path), *url) == ""
    assert path.read_bytes().startswith(b"sale_id,position,purchase_id,user_id,request_id,")
    assert path.read_bytes().count(b"\r\n") == BUYERS + 1
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    for row, expected in zip(rows, json_rows, strict=True):
        text = {name: "" if value is None else str(value) for name, value in expected.items()}
        for name in ("user_id", "purchase_id", "request_id"):
            if text[name][0] in "=+-@":
                text[name] = "'" + text[name]
        assert row == text
    users = [row["user_id"] for row in rows]
    assert {"'=1+1", "'+49", "'-x", "'@sum", 'say "hi", ok', "Zoë 🎫"} <= set(users)


def test_a_hold_says_until_when_it_keeps_its_units(shop: tuple[ServerProcess, Path]) -> None:
    server, ledger = shop
    for source in (("--address", server.address), ("--ledger", f"sqlite:///{ledger}")):
        (row,) = csv.DictReader(io.StringIO(exported("--sale", "holds", *source)))
        assert (row["user_id"], row["state"], row["end_time"]) == ("ann", "HELD", "")
        assert row["hold_expire_time"] > row["create_time"]


def test_states_and_ends_are_those_of_the_end_of_the_ledger(tmp_path: Path) -> None:
    stored(tmp_path / "ledger.db", whole_day())
    url = f"sqlite:///{tmp_path}/ledger.db"
    rows = from_json_lines(exported("--ledger", url, "--sale", "hats", "--format", "jsonl"))
    assert [(row["user_id"], row["state"], row["end_time"]) for row in rows] == [
        ("ann", "CONFIRMED", "1970-01-01T00:00:03.000000Z"),
        ("bob", "RELEASED", "1970-01-01T00:00:03.000000Z"),
        ("bob", "EXPIRED", "1970-01-01T00:00:13.000000Z"),
        ("dan", "CANCELLED", "1970-01-01T00:00:17.000000Z"),
        ("eve", "CONFIRMED", None),
    ]


def test_what_cannot_be_exported_is_one_clear_sentence(
    shop: tuple[ServerProcess, Path], tmp_path: Path
) -> None:
    server, ledger = shop
    for arguments in (
        ("--address", "127.0.0.1:1"),
        ("--address", server.address, "--sale", "nope"),
        ("--ledger", f"sqlite:///{ledger}", "--sale", "nope"),
        ("--ledger", f"sqlite:///{tmp_path}/nothing.db"),
        ("--ledger", f"sqlite:///{ledger}", "--output", str(tmp_path / "no" / "folder")),
    ):
        done = flash_sale("purchases", "export", *arguments)
        assert done.returncode == 1, arguments
        assert done.stderr.startswith("flash-sale: "), done.stderr
        assert done.stderr.count("\n") == 1

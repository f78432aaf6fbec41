"""Tokens, their lines and their roles."""

import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale_server.access import FileUnusable, Role, kept_tokens, may_ask, new_token
from flashsale_server.access.roles import BUYER_RPCS, HEALTH_RPCS, METRICS_RPCS
from flashsale_server.access.tokens import found

EVERY_RPC = {
    f"{service.full_name}/{method.name}"
    for file in (pb.DESCRIPTOR, admin.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
}


def test_every_rpc_of_the_table_is_one_of_the_contract() -> None:
    assert BUYER_RPCS | METRICS_RPCS <= EVERY_RPC
    assert {rpc for rpc in HEALTH_RPCS if rpc.startswith("flashsale.")} <= EVERY_RPC


def test_every_rpc_of_the_contract_has_its_roles() -> None:
    buyers = {rpc for rpc in EVERY_RPC if may_ask(Role.BUYER, rpc)}
    metrics = {rpc for rpc in EVERY_RPC if may_ask(Role.METRICS, rpc)}
    assert buyers == {rpc for rpc in EVERY_RPC if "FlashSaleService" in rpc}
    assert {rpc.partition("/")[2] for rpc in metrics} == {
        "Status",
        "WatchStatus",
        "Metrics",
        "Health",
        "GetSale",
        "ListSales",
        "WatchMetrics",
        "WatchSales",
    }
    assert all(may_ask(Role.ADMIN, rpc) for rpc in EVERY_RPC)


def test_what_no_row_names_is_the_admins_alone() -> None:
    rpc = "flashsale.v1.FlashSaleService/SellEverything"
    assert [role for role in Role if may_ask(role, rpc)] == [Role.ADMIN]


def test_a_token_is_found_by_its_line_and_by_nothing_else() -> None:
    token, kept = new_token(Role.BUYER, "shop backend")
    other, _ = new_token(Role.BUYER, "shop backend")
    lines = kept_tokens(f"# made on Tuesday\n\n{kept}  # the shop\n")
    assert lines == (kept,)
    assert found(token, lines) == kept
    assert found(other, lines) is None
    assert found(kept.sha256, lines) is None
    assert token not in str(kept)


def test_lines_may_be_parted_by_commas() -> None:
    kept = [new_token(role, f"number {at}")[1] for at, role in enumerate(Role)]
    assert kept_tokens(",".join(map(str, kept))) == tuple(kept)


@pytest.mark.parametrize(
    "line",
    [
        "buyer:shop",
        "buyer:shop:1234",
        f"clerk:shop:{'0' * 64}",
        f"buyer:shop:{'G' * 64}",
        f"buyer:shop:{'0' * 64}:more",
        "flashsale_secret",
    ],
)
def test_a_line_that_is_none_is_named_by_its_number_alone(line: str) -> None:
    with pytest.raises(FileUnusable, match="line 2 of the tokens is not role:name:sha256") as told:
        kept_tokens(f"# tokens\n{line}")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("name", ["", " shop", "a:b", "a#b", "a,b", "a\nb"])
def test_a_name_that_cannot_stand_in_a_line_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        new_token(Role.BUYER, name)

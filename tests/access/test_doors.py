"""Credentials at every door: gRPC, the SDK and JSON."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flashsale import AsyncClient
from flashsale import PermissionDenied as Denied
from flashsale import Unauthenticated as Unknown
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as admin_rpc
from flashsale_server.access import Role, new_token
from flashsale_server.settings import Settings, SettingsInvalid
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from tests.access.keys import pem
from tests.servers import Running, running

KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Shop:
    """A server with a token for each role, and a key for JWTs."""

    server: Running
    tokens: dict[Role, str]

    def token(self, who: Role | str) -> str:
        """A role's token, or a JWT of a user."""
        if isinstance(who, Role):
            return self.tokens[who]
        token: str = jwt.encode({"sub": who, "exp": time.time() + 60}, KEY, "ES256")
        return token

    def metadata(self, who: Role | str) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token(who)}"),)

    def client(self, who: Role | str) -> AsyncClient:
        return AsyncClient(self.server.address, token=self.token(who))

    def web(self, who: Role | str | None = None) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.token(who)}"} if who else {}
        return httpx.AsyncClient(base_url=self.server.url, headers=headers)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    made = {role: new_token(role, role.value) for role in Role}
    (tmp_path / "tokens").write_text("\n".join(str(kept) for _, kept in made.values()))
    (tmp_path / "keys.pem").write_text(pem(KEY))
    async with running(
        tokens=str(tmp_path / "tokens"), jwt_keys=str(tmp_path / "keys.pem"), per_user_limit="5"
    ) as server:
        yield Shop(server, {role: token for role, (token, _) in made.items()})


def reason_of(status: status_pb2.Status | None) -> str:
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return str(info.reason)


async def test_who_has_no_token_is_turned_away_at_every_door(shop: Shop) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await shop.server.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]  # it has what is read
    assert reason_of(status) == "UNAUTHENTICATED"
    async with AsyncClient(shop.server.address) as client:
        with pytest.raises(Unknown):
            await client.purchase("ann")
        with pytest.raises(Unknown):
            await client.status()
    async with shop.web() as web:
        for answer in (
            await web.post("/flash-sale/purchase", json={"userId": "ann"}),
            await web.get("/flash-sale/status"),
            await web.get("/metrics"),
            await web.get("/v1/sales"),
        ):
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.json()["details"][0]["reason"] == "UNAUTHENTICATED"
    assert shop.server.server.sale.inventory.sold_stock == 0


async def test_each_role_gets_what_is_its_own(shop: Shop) -> None:
    async with shop.client(Role.BUYER) as buyer, shop.client(Role.METRICS) as metrics:
        assert (await buyer.purchase("ann")).is_bought
        assert (await metrics.status()).sold_stock == 1
        with pytest.raises(Denied):
            await metrics.purchase("ann")
    async with shop.web(Role.BUYER) as buyer, shop.web(Role.ADMIN) as owner:
        answer = await buyer.post("/v1/sales/default:pause", json={})
        assert (answer.status_code, answer.json()["details"][0]["reason"]) == (
            403,
            "PERMISSION_DENIED",
        )
        assert (await owner.post("/v1/sales/default:pause", json={})).status_code == 200
    async with shop.web(Role.METRICS) as dashboard:
        assert (await dashboard.get("/metrics")).status_code == 200
        assert (await dashboard.get("/v1/sales")).status_code == 200
    async with grpc.aio.insecure_channel(shop.server.address) as channel:
        stub: admin_rpc.SaleAdminServiceAsyncStub = admin_rpc.SaleAdminServiceStub(channel)
        request = admin.ResumeSaleRequest(sale_id="default")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ResumeSale(request, metadata=shop.metadata(Role.BUYER))
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        sale = await stub.ResumeSale(request, metadata=shop.metadata(Role.ADMIN))
        assert sale.state == pb.SALE_STATE_LIVE


async def test_a_jwt_buys_looks_up_and_ends_holds_for_its_subject_alone(shop: Shop) -> None:
    async with shop.client("ann") as ann:
        mine = await ann.purchase("ann")
        assert mine.is_bought
        assert (await ann.get_purchase("ann")).purchased
        assert (await ann.status()).sold_stock == 1
        for forbidden in (
            ann.purchase("bob"),
            ann.purchase("bob", quantity=2),
            ann.get_purchase("bob"),
            ann.confirm(user_id="bob", purchase_id="p"),
            ann.release(user_id="bob", purchase_id="p"),
        ):
            with pytest.raises(Denied):
                await forbidden
    async with shop.web("ann") as browser:
        body = {"userId": "ann"}
        assert (await browser.post("/flash-sale/purchase", json=body)).status_code == 200
        for path in ("", "/p:confirm", "/p:release"):
            answer = await browser.post(f"/flash-sale/purchase{path}", json={"userId": "bob"})
            assert answer.status_code == 403
        assert (await browser.get("/flash-sale/purchase/bob")).status_code == 403
    assert shop.server.server.sale.inventory.purchases_of("bob") == ()


async def test_in_a_batch_and_a_stream_each_is_judged_by_itself(shop: Shop) -> None:
    users = ["ann", "bob", "ann"]
    rows = pb.BatchPurchaseRequest(requests=[pb.PurchaseRequest(user_id=user) for user in users])
    columns = pb.BatchPurchaseRequest(
        columns=pb.PurchaseColumns(user_ids=users, request_ids=["r-1", "r-2", "r-3"])
    )
    by_row = await shop.server.stub.BatchPurchase(rows, metadata=shop.metadata("ann"))
    assert [item.HasField("response") for item in by_row.results] == [True, False, True]
    by_column = await shop.server.stub.BatchPurchase(columns, metadata=shop.metadata("ann"))
    assert list(by_column.columns.outcomes) == [
        pb.OUTCOME_PURCHASED,
        pb.OUTCOME_UNSPECIFIED,
        pb.OUTCOME_PURCHASED,
    ]
    call = shop.server.stub.StreamPurchases(metadata=shop.metadata("ann"))
    for user in users:
        request = pb.PurchaseRequest(user_id=user, request_id=f"s-{user}")
        await call.write(pb.StreamPurchasesRequest(request=request))
    await call.done_writing()
    streamed = [item async for message in call for item in message.results]
    refused = [by_row.results[1].error, by_column.columns.others[0].result.error]
    refused += [item.error for item in streamed if item.HasField("error")]
    assert [reason_of(status) for status in refused] == ["PERMISSION_DENIED"] * 3
    assert shop.server.server.sale.inventory.purchases_of("bob") == ()


async def test_health_and_reflection_are_open_unless_set_otherwise(tmp_path: Path) -> None:
    _, kept = new_token(Role.BUYER, "backend")
    for is_open in (True, False):
        setting = "open" if is_open else "token"
        async with (
            running(tokens=str(kept), health=setting, reflection=setting) as server,
            grpc.aio.insecure_channel(server.address) as channel,
            httpx.AsyncClient(base_url=server.url) as web,
        ):
            codes = [await _code(ask) for ask in (_health(channel), _reflection(channel))]
            wanted = grpc.StatusCode.OK if is_open else grpc.StatusCode.UNAUTHENTICATED
            assert codes == [wanted] * 2
            answer = await web.get("/flash-sale/health")
            assert answer.status_code == (200 if is_open else 401)


async def test_reflection_can_be_switched_off() -> None:
    async with (
        running(reflection="off") as server,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        assert await _code(_reflection(channel)) is grpc.StatusCode.UNIMPLEMENTED
        assert await _code(_health(channel)) is grpc.StatusCode.OK


async def _health(channel: grpc.aio.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)  # its types know no asyncio
    await stub.Check(health_pb2.HealthCheckRequest())


async def _reflection(channel: grpc.aio.Channel) -> None:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
    asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    async for _ in stub.ServerReflectionInfo(asked):
        return


async def _code(ask: "object") -> grpc.StatusCode:
    try:
        await ask  # type: ignore[misc]  # one of the coroutines above
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_beyond_loopback_somebody_must_be_asked_for_a_token() -> None:
    with pytest.raises(SettingsInvalid, match="flash-sale token create") as told:
        Settings.read({"grpc_address": "0.0.0.0:1", "http_address": "0.0.0.0:2"}, {})
    assert len(told.value.problems) == 2
    _, kept = new_token(Role.BUYER, "backend")
    Settings.read({"grpc_address": "0.0.0.0:1", "tokens": str(kept)}, {})
    with pytest.raises(SettingsInvalid, match="only with --tokens"):
        Settings.read({"health": "token"}, {})


@pytest.mark.parametrize("name", ["/srv/flashsale_shop/tokens.txt", "tokens"])
def test_a_file_may_have_any_name(name: str) -> None:
    Settings.read({"tokens": name}, {})
    Settings.read({"tokens": f"buyer:flashsale_web:{'0' * 64}"}, {})


def test_keys_in_the_place_of_their_file_are_not_repeated() -> None:
    for keys in ('{"keys": [{"kty": "oct", "k": "SECRET"}]}', pem(KEY)):
        with pytest.raises(SettingsInvalid, match="--jwt-keys is keys itself") as told:
            Settings.read({"jwt_keys": keys}, {})
        assert "SECRET" not in str(told.value)


async def test_who_says_two_things_is_believed_neither(shop: Shop) -> None:
    twice = [("authorization", f"Bearer {shop.token(role)}") for role in (Role.BUYER, Role.ADMIN)]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await shop.server.stub.Status(pb.StatusRequest(), metadata=tuple(twice))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    async with httpx.AsyncClient(base_url=shop.server.url) as web:
        for path in ("/flash-sale/status", "/v1/sales", "/metrics"):
            assert (await web.get(path, headers=twice)).status_code == 401


async def test_who_is_not_known_is_told_so_whatever_they_send(shop: Shop) -> None:
    async with grpc.aio.insecure_channel(shop.server.address) as channel:
        ask: Any = channel.unary_unary("/flashsale.v1.FlashSaleService/Purchase")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(b"\xff")
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_token_in_the_place_of_its_file_is_not_repeated() -> None:
    token, _ = new_token(Role.BUYER, "backend")
    with pytest.raises(SettingsInvalid, match="--tokens is a token itself") as told:
        Settings.read({"tokens": token}, {})
    assert token not in str(told.value)


def test_what_jwts_must_say_is_of_no_use_without_their_keys() -> None:
    for name in ("jwt_audience", "jwt_issuer"):
        with pytest.raises(SettingsInvalid, match="of no use without --jwt-keys"):
            Settings.read({name: "shop"}, {})

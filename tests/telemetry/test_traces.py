"""Traces as a collector gets them: what links to what, what is sampled, and what gets lost."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc
from flashsale_server.settings import Settings, SettingsInvalid
from flashsale_server.telemetry import TracesUnusable, open_traces
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.access.keys import pem
from tests.checkout.troubled_ledger import Fate, TroubledLedger
from tests.servers import running, server_process
from tests.telemetry.collector import Collector, attributes_of, collecting

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{PARENT}-01"
NOT_SAMPLED = f"00-{TRACE}-{PARENT}-00"
ALL, NONE = "1", "0"


def children_of(collector: Collector, span: Span) -> dict[str, Span]:
    return {item.name: item for item in collector.spans if item.parent_span_id == span.span_id}


def is_linked(one: Span, other: Span) -> bool:
    return any(
        (link.trace_id, link.span_id) == (other.trace_id, other.span_id) for link in one.links
    )


async def test_a_purchase_links_to_its_batch_which_shows_where_the_time_went(
    tmp_path: Path,
) -> None:
    async with collecting() as collector:
        flags = ("--otlp-endpoint", collector.address, "--trace-ratio", "1")
        with server_process(tmp_path, *flags) as server:
            async with grpc.aio.insecure_channel(server.address) as channel:
                await rpc.FlashSaleServiceStub(channel).Purchase(pb.PurchaseRequest(user_id="ann"))
            assert await asyncio.to_thread(server.terminate) == 0
        (call,) = collector.named("Purchase")
        (batch,) = collector.named("batch")
        parts = children_of(collector, batch)
    assert call.name == "flashsale.v1.FlashSaleService/Purchase"
    assert call.kind == Span.SPAN_KIND_SERVER
    assert is_linked(call, batch)
    assert is_linked(batch, call)
    assert call.trace_id != batch.trace_id
    assert list(parts) == ["queue", "decide", "append"]
    assert parts["queue"].start_time_unix_nano == batch.start_time_unix_nano
    assert parts["queue"].end_time_unix_nano == parts["decide"].start_time_unix_nano
    assert parts["decide"].end_time_unix_nano <= parts["append"].start_time_unix_nano
    assert parts["append"].end_time_unix_nano == batch.end_time_unix_nano
    assert all(item.start_time_unix_nano <= item.end_time_unix_nano for item in collector.spans)
    told = attributes_of(batch.attributes)
    assert told["flash_sale.sale_id"] == "default"
    assert (told["flash_sale.batch.calls"], told["flash_sale.batch.entries"]) == (1, 1)
    assert "ann" not in str(collector.spans)
    assert collector.resources[0]["service.name"] == "flash-sale"
    assert str(collector.resources[0]["service.instance.id"])


async def test_what_was_drawn_last_is_sent_before_the_server_is_gone(tmp_path: Path) -> None:
    async with collecting() as collector:
        flags = ("--otlp-endpoint", collector.address, "--trace-ratio", "1", "--stock", "1000")
        with server_process(tmp_path, *flags) as server:
            async with grpc.aio.insecure_channel(server.address) as channel:
                stub = rpc.FlashSaleServiceStub(channel)
                buying = [
                    stub.Purchase(pb.PurchaseRequest(user_id=f"u-{number}"))
                    for number in range(300)
                ]
                await asyncio.gather(*buying)
            assert await asyncio.to_thread(server.terminate) == 0
        calls, batches = collector.named("Purchase"), collector.named("batch")
        names = {(item.trace_id, item.span_id) for item in batches}
        linked = [(link.trace_id, link.span_id) for call in calls for link in call.links]
    assert len(calls) == 300
    assert len(linked) == 300
    assert set(linked) == names


@pytest.mark.parametrize(("carried", "count"), [(SAMPLED, 1), (NOT_SAMPLED, 0)])
async def test_a_trace_that_comes_along_decides_over_both_doors(carried: str, count: int) -> None:
    ratio = NONE if count else ALL
    async with collecting() as collector:
        async with running(otlp_endpoint=collector.address, trace_ratio=ratio) as shop:
            metadata = (("traceparent", carried), ("tracestate", "shop=1"))
            await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"), metadata=metadata)
            async with httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
                body = {"userId": "bob"}
                headers = {"traceparent": carried, "tracestate": "shop=1"}
                await web.post("/flash-sale/purchase", json=body, headers=headers)
        calls = collector.named("Purchase")
    assert len(calls) == 2 * count
    for call in calls:
        assert (call.trace_id.hex(), call.parent_span_id.hex()) == (TRACE, PARENT)
        assert call.trace_state == "shop=1"
    assert len(collector.named("batch")) == 2 * count


@pytest.mark.parametrize("carried", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", "00-\u00b2-1"])
async def test_what_names_no_trace_is_as_none(carried: str) -> None:
    async with collecting() as collector:
        async with running(otlp_endpoint=collector.address, trace_ratio=ALL) as shop:
            async with httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
                headers = {b"traceparent": carried.encode("latin-1")}
                body = {"userId": "ann"}
                answer = await web.post("/flash-sale/purchase", json=body, headers=headers)
                assert answer.status_code == 200
        (call,) = collector.named("Purchase")
    assert call.parent_span_id == b""


async def test_without_a_sampled_call_nothing_is_drawn() -> None:
    async with collecting() as collector:
        async with running(otlp_endpoint=collector.address, trace_ratio=NONE) as shop:
            await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
    assert collector.spans == []


async def test_a_batch_of_requests_is_one_call_and_a_refusal_appends_nothing() -> None:
    requests = [pb.PurchaseRequest(user_id=f"u-{number}") for number in range(3)]
    async with collecting() as collector:
        async with running(stock="0", otlp_endpoint=collector.address, trace_ratio=ALL) as shop:
            await shop.stub.BatchPurchase(pb.BatchPurchaseRequest(requests=requests))
        (call,) = collector.named("BatchPurchase")
        (batch,) = collector.named("batch")
    assert is_linked(call, batch)
    assert list(children_of(collector, batch)) == ["queue", "decide"]
    assert attributes_of(batch.attributes)["flash_sale.batch.calls"] == 3


async def test_each_purchase_of_a_stream_has_a_span() -> None:
    def requests() -> Iterator[pb.StreamPurchasesRequest]:
        for request_id in ("a", "b", "a"):
            request = pb.PurchaseRequest(user_id="ann", request_id=request_id)
            yield pb.StreamPurchasesRequest(request=request)

    async with collecting() as collector:
        async with running(otlp_endpoint=collector.address, trace_ratio=ALL) as shop:
            answers = [item async for item in shop.stub.StreamPurchases(requests())]
            assert sum(len(answer.results) for answer in answers) == 3
        calls = collector.named("StreamPurchases")
        batches = collector.named("batch")
    assert len(calls) == 3
    assert all(call.end_time_unix_nano for call in calls)
    assert any(is_linked(call, batch) for call in calls for batch in batches)


async def test_a_failed_append_is_an_error_of_the_purchases_of_a_stream() -> None:
    def requests() -> Iterator[pb.StreamPurchasesRequest]:
        yield pb.StreamPurchasesRequest(request=pb.PurchaseRequest(user_id="ann"))

    ledger = TroubledLedger()
    async with collecting() as collector:
        async with running(ledger, otlp_endpoint=collector.address, trace_ratio=ALL) as shop:
            ledger.fates.append(Fate.REJECTED)
            (answer,) = [item async for item in shop.stub.StreamPurchases(requests())]
            assert answer.results[0].HasField("error")
        (call,) = collector.named("StreamPurchases")
    assert call.status.code == Status.STATUS_CODE_ERROR
    assert attributes_of(call.attributes)["error.type"] == "LEDGER_UNAVAILABLE"


async def test_who_hangs_up_on_a_stream_ends_their_spans() -> None:
    ledger = TroubledLedger()
    async with collecting() as collector:
        async with running(ledger, otlp_endpoint=collector.address, trace_ratio=ALL) as shop:
            ledger.stall()
            stream = shop.stub.StreamPurchases()
            await stream.write(pb.StreamPurchasesRequest(request=pb.PurchaseRequest(user_id="ann")))
            await ledger.asked.wait()
            stream.cancel()
            await collector.until(lambda came: bool(came.named("StreamPurchases")))
            ledger.go_on()
        (call,) = collector.named("StreamPurchases")
    assert attributes_of(call.attributes)["error.type"] == "CANCELLED"


async def test_an_error_of_the_caller_is_told_and_is_none_of_the_server() -> None:
    async with collecting() as collector:
        async with running(otlp_endpoint=collector.address, trace_ratio=ALL) as shop:
            with pytest.raises(grpc.aio.AioRpcError):
                await shop.stub.Purchase(pb.PurchaseRequest())
        (call,) = collector.named("Purchase")
    assert attributes_of(call.attributes)["error.type"] == "INVALID_FIELD"
    assert call.status.code == Status.STATUS_CODE_UNSET


async def test_a_failed_append_is_an_error_of_the_batch_and_of_its_calls() -> None:
    ledger = TroubledLedger()
    async with collecting() as collector:
        async with running(ledger, otlp_endpoint=collector.address, trace_ratio=ALL) as shop:
            ledger.fates.append(Fate.REJECTED)
            with pytest.raises(grpc.aio.AioRpcError):
                await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        (call,) = collector.named("Purchase")
        (batch,) = collector.named("batch")
    assert is_linked(call, batch)
    assert batch.status.code == Status.STATUS_CODE_ERROR
    assert call.status.code == Status.STATUS_CODE_ERROR
    assert attributes_of(call.attributes)["error.type"] == "LEDGER_UNAVAILABLE"


async def test_who_leaves_ends_their_span() -> None:
    ledger = TroubledLedger()
    async with collecting() as collector:
        async with running(ledger, otlp_endpoint=collector.address, trace_ratio=ALL) as shop:
            ledger.stall()
            asking = shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
            await ledger.asked.wait()
            asking.cancel()
            await collector.until(lambda came: bool(came.named("Purchase")))
            ledger.go_on()
        (call,) = collector.named("Purchase")
    assert attributes_of(call.attributes)["error.type"] == "CANCELLED"


async def test_a_collector_that_is_away_delays_and_fails_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:  # it takes connections, and no more
        for port in (1, hangs.getsockname()[1]):
            flags = ("--otlp-endpoint", f"http://127.0.0.1:{port}", "--trace-ratio", "1")
            with server_process(tmp_path, *flags, "--ledger", "memory:") as server:
                async with grpc.aio.insecure_channel(server.address) as channel:
                    stub = rpc.FlashSaleServiceStub(channel)
                    for number in range(50):
                        request = pb.PurchaseRequest(user_id=f"u-{number}")
                        answer = await stub.Purchase(request, timeout=5)
                        assert answer.outcome == pb.OUTCOME_PURCHASED
                assert await asyncio.to_thread(server.terminate) == 0


async def test_a_collector_that_is_away_is_told_of_once_in_the_log(tmp_path: Path) -> None:
    flags = ("--otlp-endpoint", "http://127.0.0.1:1", "--trace-ratio", "1")
    with server_process(tmp_path, *flags, stderr=subprocess.PIPE) as server:
        async with grpc.aio.insecure_channel(server.address) as channel:
            await rpc.FlashSaleServiceStub(channel).Purchase(pb.PurchaseRequest(user_id="ann"))
        assert await asyncio.to_thread(server.terminate) == 0
        assert server.process.stderr is not None
        events = [json.loads(line)["event"] for line in server.process.stderr]
    assert sorted(events) == ["stopped", "traces are not sent"]


async def test_whose_token_is_bound_to_one_user_does_not_say_what_is_drawn(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    keys = tmp_path / "keys.pem"
    keys.write_text(pem(key))
    token = jwt.encode({"sub": "ann", "exp": time.time() + 60}, key, "ES256")
    headers = {"traceparent": SAMPLED, "authorization": f"Bearer {token}"}
    async with collecting() as collector:
        async with running(
            jwt_keys=str(keys), otlp_endpoint=collector.address, trace_ratio=NONE
        ) as shop:
            async with httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
                body = {"userId": "ann"}
                answer = await web.post("/flash-sale/purchase", json=body, headers=headers)
                assert answer.status_code == 200
    assert collector.spans == []


def test_without_the_setting_nothing_of_it_is_loaded() -> None:
    check = "import sys, flashsale_server.app; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_where_what_makes_traces_is_missing_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "flashsale_server.telemetry.traces", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(
        TracesUnusable, match=r"flash-sale\[traces\]: opentelemetry.sdk.trace is not"
    ):
        open_traces("http://127.0.0.1:1", ratio=1, node="n", version="1")


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1:4317", "http://", "http://h", "ftp://h:1", "http://h:1/v1"],
)
def test_what_is_no_address_of_a_collector_is_refused(endpoint: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Settings.read({"otlp_endpoint": endpoint}, {})
    (problem,) = refused.value.problems
    assert "--otlp-endpoint is" in problem
    assert "must be http://host:port or https://host:port" in problem


def test_a_password_in_the_collectors_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsInvalid, match="must not have a password in it") as refused:
        Settings.read({"otlp_endpoint": "http://user:secret@h:1"}, {})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("ratio", ["-0.1", "1.1", "nan", "some"])
def test_what_is_no_part_of_the_calls_is_refused(ratio: str) -> None:
    flags = {"otlp_endpoint": "http://127.0.0.1:4317", "trace_ratio": ratio}
    with pytest.raises(SettingsInvalid, match="must be a number from 0 to 1"):
        Settings.read(flags, {})


def test_a_ratio_without_a_collector_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="--trace-ratio is of no use"):
        Settings.read({"trace_ratio": "0.5"}, {})

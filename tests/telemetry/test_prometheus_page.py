"""What a server shows at /metrics, by the names and in the units that Prometheus asks for."""

import asyncio
import contextlib
import time
from pathlib import Path

import grpc
import httpx
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as admin_rpc
from flashsale_server.domain import Entry
from flashsale_server.ledger import open_ledger

from tests.checkout.faulty_ledger import append_elsewhere
from tests.checkout.troubled_ledger import TroubledLedger
from tests.servers import running
from tests.telemetry.pages import families_of, page_of

BUYERS = "flashsale.v1.FlashSaleService"
UNARY = {"grpc_type": "unary", "grpc_service": BUYERS, "grpc_method": "Purchase"}


async def test_decisions_are_counted_by_sale_and_outcome() -> None:
    async with running(stock="1") as shop, grpc.aio.insecure_channel(shop.address) as channel:
        stub: admin_rpc.SaleAdminServiceAsyncStub = admin_rpc.SaleAdminServiceStub(channel)
        sale = admin.Sale(total_stock=5)
        await stub.CreateSale(admin.CreateSaleRequest(sale_id="hats", sale=sale))
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", request_id="r"))
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", request_id="r"))
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="bob"))
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="bob", sale_id="hats"))
        page = await page_of(shop)
    name = "flash_sale_purchases_total"
    assert page.value(name, sale="default", outcome="purchased") == 1
    assert page.value(name, sale="default", outcome="sold_out") == 1
    assert page.value(name, sale="hats", outcome="purchased") == 1
    assert page.value(name, sale="hats", outcome="sold_out") == 0
    assert page.value("flash_sale_attempts_total") == 4
    assert page.value("flash_sale_replays_total") == 1
    assert page.value("flash_sale_appends_total", result="accepted") == 2
    assert page.value("flash_sale_stock", sale="hats", part="available") == 4
    assert page.value("flash_sale_stock", sale="default", part="sold") == 1
    assert page.value("flash_sale_sales", state="live") == 1
    assert page.value("flash_sale_sales", state="sold_out") == 1


async def test_what_has_not_happened_is_there_as_none() -> None:
    """An alert on the first of something needs the 0 before it."""
    async with running() as shop:
        page = await page_of(shop)
    assert page.value("flash_sale_errors_total", reason="outcome_unknown") == 0
    assert page.value("flash_sale_appends_total", result="failed") == 0
    assert page.value("flash_sale_purchases_total", sale="default", outcome="paused") == 0
    assert page.value("grpc_server_handled_total", **UNARY, grpc_code="OK") == 0
    assert page.value("flash_sale_lanes_stopped") == 0


async def test_counters_end_in_total_and_durations_are_in_seconds() -> None:
    async with running() as shop:
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        families = await families_of(shop)
    for family in families.values():
        assert family.documentation, family.name
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples), family.name
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
            assert not family.samples or {
                sample.name.removeprefix(family.name) for sample in family.samples
            } == {
                "_bucket",
                "_count",
                "_sum",
            }
    duration = families["flash_sale_purchase_duration_seconds"]
    counts = [sample.value for sample in duration.samples if sample.name.endswith("_bucket")]
    bounds = [sample.labels["le"] for sample in duration.samples if "le" in sample.labels]
    assert counts == sorted(counts)
    assert (counts[-1], bounds[-1]) == (1, "+Inf")


async def test_the_server_says_what_and_how_it_is(tmp_path: Path) -> None:
    ledger = await open_ledger(f"sqlite:///{tmp_path}/sale.db", node="node")
    async with running(ledger) as shop:
        page = await page_of(shop)
    assert page.value("flash_sale_health", health="healthy") == 1
    assert page.value("flash_sale_health", health="unhealthy") == 0
    assert page.value("flash_sale_circuit_state", state="closed") == 1
    assert page.value("flash_sale_queue_capacity") == 10_000
    assert page.labels("flash_sale_build_info", "version") == {"0.1.0"}
    assert abs(page.value("process_start_time_seconds") - time.time()) < 86_400
    assert page.value("process_resident_memory_bytes") > 1_000_000
    assert page.value("process_cpu_seconds_total") > 0
    assert page.value("flash_sale_ledger_size_bytes") > 0
    free = page.value("flash_sale_ledger_disk_free_bytes")
    assert 0 < free <= page.value("flash_sale_ledger_disk_size_bytes")


async def test_a_ledger_without_a_file_has_no_disk() -> None:
    async with running() as shop:
        assert "flash_sale_ledger_size_bytes" not in await families_of(shop)


async def test_a_lane_that_has_stopped_is_counted() -> None:
    ledger = TroubledLedger()
    async with running(ledger) as shop:
        await append_elsewhere(ledger, Entry("of a later version"), sale_id="default")
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.stub.Status(pb.StatusRequest())
        page = await page_of(shop)
    assert page.value("flash_sale_lanes_stopped") == 1


async def test_grpc_calls_are_counted_by_method_and_code() -> None:
    async with running() as shop:
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.stub.Purchase(pb.PurchaseRequest())
        with pytest.raises(grpc.aio.AioRpcError):
            await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", sale_id="nope"))
        page = await page_of(shop)
    assert page.value("grpc_server_started_total", **UNARY) == 3
    handled = "grpc_server_handled_total"
    assert page.value(handled, **UNARY, grpc_code="OK") == 1
    assert page.value(handled, **UNARY, grpc_code="InvalidArgument") == 1
    assert page.value(handled, **UNARY, grpc_code="NotFound") == 1
    assert page.value("grpc_server_handling_seconds_count", **UNARY) == 3
    assert page.value("grpc_server_handling_seconds_sum", **UNARY) > 0


async def test_streams_are_counted_when_they_end_and_by_how() -> None:
    watch = {"grpc_type": "server_stream", "grpc_service": BUYERS, "grpc_method": "WatchStatus"}
    both = {"grpc_type": "bidi_stream", "grpc_service": BUYERS, "grpc_method": "StreamPurchases"}
    handled = "grpc_server_handled_total"
    async with running() as shop:
        stream = shop.stub.WatchStatus(pb.WatchStatusRequest())
        await stream.read()
        page = await page_of(shop)
        assert page.value("grpc_server_started_total", **watch) == 1
        assert page.value(handled, **watch, grpc_code="OK") == 0
        stream.cancel()
        request = pb.StreamPurchasesRequest(request=pb.PurchaseRequest(user_id="ann"))
        answers = [item async for item in shop.stub.StreamPurchases(iter([request]))]
        assert len(answers) == 1
        async with asyncio.timeout(20):
            while "Canceled" not in (await page_of(shop)).labels(handled, "grpc_code"):
                pass
        page = await page_of(shop)
    assert page.value(handled, **watch, grpc_code="Canceled") == 1
    assert page.value(handled, **both, grpc_code="OK") == 1


async def test_a_call_whose_time_is_over_is_counted_as_late() -> None:
    ledger = TroubledLedger()
    handled = "grpc_server_handled_total"
    async with running(ledger) as shop, asyncio.timeout(60):
        ledger.stall()
        # On a busy machine the caller's clock is so far ahead of the server's that they just left.
        while "DeadlineExceeded" not in (await page_of(shop)).labels(handled, "grpc_code"):
            with pytest.raises(grpc.aio.AioRpcError):
                await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"), timeout=0.2)
        ledger.go_on()


async def test_http_requests_are_counted_by_route_and_code() -> None:
    async with running() as shop, httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
        for user_id in ("ann", "bob"):
            await web.get(f"/flash-sale/purchase/{user_id}")
        await web.post("/flash-sale/purchase", json={"userId": "ann"})
        await web.post("/flash-sale/purchase", json={"userId": ""})
        await web.get("/metrics")
        await web.post("/metrics")
        for path in ("/nowhere", "/nowhere/else"):
            await web.request("PROPFIND", path)
        page = await page_of(shop)
    name = "http_requests_total"
    route = "/flash-sale/purchase"
    assert page.value(name, method="GET", route=route + "/{user_id}", code="200") == 2
    assert page.value(name, method="POST", route=route, code="200") == 1
    assert page.value(name, method="POST", route=route, code="400") == 1
    assert page.value(name, method="GET", route="/metrics", code="200") == 1
    assert page.value(name, method="POST", route="/metrics", code="405") == 1
    assert page.value(name, method="OTHER", route="unmatched", code="404") == 2
    assert page.value("http_request_duration_seconds_count", method="POST", route=route) == 2


async def test_an_event_stream_that_is_left_is_counted() -> None:
    async with running() as shop, httpx.AsyncClient(base_url=shop.url, timeout=20) as web:
        with contextlib.suppress(httpx.StreamClosed):
            async with web.stream("GET", "/flash-sale/status:watch") as answer:
                await anext(answer.aiter_lines())
        async with asyncio.timeout(20):
            route = "/flash-sale/status:watch"
            while route not in (await page_of(shop)).labels("http_requests_total", "route"):
                pass


async def test_a_hundred_sales_are_counted_by_themselves_and_more_together() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        stub: admin_rpc.SaleAdminServiceAsyncStub = admin_rpc.SaleAdminServiceStub(channel)
        for number in range(105):
            sale = admin.Sale(total_stock=3)
            await stub.CreateSale(admin.CreateSaleRequest(sale_id=f"s-{number}", sale=sale))
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", sale_id="s-104"))
        page = await page_of(shop)
        assert len(page.labels("flash_sale_purchases_total", "sale")) == 101
        assert page.value("flash_sale_purchases_total", sale="_other", outcome="purchased") == 1
        assert page.value("flash_sale_stock", sale="_other", part="sold") == 1
        assert page.value("flash_sale_stock", sale="_other", part="available") == 17
        # A sale that is over makes room for one that begins.
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", sale_id="s-7"))
        await stub.EndSale(admin.EndSaleRequest(sale_id="s-7"))
        sale = admin.Sale(total_stock=3)
        await stub.CreateSale(admin.CreateSaleRequest(sale_id="late", sale=sale))
        page = await page_of(shop)
        metrics = await shop.stub.Metrics(pb.MetricsRequest())
    assert "s-7" not in page.labels("flash_sale_purchases_total", "sale")
    assert page.value("flash_sale_purchases_total", sale="late", outcome="purchased") == 0
    assert page.value("flash_sale_purchases_total", sale="_other", outcome="purchased") == 2
    assert {item.outcome: item.count for item in metrics.outcomes} == {pb.OUTCOME_PURCHASED: 2}

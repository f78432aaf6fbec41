"""Watching, metrics, health, reflection: what is around the purchases."""

from typing import Any

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from tests.servers import Running, running

SERVICE = "flashsale.v1.FlashSaleService"


async def test_status_adds_up() -> None:
    async with running(stock="10", title="One red bicycle") as shop:
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann"))
        status = await shop.stub.Status(pb.StatusRequest())
    assert status.title == "One red bicycle"
    assert status.state == pb.SALE_STATE_LIVE
    assert (status.total_stock, status.available_stock, status.sold_stock) == (10, 9, 1)
    assert not status.sold_out
    assert status.system_health == pb.SYSTEM_HEALTH_HEALTHY
    assert status.position == 2


async def test_a_watcher_sees_the_sale_now_and_after_each_change() -> None:
    async with running(stock="2") as shop:
        interval = Duration(nanos=200_000_000)
        stream = shop.stub.WatchStatus(pb.WatchStatusRequest(min_interval=interval))
        seen = [await _next(stream)]
        for user_id in ("ann", "bob"):
            await shop.stub.Purchase(pb.PurchaseRequest(user_id=user_id))
            seen.append(await _next(stream))
        stream.cancel()
    assert [status.available_stock for status in seen] == [2, 1, 0]
    assert seen[-1].sold_out


@pytest.mark.parametrize("millis", [0, 199, 15_001])
async def test_a_watcher_may_ask_for_0_2_to_15_seconds(millis: int) -> None:
    interval = Duration()
    interval.FromMilliseconds(millis)
    async with running() as shop:
        stream = shop.stub.WatchStatus(pb.WatchStatusRequest(min_interval=interval))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stream.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_watchers_are_let_go_when_the_server_stops() -> None:
    async with running() as shop:
        stream = shop.stub.WatchStatus(pb.WatchStatusRequest())
        await _next(stream)
        await shop.server.stop()
        while (message := await stream.read()) is not grpc.aio.EOF:
            assert isinstance(message, pb.WatchStatusResponse)


async def test_metrics_count_what_happened() -> None:
    async with running(stock="1") as shop:
        for request_id in ("r-1", "r-1"):
            await shop.stub.Purchase(pb.PurchaseRequest(user_id="ann", request_id=request_id))
        await shop.stub.Purchase(pb.PurchaseRequest(user_id="bob"))
        metrics = await shop.stub.Metrics(pb.MetricsRequest())
    counts = {item.outcome: item.count for item in metrics.outcomes}
    assert counts == {pb.OUTCOME_PURCHASED: 1, pb.OUTCOME_SOLD_OUT: 1}
    assert metrics.attempts == 3
    assert metrics.replays == 1
    assert metrics.success_rate == 0.5
    assert metrics.appends == 1
    assert metrics.queue_length == 0
    assert metrics.queue_length_peak == 1
    assert metrics.latency_ms_p99 > 0
    assert metrics.circuit_state == pb.CIRCUIT_STATE_CLOSED
    assert metrics.node == shop.server.node


async def test_health_says_how_the_server_is() -> None:
    async with running() as shop:
        health = await shop.stub.Health(pb.HealthRequest())
    assert health.health == pb.SYSTEM_HEALTH_HEALTHY
    assert not health.reasons
    assert health.ledger == "memory:"
    assert health.memory_bytes > 1_000_000
    assert health.version
    assert not health.draining


async def test_probes_see_each_service_and_are_told_when_it_stops() -> None:
    async with running() as shop, grpc.aio.insecure_channel(shop.address) as channel:
        probe: Any = health_pb2_grpc.HealthStub(channel)  # its types know no asyncio
        for name in ("", SERVICE):
            answer = await probe.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await probe.Check(health_pb2.HealthCheckRequest(service="nope"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        watch = probe.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
        statuses = [(await watch.read()).status]
        await shop.server.stop()
        statuses.append((await watch.read()).status)
    serving = health_pb2.HealthCheckResponse
    assert statuses == [serving.SERVING, serving.NOT_SERVING]


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_and_describes_every_service(version: str) -> None:
    asking = reflection_pb2.ServerReflectionRequest
    async with running() as shop:
        listed = await _reflected(shop, version, asking(list_services=""))
        names = [item.name for item in listed.list_services_response.service]
        assert {SERVICE, "grpc.health.v1.Health"} <= set(names)
        for name in names:
            file = await _reflected(shop, version, asking(file_containing_symbol=name))
            assert file.file_descriptor_response.file_descriptor_proto


async def _reflected(
    shop: Running, version: str, request: reflection_pb2.ServerReflectionRequest
) -> reflection_pb2.ServerReflectionResponse:
    async with grpc.aio.insecure_channel(shop.address) as channel:
        call = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )(iter([request]))
        answer = await call.read()
        assert isinstance(answer, reflection_pb2.ServerReflectionResponse)
        return answer


async def _next(
    stream: "grpc.aio.UnaryStreamCall[pb.WatchStatusRequest, pb.WatchStatusResponse]",
) -> pb.StatusResponse:
    message = await stream.read()
    assert isinstance(message, pb.WatchStatusResponse)
    return message.status

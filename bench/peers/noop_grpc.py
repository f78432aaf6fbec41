"""A gRPC server with the service's own options that decides nothing and keeps nothing.

It reads each request and answers with a message that was made at its start, shaped like the
service's own answers. What it can carry is what the transport can carry.

    python -m bench.peers.noop_grpc 127.0.0.1:50061 PURCHASED
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import grpc
import uvloop
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale_server.grpc_api.serving import server_options
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from bench.tuning import tuned

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
_Kind = Callable[..., "grpc.RpcMethodHandler[Any, Any]"]
_unary: _Kind = grpc.unary_unary_rpc_method_handler
_streams: _Kind = grpc.stream_stream_rpc_method_handler


def answer_of(outcome: str) -> pb.PurchaseResponse:
    """An answer as long as the service's own."""
    request_id = "0123456789abcdef0123456789abcdef"
    response = pb.PurchaseResponse(
        outcome=f"OUTCOME_{outcome}", request_id=request_id, sale_id="default"
    )
    if outcome == "PURCHASED":
        purchase = pb.Purchase(
            purchase_id="abcdefghijklmnopqrst",
            sale_id="default",
            user_id="bench-no-op-123-4567",
            request_id=request_id,
            quantity=1,
            state=pb.PURCHASE_STATE_CONFIRMED,
            position=1_000_000,
            create_time=Timestamp(seconds=1_700_000_000, nanos=123_456_000),
        )
        response.purchase.CopyFrom(purchase)
    return response


class Noop:
    """What is answered, whatever is asked."""

    def __init__(self, outcome: str) -> None:
        self._response = answer_of(outcome)
        request_id = self._response.request_id
        self._result = pb.PurchaseResult(request_id=request_id, response=self._response)

    async def Status(self, request: pb.StatusRequest, context: _Context) -> pb.StatusResponse:
        return pb.StatusResponse()

    async def Purchase(self, request: pb.PurchaseRequest, context: _Context) -> pb.PurchaseResponse:
        return self._response

    async def BatchPurchase(
        self, request: pb.BatchPurchaseRequest, context: _Context
    ) -> pb.BatchPurchaseResponse:
        if not request.HasField("columns"):
            return pb.BatchPurchaseResponse(results=[self._result] * len(request.requests))
        count = len(request.columns.user_ids)
        columns = pb.ResultColumns(outcomes=[self._response.outcome] * count)
        if self._response.HasField("purchase"):
            purchase = self._response.purchase
            columns.purchase_ids.extend([purchase.purchase_id] * count)
            columns.positions.extend([purchase.position] * count)
            columns.create_times_us.extend([purchase.create_time.ToMicroseconds()] * count)
        return pb.BatchPurchaseResponse(columns=columns)

    async def StreamPurchases(
        self, requests: AsyncIterator[pb.StreamPurchasesRequest], context: _Context
    ) -> AsyncIterator[pb.StreamPurchasesResponse]:
        response = pb.StreamPurchasesResponse(results=[self._result])
        async for _ in requests:
            yield response


def handlers_of(noop: Noop) -> grpc.GenericRpcHandler:
    """The methods as grpc wants them, without anything between."""
    methods: dict[str, tuple[_Kind, Any, type[Message], type[Message]]] = {
        "Status": (_unary, noop.Status, pb.StatusRequest, pb.StatusResponse),
        "Purchase": (_unary, noop.Purchase, pb.PurchaseRequest, pb.PurchaseResponse),
        "BatchPurchase": (
            _unary,
            noop.BatchPurchase,
            pb.BatchPurchaseRequest,
            pb.BatchPurchaseResponse,
        ),
        "StreamPurchases": (
            _streams,
            noop.StreamPurchases,
            pb.StreamPurchasesRequest,
            pb.StreamPurchasesResponse,
        ),
    }
    handlers = {
        name: kind(method, request.FromString, response.SerializeToString)
        for name, (kind, method, request, response) in methods.items()
    }
    return grpc.method_handlers_generic_handler("flashsale.v1.FlashSaleService", handlers)


async def serve(address: str, outcome: str) -> None:
    server = grpc.aio.server(options=server_options())
    server.add_generic_rpc_handlers([handlers_of(Noop(outcome))])
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    tuned()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(sys.argv[1], sys.argv[2]))

"""A gRPC server that sells without keeping anything, and tells one kind of lie about it.

python lying_server.py 127.0.0.1:50061 nothing|twice|outcome|user|stock|forgetting
"""

import asyncio
import itertools
import sys
from typing import Any, TypeAlias

import grpc
from flashsale.v1 import flash_sale_pb2 as pb

_Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
LIES_AT = 7


class Liar:
    def __init__(self, lie: str) -> None:
        self._lie = lie
        self._numbers = itertools.count()
        self._sold = 0
        self._bought: dict[str, pb.Purchase] = {}

    async def status(self, _: pb.StatusRequest, _context: _Context) -> pb.StatusResponse:
        return pb.StatusResponse(sold_stock=self._sold)

    async def get_purchase(
        self, request: pb.GetPurchaseRequest, _: _Context
    ) -> pb.GetPurchaseResponse:
        bought = self._bought.get(request.user_id)
        return pb.GetPurchaseResponse(purchases=[bought] if bought else [])

    async def batch_purchase(
        self, request: pb.BatchPurchaseRequest, _: _Context
    ) -> pb.BatchPurchaseResponse:
        return pb.BatchPurchaseResponse(results=[self._result(item) for item in request.requests])

    def _result(self, request: pb.PurchaseRequest) -> pb.PurchaseResult:
        number = next(self._numbers)
        lie = self._lie if number == LIES_AT else "nothing"
        response = pb.PurchaseResponse(request_id=request.request_id)
        if lie == "outcome":
            response.outcome = pb.OUTCOME_SOLD_OUT
        else:
            response.outcome = pb.OUTCOME_PURCHASED
            response.purchase.user_id = "somebody" if lie == "user" else request.user_id
            response.purchase.purchase_id = f"purchase-{number - (lie == 'twice')}"
            response.purchase.position = number * 500  # each is looked up afterwards
            self._sold += lie != "stock"
            if lie != "forgetting":
                self._bought[request.user_id] = response.purchase
        return pb.PurchaseResult(request_id=request.request_id, response=response)


def handlers_of(liar: Liar) -> grpc.GenericRpcHandler:
    unary = grpc.unary_unary_rpc_method_handler
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Status": unary(
            liar.status, pb.StatusRequest.FromString, pb.StatusResponse.SerializeToString
        ),
        "GetPurchase": unary(
            liar.get_purchase,
            pb.GetPurchaseRequest.FromString,
            pb.GetPurchaseResponse.SerializeToString,
        ),
        "BatchPurchase": unary(
            liar.batch_purchase,
            pb.BatchPurchaseRequest.FromString,
            pb.BatchPurchaseResponse.SerializeToString,
        ),
    }
    return grpc.method_handlers_generic_handler("flashsale.v1.FlashSaleService", handlers)


async def serve(address: str, lie: str) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([handlers_of(Liar(lie))])
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2]))

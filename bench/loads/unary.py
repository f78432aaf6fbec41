"""Purchases one call each, over one connection of grpc.aio with the SDK's options, without the SDK.

For services whose callers do not use the SDK. It takes as much processor time as the server does,
so on few cores it measures itself as well; see ghz.py.
"""

import secrets

from flashsale.channel import channel_to
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc

from bench.loads.asking import ask_once, keep_asking, run
from bench.loads.messages import answer_of
from bench.measured import Answer, Measured
from bench.plan import Plan


async def purchases(plan: Plan) -> Measured:
    async with channel_to(plan.address, tls=False) as channel:
        stub: rpc.FlashSaleServiceAsyncStub = rpc.FlashSaleServiceStub(channel)
        await stub.Status(pb.StatusRequest(), timeout=60)  # connected before the load

        async def ask(user_id: str) -> Answer:
            request = pb.PurchaseRequest(
                user_id=user_id, quantity=1, request_id=secrets.token_hex(16), sale_id="default"
            )
            return answer_of(await stub.Purchase(request, timeout=60), user_id, plan)

        return await (ask_once if plan.repeats else keep_asking)(ask, plan)


if __name__ == "__main__":
    run(purchases)

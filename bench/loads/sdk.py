"""Purchases through the SDK: one AsyncClient that all callers share, as in a shop's backend."""

from flashsale import AsyncClient

from bench.loads.asking import ask_once, keep_asking, run
from bench.measured import Measured
from bench.plan import Plan


async def purchases(plan: Plan) -> Measured:
    async with AsyncClient(plan.address, timeout=60) as client:

        async def ask(user_id: str) -> tuple[str, str]:
            result = await client.purchase(user_id)
            purchase = result.purchase
            return result.outcome.value, purchase.purchase_id if purchase else ""

        if plan.repeats > 1:
            await client.status()  # a shop's client is connected before the rush
            return await ask_once(ask, plan)
        return await keep_asking(ask, plan)


if __name__ == "__main__":
    run(purchases)

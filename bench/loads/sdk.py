"""Purchases through the SDK: one AsyncClient that all callers share, as in a shop's backend."""

import itertools

from flashsale import AsyncClient, PurchaseResult

from bench.loads.asking import ask_once, keep_asking, run
from bench.measured import Answer, Measured
from bench.plan import Plan


async def purchases(plan: Plan) -> Measured:
    async with AsyncClient(plan.address, timeout=60) as client:
        await client.status()  # a shop's client is connected before the rush
        numbers = itertools.count()

        async def ask(user_id: str) -> Answer:
            return answer_of(await client.purchase(user_id), user_id, plan)

        async def ask_some_sale(user_id: str) -> Answer:
            sale_id = f"sale-{next(numbers) % plan.sales}"
            return answer_of(await client.purchase(user_id, sale_id=sale_id), user_id, plan)

        shape = ask_once if plan.repeats else keep_asking
        return await shape(ask_some_sale if plan.sales else ask, plan)


def answer_of(result: PurchaseResult, user_id: str, plan: Plan) -> Answer:
    """What the SDK says, looked at as every answer is."""
    purchase = result.purchase
    if purchase is None:
        return result.outcome.value, ""
    if plan.keeps and purchase.user_id != user_id:
        return "a purchase of another user", ""
    return result.outcome.value, purchase.purchase_id


if __name__ == "__main__":
    run(purchases)

"""Purchases through the SDK: one AsyncClient that all callers share, as in a shop's backend."""

import itertools

from flashsale import AsyncClient, Purchase, PurchaseResult

from bench import measured
from bench.loads.asking import ask_once, keep_asking, run
from bench.measured import Answer, Measured
from bench.plan import Plan

SAMPLE_EACH = 500
"""Of so many purchases one is looked up afterwards, by its user,"""
SAMPLES_MAX = 100
"""but no more of one load."""


async def purchases(plan: Plan) -> Measured:
    async with AsyncClient(plan.address, timeout=60) as client:
        await client.status()  # a shop's client is connected before the rush
        numbers = itertools.count()
        sampled: list[Purchase] = []

        async def ask(user_id: str) -> Answer:
            sale_id = f"sale-{next(numbers) % plan.sales}" if plan.sales else None
            result = await client.purchase(user_id, sale_id=sale_id)
            if result.purchase is not None and result.purchase.position % SAMPLE_EACH == 0:
                sampled.append(result.purchase)
            return answer_of(result, user_id, plan)

        shape = ask_once if plan.repeats else keep_asking
        came_to = await shape(ask, plan)
        if plan.keeps:
            missing = [item for item in sampled[:SAMPLES_MAX] if not await _is_held(client, item)]
            if missing:
                came_to.wrong["a purchase that the server does not hold"] = len(missing)
        return came_to


async def _is_held(client: AsyncClient, purchase: Purchase) -> bool:
    held = await client.get_purchase(purchase.user_id, sale_id=purchase.sale_id)
    return purchase in held.purchases


def answer_of(result: PurchaseResult, user_id: str, plan: Plan) -> Answer:
    """What the SDK says, looked at as every answer is."""
    return measured.answer_of(result.outcome.value, result.purchase, user_id, keeps=plan.keeps)


if __name__ == "__main__":
    run(purchases)

"""Purchases as JSON, many a call: POST /flash-sale/purchase:batch, `plan.batch` in each."""

import json

from bench.loads.asking import AskMany, keep_asking_many, run
from bench.loads.http_connection import HttpConnection, connections
from bench.loads.json_answers import answers_of
from bench.measured import Answer, Measured
from bench.plan import Plan

PATH = "/flash-sale/purchase:batch"


async def purchases(plan: Plan) -> Measured:
    def asking_on(connection: HttpConnection) -> AskMany:
        async def ask(name: str) -> list[Answer]:
            user_ids = [f"{name}-{number}" for number in range(plan.batch)]
            requests = [{"userId": user_id, "quantity": 1} for user_id in user_ids]
            body = json.dumps({"requests": requests}).encode()
            status, answer = await connection.post(PATH, plan.address, body)
            return answers_of(status, answer, user_ids, plan)

        return ask

    async with connections(plan) as opened:
        return await keep_asking_many([asking_on(item) for item in opened], plan)


if __name__ == "__main__":
    run(purchases)

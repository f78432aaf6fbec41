"""Purchases as JSON: POST /flash-sale/purchase, each caller on a connection of its own."""

from bench.loads.asking import Ask, keep_asking_each, run
from bench.loads.http_connection import HttpConnection, connections
from bench.loads.json_answers import answer_of
from bench.measured import Answer, Measured
from bench.plan import Plan

PATH = "/flash-sale/purchase"


async def purchases(plan: Plan) -> Measured:
    def asking_on(connection: HttpConnection) -> Ask:
        async def ask(user_id: str) -> Answer:
            body = b'{"userId":"%b","quantity":1}' % user_id.encode()
            status, answer = await connection.post(PATH, plan.address, body)
            return answer_of(status, answer, user_id, plan)

        return ask

    async with connections(plan) as opened:
        return await keep_asking_each([asking_on(item) for item in opened], plan)


if __name__ == "__main__":
    run(purchases)

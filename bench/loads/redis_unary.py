"""Purchases in Redis as most do it: redis-py's asyncio client, one script call a purchase."""

from redis.asyncio import BlockingConnectionPool, Redis

from bench.loads.asking import keep_asking, run
from bench.measured import Measured
from bench.peers.redis_script import KEYS, SCRIPT, minted
from bench.plan import Plan

CONNECTIONS = 50
"""As many as brought the most purchases a second when 10, 50, 100, 200 and 1,000 were tried."""


async def purchases(plan: Plan) -> Measured:
    host, _, port = plan.address.rpartition(":")
    connections = min(plan.callers, CONNECTIONS)
    pool = BlockingConnectionPool(
        host=host, port=int(port), max_connections=connections, timeout=60
    )
    async with Redis(connection_pool=pool) as redis:
        script = redis.register_script(SCRIPT)

        async def ask(user_id: str) -> tuple[str, str]:
            purchase_id = minted()
            answer = await script(KEYS, [user_id, purchase_id])
            return answer[0].decode(), purchase_id

        return await keep_asking(ask, plan)


if __name__ == "__main__":
    run(purchases)

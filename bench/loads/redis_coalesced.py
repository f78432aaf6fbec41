"""Purchases in Redis, coalesced: what is asked at the same time travels in one script call.

As the SDK does it: no added delay, so many calls under way, so many purchases in each, each caller
told its own result. What the SDK does beyond that (deadlines, retries, request ids, leaving) is
left out, which makes this peer quicker.
"""

import asyncio
from collections import deque

from flashsale.coalescing import BATCH_MAX, CALLS_MAX
from redis.asyncio import Redis

from bench.loads.asking import keep_asking, run
from bench.measured import Measured
from bench.peers.redis_script import KEYS, SCRIPT, minted
from bench.plan import Plan

Waiting = tuple[str, str, "asyncio.Future[str]"]


class CoalescingRedis:
    def __init__(self, redis: "Redis") -> None:
        self._script = redis.register_script(SCRIPT)
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Waiting] = deque()
        self._calls: set[asyncio.Task[None]] = set()
        self._is_flushing = False

    def purchase(self, user_id: str, purchase_id: str) -> "asyncio.Future[str]":
        future: asyncio.Future[str] = self._loop.create_future()
        self._waiting.append((user_id, purchase_id, future))
        if not self._is_flushing:
            self._is_flushing = True
            self._loop.call_soon(self._flush)
        return future

    def _flush(self) -> None:
        self._is_flushing = False
        while self._waiting and len(self._calls) < CALLS_MAX:
            size = min(len(self._waiting), BATCH_MAX)
            batch = [self._waiting.popleft() for _ in range(size)]
            call = self._loop.create_task(self._carry(batch))
            self._calls.add(call)
            call.add_done_callback(self._carried)

    async def _carry(self, batch: list[Waiting]) -> None:
        arguments = [text for user_id, purchase_id, _ in batch for text in (user_id, purchase_id)]
        outcomes = await self._script(KEYS, arguments)
        for (_, _, future), outcome in zip(batch, outcomes, strict=True):
            future.set_result(outcome.decode())

    def _carried(self, call: "asyncio.Task[None]") -> None:
        self._calls.discard(call)
        self._flush()


async def purchases(plan: Plan) -> Measured:
    host, _, port = plan.address.rpartition(":")
    async with Redis(host=host, port=int(port)) as redis:
        coalescing = CoalescingRedis(redis)

        async def ask(user_id: str) -> tuple[str, str]:
            purchase_id = minted()
            return await coalescing.purchase(user_id, purchase_id), purchase_id

        return await keep_asking(ask, plan)


if __name__ == "__main__":
    run(purchases)

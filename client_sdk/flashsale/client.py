"""Client: a flash sale, called from ordinary code, from as many threads as you like.

It is an AsyncClient on an event loop of its own thread, so calls of many threads travel together as
those of many tasks do, and there is one set of rules for retries, deadlines and batches.

A thread hands its call over through a queue, and wakes the event loop only where nobody else has
done so since it last looked. So threads that call at once are met by the loop at once.
"""

import asyncio
import collections
import contextlib
import threading
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from flashsale.async_client import AsyncClient
from flashsale.channel import TLS
from flashsale.errors import ClientClosed
from flashsale.results import (
    Answered,
    Health,
    Metrics,
    Order,
    PurchaseResult,
    SaleStatus,
    UserPurchases,
)
from flashsale.retries import Retries

_Value = TypeVar("_Value")
_Item = TypeVar("_Item")


class _Call(Generic[_Value]):
    """What a thread has handed over to the event loop, and what came of it."""

    __slots__ = ("_error", "_is_over", "_task", "_value", "_work")

    _value: _Value

    def __init__(self, work: Coroutine[Any, Any, _Value]) -> None:
        self._work = work
        self._task: asyncio.Task[_Value] | None = None
        self._error: BaseException | None = None
        self._is_over = threading.Lock()  # the cheapest thing that a thread can wait for
        self._is_over.acquire()

    def begin(self) -> "asyncio.Task[_Value]":
        """Run on the event loop."""
        self._task = asyncio.create_task(self._work)
        self._task.add_done_callback(self._tell)
        return self._task

    def cancel(self) -> None:
        """Run on the event loop, after `begin`: nobody waits any more."""
        if self._task is not None:
            self._task.cancel()

    def wait(self) -> None:
        """Wait in the thread that has called."""
        self._is_over.acquire()

    def result(self) -> _Value:
        """What the work came to, after `wait`; raised where it is an error."""
        if self._error is None:
            return self._value
        try:
            raise self._error
        finally:
            self._error = None  # it refers to this frame, and this to it

    def _tell(self, task: "asyncio.Task[_Value]") -> None:
        self._task = None
        if task.cancelled():
            self._error = ClientClosed("the client was closed")
        elif (error := task.exception()) is not None:
            self._error = error
        else:
            self._value = task.result()
        self._is_over.release()


class Client:
    """A connection to a flash sale server; see AsyncClient for the arguments and the methods."""

    def __init__(
        self,
        address: str = "127.0.0.1:50051",
        *,
        sale_id: str = "default",
        timeout: float = 10.0,
        token: str | None = None,
        tls: TLS | bool = False,
        retries: Retries | None = None,
    ) -> None:
        self._client = AsyncClient(
            address, sale_id=sale_id, timeout=timeout, token=token, tls=tls, retries=retries
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="flashsale-client", daemon=True)
        self._closing = threading.Lock()
        self._is_closed = False
        self._handed_over: collections.deque[_Call[Any]] = collections.deque()
        self._is_woken = False
        self._under_way: set[asyncio.Task[Any]] = set()
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the calls under way and the connection. Their callers are told what is known."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def purchase(
        self,
        user_id: str,
        *,
        quantity: int = 1,
        request_id: str | None = None,
        sale_id: str | None = None,
        retry: bool = False,
        timeout: float | None = None,
    ) -> PurchaseResult:
        """Try to buy `quantity` units for `user_id`; see AsyncClient.purchase."""
        return self._result(
            self._client.purchase(
                user_id,
                quantity=quantity,
                request_id=request_id,
                sale_id=sale_id,
                retry=retry,
                timeout=timeout,
            )
        )

    def purchase_many(
        self, orders: Iterable[Order], *, timeout: float | None = None
    ) -> list[Answered]:
        """Try to buy, many times at once; see AsyncClient.purchase_many."""
        return self._result(self._client.purchase_many(orders, timeout=timeout))

    def stream_purchases(self, orders: Iterable[Order]) -> Iterator[Answered]:
        """Buy as orders come; see AsyncClient.stream_purchases."""
        return self._iterated(self._client.stream_purchases(_pulled(orders)))

    def get_purchase(
        self, user_id: str, *, sale_id: str | None = None, timeout: float | None = None
    ) -> UserPurchases:
        """What a user has bought in a sale; see AsyncClient.get_purchase."""
        return self._result(self._client.get_purchase(user_id, sale_id=sale_id, timeout=timeout))

    def status(self, sale_id: str | None = None, *, timeout: float | None = None) -> SaleStatus:
        """A sale as it is now; see AsyncClient.status."""
        return self._result(self._client.status(sale_id, timeout=timeout))

    def watch_status(
        self, sale_id: str | None = None, *, min_interval_seconds: float = 0.5
    ) -> Iterator[SaleStatus]:
        """A sale now and at each change; see AsyncClient.watch_status."""
        return self._iterated(
            self._client.watch_status(sale_id, min_interval_seconds=min_interval_seconds)
        )

    def metrics(self, *, timeout: float | None = None) -> Metrics:
        """What the server process has done since it started."""
        return self._result(self._client.metrics(timeout=timeout))

    def health(self, *, timeout: float | None = None) -> Health:
        """Whether the server process is well, and if not, why."""
        return self._result(self._client.health(timeout=timeout))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _hand_over(self, call: _Call[_Value]) -> None:
        with self._closing:
            if self._is_closed:
                raise ClientClosed("the client is closed")
            self._handed_over.append(call)
            if not self._is_woken:
                self._is_woken = True
                self._loop.call_soon_threadsafe(self._take_over)

    def _take_over(self) -> None:
        self._is_woken = False  # before looking: who comes later wakes the loop again
        while self._handed_over:
            task = self._handed_over.popleft().begin()
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _end(self) -> None:
        """Close, and let every call tell its caller so before the event loop stops."""
        self._take_over()
        await self._client.close()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    def _result(self, work: Coroutine[Any, Any, _Value]) -> _Value:
        call = _Call(work)
        try:
            self._hand_over(call)
        except ClientClosed:
            work.close()
            raise
        try:
            call.wait()
        except BaseException:
            # A caller who is interrupted leaves; nobody else's call is touched.
            with contextlib.suppress(RuntimeError):  # the event loop may be closed by now
                self._loop.call_soon_threadsafe(call.cancel)
            raise
        return call.result()

    def _iterated(self, items: AsyncIterator[_Item]) -> Iterator[_Item]:
        async def following() -> tuple[_Item] | None:
            async for item in items:
                return (item,)
            return None

        try:
            while (item := self._result(following())) is not None:
                yield item[0]
        finally:
            aclose = getattr(items, "aclose", None)
            if aclose is not None:
                with contextlib.suppress(ClientClosed):
                    self._result(aclose())


async def _pulled(orders: Iterable[Order]) -> AsyncIterable[Order]:
    """The orders of an ordinary iterable, which may block, without blocking the event loop."""
    ended = object()
    iterator = iter(orders)
    while (order := await asyncio.to_thread(next, iterator, ended)) is not ended:
        assert isinstance(order, Order)  # noqa: S101  # all that is not the end is an order
        yield order

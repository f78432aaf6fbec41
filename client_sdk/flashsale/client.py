"""Client: a flash sale, called from ordinary code, from as many threads as you like.

It is an AsyncClient on an event loop of its own thread, so calls of many threads travel together as
those of many tasks do, and there is one set of rules for retries, deadlines and batches.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

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
        self._under_way: set[Future[Any]] = set()
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

    def _begun(self, work: Coroutine[Any, Any, _Value]) -> "Future[_Value]":
        with self._closing:
            if self._is_closed:
                work.close()
                raise ClientClosed("the client is closed")
            begun = asyncio.run_coroutine_threadsafe(work, self._loop)
            self._under_way.add(begun)
        begun.add_done_callback(self._under_way.discard)
        return begun

    async def _end(self) -> None:
        """Close, and let every call tell its caller so before the event loop stops."""
        await self._client.close()
        under_way = [asyncio.wrap_future(begun) for begun in tuple(self._under_way)]
        await asyncio.gather(*under_way, return_exceptions=True)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

    def _result(self, work: Coroutine[Any, Any, _Value]) -> _Value:
        begun = self._begun(work)
        try:
            return begun.result()
        except BaseException:
            # A caller who is interrupted leaves; nobody else's call is touched.
            begun.cancel()
            raise

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

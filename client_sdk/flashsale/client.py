"""Client: a flash sale, called from ordinary code, from as many threads as you like.

It is an AsyncClient on an event loop of its own thread, so calls of many threads travel together as
those of many tasks do, and there is one set of rules for retries, deadlines and batches.
"""

import asyncio
from collections.abc import AsyncIterable, Iterable, Iterator
from types import TracebackType
from typing import Self

from flashsale.admin import Admin
from flashsale.async_client import AsyncClient
from flashsale.channel import TLS
from flashsale.hold import Hold
from flashsale.loop_thread import LoopThread
from flashsale.metrics import Metrics
from flashsale.results import (
    Answered,
    Health,
    Order,
    Purchase,
    PurchaseResult,
    SaleStatus,
    UserPurchases,
)
from flashsale.retries import Retries


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
        self._thread = LoopThread()
        self._admin = Admin(self._client.admin, self._thread)

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
        self._thread.close(self._client.close)

    @property
    def admin(self) -> Admin:
        """What the shop may do with its sales."""
        return self._admin

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
        return self._thread.result(
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
        return self._thread.result(self._client.purchase_many(orders, timeout=timeout))

    def stream_purchases(self, orders: Iterable[Order]) -> Iterator[Answered]:
        """Buy as orders come; see AsyncClient.stream_purchases."""
        return self._thread.iterated(self._client.stream_purchases(_pulled(orders)))

    def confirm(
        self,
        purchase: Purchase | None = None,
        *,
        user_id: str = "",
        purchase_id: str = "",
        sale_id: str | None = None,
        timeout: float | None = None,
    ) -> Purchase:
        """Make a hold a purchase; see AsyncClient.confirm."""
        return self._thread.result(
            self._client.confirm(
                purchase, user_id=user_id, purchase_id=purchase_id, sale_id=sale_id, timeout=timeout
            )
        )

    def release(
        self,
        purchase: Purchase | None = None,
        *,
        user_id: str = "",
        purchase_id: str = "",
        sale_id: str | None = None,
        timeout: float | None = None,
    ) -> Purchase:
        """Give a hold back; see AsyncClient.release."""
        return self._thread.result(
            self._client.release(
                purchase, user_id=user_id, purchase_id=purchase_id, sale_id=sale_id, timeout=timeout
            )
        )

    def hold(
        self,
        user_id: str,
        *,
        quantity: int = 1,
        request_id: str | None = None,
        sale_id: str | None = None,
        timeout: float | None = None,
    ) -> Hold:
        """A hold as a context, `with client.hold("user-1") as hold:`; see AsyncClient.hold."""
        hold = self._client.hold(
            user_id, quantity=quantity, request_id=request_id, sale_id=sale_id, timeout=timeout
        )
        return Hold(hold, self._thread)

    def get_purchase(
        self, user_id: str, *, sale_id: str | None = None, timeout: float | None = None
    ) -> UserPurchases:
        """What a user has bought in a sale; see AsyncClient.get_purchase."""
        return self._thread.result(
            self._client.get_purchase(user_id, sale_id=sale_id, timeout=timeout)
        )

    def status(self, sale_id: str | None = None, *, timeout: float | None = None) -> SaleStatus:
        """A sale as it is now; see AsyncClient.status."""
        return self._thread.result(self._client.status(sale_id, timeout=timeout))

    def watch_status(
        self, sale_id: str | None = None, *, min_interval_seconds: float = 0.5
    ) -> Iterator[SaleStatus]:
        """A sale now and at each change; see AsyncClient.watch_status."""
        return self._thread.iterated(
            self._client.watch_status(sale_id, min_interval_seconds=min_interval_seconds)
        )

    def metrics(self, *, timeout: float | None = None) -> Metrics:
        """What the server process has done since it started."""
        return self._thread.result(self._client.metrics(timeout=timeout))

    def health(self, *, timeout: float | None = None) -> Health:
        """Whether the server process is well, and if not, why."""
        return self._thread.result(self._client.health(timeout=timeout))


async def _pulled(orders: Iterable[Order]) -> AsyncIterable[Order]:
    """The orders of an ordinary iterable, which may block, without blocking the event loop."""
    ended = object()
    iterator = iter(orders)
    while (order := await asyncio.to_thread(next, iterator, ended)) is not ended:
        assert isinstance(order, Order)  # noqa: S101  # all that is not the end is an order
        yield order

"""AsyncClient: a flash sale, called from asyncio."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable
from types import TracebackType
from typing import Self

import grpc
from google.protobuf.duration_pb2 import Duration

from flashsale.async_admin import AsyncAdmin
from flashsale.async_hold import AsyncHold
from flashsale.batches import PLAIN_LENGTH_MAX, Asked
from flashsale.channel import TLS
from flashsale.coalescing import Coalescer
from flashsale.connection import Connection, carried
from flashsale.errors import FlashSaleError, InvalidRequest, error_of_call, error_of_status
from flashsale.metrics import Metrics
from flashsale.request_ids import new_request_id
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
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc


class AsyncClient:
    """A connection to a flash sale server.

    Concurrent purchases of one client travel together, so make one client and keep it; it belongs
    to the event loop in which it is first used. It connects by itself, and again when the
    connection is lost.

    Args:
        address: the server's gRPC address, "host:port".
        sale_id: the sale of the calls that name none.
        timeout: seconds that a call may take altogether, its retries included.
        token: sent with each call as a bearer token.
        tls: True for TLS with the system's certificates, or a TLS with files of your own.
        retries: when a call is tried again.

    Raises:
        ValueError: the address is none, or the token would cross a network unencrypted.
    """

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
        self._connection = Connection(
            address, timeout=timeout, token=token, tls=tls, retries=retries
        )
        self._sale_id = sale_id
        self._coalescer: Coalescer | None = None
        self._admin = AsyncAdmin(self._connection)

    async def __aenter__(self) -> Self:
        self._stub()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the calls under way and the connection. Their callers are told what is known."""
        self._connection.refuse_calls()
        coalescer, self._coalescer = self._coalescer, None
        if coalescer is not None:
            await coalescer.close()
        await self._connection.close()

    @property
    def admin(self) -> AsyncAdmin:
        """What the shop may do with its sales."""
        return self._admin

    async def purchase(
        self,
        user_id: str,
        *,
        quantity: int = 1,
        request_id: str | None = None,
        sale_id: str | None = None,
        retry: bool = False,
        timeout: float | None = None,
    ) -> PurchaseResult:
        """Try to buy `quantity` units for `user_id`.

        Concurrent calls travel together as one BatchPurchase; each is answered by itself. A request
        id is made when none is given, and kept through the retries, so a retry never buys twice.

        Pass `retry=True` with the same request id to learn what became of an OutcomeUnknown.

        Raises:
            InvalidRequest: a field is malformed; `violations` says which.
            SaleNotFound: there is no such sale.
            RateLimited: over the user's attempts a minute; `retry_after_seconds` says when the
                next is free.
            OutcomeUnknown: the time was over, or the connection broke, after the request was sent.
                Ask again with the same request id to learn what happened.
            Unavailable: nothing was decided, and trying again did not help in time.
            DeadlineExceeded: the time was over, and nothing was decided.
        """
        request_id = request_id or new_request_id()
        sale_id = sale_id or self._sale_id
        if self._coalescer is None:
            self._stub()
            assert self._coalescer is not None  # noqa: S101  # made with the stub
        limit = self._connection.limit(timeout)
        strings = "".join((user_id, request_id, sale_id))
        if quantity == 1 and not retry and strings.isascii() and len(strings) <= PLAIN_LENGTH_MAX:
            return await self._coalescer.ask(Asked(user_id, request_id, sale_id), limit)
        request = self._request(user_id, quantity, request_id, sale_id)
        request.retry = retry
        return await self._coalescer.purchase(request, limit)

    async def purchase_many(
        self, orders: Iterable[Order], *, timeout: float | None = None
    ) -> list[Answered]:
        """Try to buy, many times at once; one answer an order, in the orders' order."""

        async def one(order: Order) -> Answered:
            request_id = order.request_id or new_request_id()
            try:
                result = await self.purchase(
                    order.user_id,
                    quantity=order.quantity,
                    request_id=request_id,
                    sale_id=order.sale_id,
                    timeout=timeout,
                )
            except FlashSaleError as error:
                return Answered(request_id, None, error)
            return Answered(request_id, result, None)

        return list(await asyncio.gather(*(one(order) for order in orders)))

    async def stream_purchases(self, orders: AsyncIterable[Order]) -> AsyncIterator[Answered]:
        """Buy as orders come, answered as results are ready, in any order.

        The server reads on only after it has answered some, so a quick source waits by itself.
        Nothing is retried.

        Raises:
            FlashSaleError: the stream broke; what was not answered is of unknown fate.
            Exception: what `orders` raised; the same holds.
        """
        call = self._stub().StreamPurchases(metadata=self._connection.metadata)

        async def write() -> None:
            async for order in orders:
                request = self._request(
                    order.user_id, order.quantity, order.request_id, order.sale_id
                )
                message = pb.StreamPurchasesRequest(request=request)
                try:
                    await call.write(message)
                except (grpc.RpcError, asyncio.InvalidStateError):
                    return  # the call is over, and who reads is told why
            await call.done_writing()

        writer = asyncio.create_task(write())
        # The call cannot go on when its orders fail, and nobody would hear of it otherwise.
        writer.add_done_callback(lambda task: None if _error_of(task) is None else call.cancel())
        try:
            async for message in call:
                for result in message.results:
                    yield _answered(result)
        except grpc.RpcError as error:
            raise error_of_call(error, "") from error
        except asyncio.CancelledError:
            if writer.done() and (failed := _error_of(writer)) is not None:
                raise failed from None
            self._connection.tell_if_closed()
            raise
        finally:
            call.cancel()
            writer.cancel()
            await asyncio.wait((writer,))

    async def confirm(
        self,
        purchase: Purchase | None = None,
        *,
        user_id: str = "",
        purchase_id: str = "",
        sale_id: str | None = None,
        timeout: float | None = None,
    ) -> Purchase:
        """Make a hold a purchase, and return it; true already is no error.

        Args:
            purchase: the hold; where it is given, nothing else has to name it.
            user_id: whose hold it is.
            purchase_id: the hold.
            sale_id: its sale; the client's own when None.
            timeout: seconds that it may take altogether.

        Raises:
            HoldExpired, HoldReleased, PurchaseCancelled: the hold is over.
            PurchaseNotFound: the user has no such purchase.
            OutcomeUnknown: the time was over, or the connection broke, after the request was sent.
                Ask again: a hold is never confirmed twice.
            InvalidRequest, SaleNotFound, Unavailable, DeadlineExceeded: as for `purchase`.
        """
        with carried():
            request = pb.ConfirmPurchaseRequest(
                sale_id=purchase.sale_id if purchase else sale_id or self._sale_id,
                user_id=purchase.user_id if purchase else user_id,
                purchase_id=purchase.purchase_id if purchase else purchase_id,
            )
        method = self._stub().ConfirmPurchase
        answer = await self._connection.changed(method, request, timeout, is_repeatable=True)
        return Purchase.of(answer.purchase)

    async def release(
        self,
        purchase: Purchase | None = None,
        *,
        user_id: str = "",
        purchase_id: str = "",
        sale_id: str | None = None,
        timeout: float | None = None,
    ) -> Purchase:
        """Give a hold back, and return it; true already is no error.

        It takes what `confirm` takes.

        Raises:
            PurchaseConfirmed: the purchase is final.
            HoldExpired, PurchaseCancelled: the hold is over in another way.
            PurchaseNotFound, OutcomeUnknown: as for `confirm`.
            InvalidRequest, SaleNotFound, Unavailable, DeadlineExceeded: as for `purchase`.
        """
        with carried():
            request = pb.ReleasePurchaseRequest(
                sale_id=purchase.sale_id if purchase else sale_id or self._sale_id,
                user_id=purchase.user_id if purchase else user_id,
                purchase_id=purchase.purchase_id if purchase else purchase_id,
            )
        method = self._stub().ReleasePurchase
        answer = await self._connection.changed(method, request, timeout, is_repeatable=True)
        return Purchase.of(answer.purchase)

    def hold(
        self,
        user_id: str,
        *,
        quantity: int = 1,
        request_id: str | None = None,
        sale_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncHold:
        """A hold as a context: units are kept for `user_id` while its body runs; see AsyncHold.

        async with client.hold("user-1", sale_id="shoes") as hold:
            if hold.is_held:
                await take_payment()
                await hold.confirm()
        """
        return AsyncHold(
            functools.partial(
                self.purchase,
                user_id,
                quantity=quantity,
                request_id=request_id,
                sale_id=sale_id,
                timeout=timeout,
            ),
            self.confirm,
            self.release,
        )

    async def get_purchase(
        self, user_id: str, *, sale_id: str | None = None, timeout: float | None = None
    ) -> UserPurchases:
        """What a user has bought in a sale.

        Raises:
            InvalidRequest, SaleNotFound, Unavailable, DeadlineExceeded: as for `purchase`.
        """
        with carried():
            request = pb.GetPurchaseRequest(user_id=user_id, sale_id=sale_id or self._sale_id)
        stub = self._stub()
        return UserPurchases.of(await self._connection.asked(stub.GetPurchase, request, timeout))

    async def status(
        self, sale_id: str | None = None, *, timeout: float | None = None
    ) -> SaleStatus:
        """A sale as it is now.

        Raises:
            InvalidRequest, SaleNotFound, Unavailable, DeadlineExceeded: as for `purchase`.
        """
        with carried():
            request = pb.StatusRequest(sale_id=sale_id or self._sale_id)
        return SaleStatus.of(await self._connection.asked(self._stub().Status, request, timeout))

    async def watch_status(
        self, sale_id: str | None = None, *, min_interval_seconds: float = 0.5
    ) -> AsyncIterator[SaleStatus]:
        """A sale now and at each change, at most once in `min_interval_seconds` (0.2 to 15).

        Goes on for ever: when the connection is lost it connects again.

        Raises:
            InvalidRequest, SaleNotFound: there is nothing to watch.
        """
        interval = Duration()
        interval.FromMicroseconds(int(min_interval_seconds * 1e6))
        with carried():
            request = pb.WatchStatusRequest(sale_id=sale_id or self._sale_id, min_interval=interval)
        messages = self._connection.followed(
            lambda: self._stub().WatchStatus(request, metadata=self._connection.metadata)
        )
        async with contextlib.aclosing(messages):
            async for message in messages:
                yield SaleStatus.of(message.status)

    async def metrics(self, *, timeout: float | None = None) -> Metrics:
        """What the server process has done since it started."""
        answer = await self._connection.asked(self._stub().Metrics, pb.MetricsRequest(), timeout)
        return Metrics.of(answer)

    async def health(self, *, timeout: float | None = None) -> Health:
        """Whether the server process is well, and if not, why."""
        return Health.of(
            await self._connection.asked(self._stub().Health, pb.HealthRequest(), timeout)
        )

    def _stub(self) -> "rpc.FlashSaleServiceAsyncStub":
        channel = self._connection.channel()
        if self._coalescer is None:
            self._cached_stub: rpc.FlashSaleServiceAsyncStub = rpc.FlashSaleServiceStub(channel)
            self._coalescer = Coalescer(self._send, self._connection.retries)
        return self._cached_stub

    def _send(
        self, request: pb.BatchPurchaseRequest, timeout: float
    ) -> Awaitable[pb.BatchPurchaseResponse]:
        return self._stub().BatchPurchase(
            request, timeout=timeout, metadata=self._connection.metadata
        )

    def _request(
        self, user_id: str, quantity: int, request_id: str | None, sale_id: str | None
    ) -> pb.PurchaseRequest:
        # Set one by one, in two thirds of the time that keyword arguments would take.
        request = pb.PurchaseRequest()
        try:
            request.user_id = user_id
            request.quantity = quantity
            request.request_id = request_id or new_request_id()
            request.sale_id = sale_id or self._sale_id
        except ValueError as error:
            raise InvalidRequest(str(error), request_id=request_id) from error
        return request


def _error_of(task: "asyncio.Task[None]") -> BaseException | None:
    return None if task.cancelled() else task.exception()


def _answered(result: pb.PurchaseResult) -> Answered:
    if result.HasField("error"):
        return Answered(result.request_id, None, error_of_status(result.error, result.request_id))
    return Answered(result.request_id, PurchaseResult.of(result.response), None)

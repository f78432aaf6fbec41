"""AsyncClient: a flash sale, called from asyncio."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from types import TracebackType
from typing import Final, Self, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration

from flashsale.batches import PLAIN_LENGTH_MAX, Asked
from flashsale.channel import TLS, channel_to, checked_address, metadata_with
from flashsale.coalescing import Coalescer
from flashsale.errors import (
    ClientClosed,
    FlashSaleError,
    InvalidRequest,
    Unavailable,
    error_of_call,
    error_of_status,
)
from flashsale.request_ids import new_request_id
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
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc

LONGEST_SECONDS: Final = 365 * 86_400.0
"""What stands for any time longer than it, math.inf included."""

_Answer = TypeVar("_Answer")


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
        self._address = checked_address(address)
        self._sale_id = sale_id
        self._timeout = min(timeout, LONGEST_SECONDS)
        self._tls = tls
        self._retries = retries or Retries()
        self._metadata = metadata_with(token, address, is_encrypted=bool(tls))
        self._channel: grpc.aio.Channel | None = None
        self._coalescer: Coalescer | None = None
        self._closed: asyncio.Future[None] | None = None
        self._is_closed = False

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
        self._is_closed = True
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)
        coalescer, self._coalescer = self._coalescer, None
        channel, self._channel = self._channel, None
        if coalescer is not None:
            await coalescer.close()
        if channel is not None:
            await channel.close()

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
        limit = self._timeout if timeout is None else min(timeout, LONGEST_SECONDS)
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
        call = self._stub().StreamPurchases(metadata=self._metadata)

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
                yield _answered(message.result)
        except grpc.RpcError as error:
            raise error_of_call(error, "") from error
        except asyncio.CancelledError:
            if writer.done() and (failed := _error_of(writer)) is not None:
                raise failed from None
            self._tell_if_closed()
            raise
        finally:
            call.cancel()
            writer.cancel()
            await asyncio.wait((writer,))

    async def get_purchase(
        self, user_id: str, *, sale_id: str | None = None, timeout: float | None = None
    ) -> UserPurchases:
        """What a user has bought in a sale.

        Raises:
            InvalidRequest, SaleNotFound, Unavailable, DeadlineExceeded: as for `purchase`.
        """
        with _carried():
            request = pb.GetPurchaseRequest(user_id=user_id, sale_id=sale_id or self._sale_id)
        stub = self._stub()
        return UserPurchases.of(await self._asked(stub.GetPurchase, request, timeout))

    async def status(
        self, sale_id: str | None = None, *, timeout: float | None = None
    ) -> SaleStatus:
        """A sale as it is now.

        Raises:
            InvalidRequest, SaleNotFound, Unavailable, DeadlineExceeded: as for `purchase`.
        """
        with _carried():
            request = pb.StatusRequest(sale_id=sale_id or self._sale_id)
        return SaleStatus.of(await self._asked(self._stub().Status, request, timeout))

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
        request = pb.WatchStatusRequest(sale_id=sale_id or self._sale_id, min_interval=interval)
        tried = 0
        while True:
            call = self._stub().WatchStatus(request, metadata=self._metadata)
            try:
                async for message in call:
                    tried = 0
                    yield SaleStatus.of(message.status)
                error: FlashSaleError = Unavailable("the server ended the stream")
            except grpc.RpcError as failure:
                error = error_of_call(failure)
            except asyncio.CancelledError:
                self._tell_if_closed()
                raise
            finally:
                call.cancel()
            tried += 1
            wait = self._retries.wait_seconds(
                error, min(tried, self._retries.attempts - 1), math.inf
            )
            if wait is None:
                raise error
            await self._pause(wait)

    async def metrics(self, *, timeout: float | None = None) -> Metrics:
        """What the server process has done since it started."""
        answer = await self._asked(self._stub().Metrics, pb.MetricsRequest(), timeout)
        return Metrics.of(answer)

    async def health(self, *, timeout: float | None = None) -> Health:
        """Whether the server process is well, and if not, why."""
        return Health.of(await self._asked(self._stub().Health, pb.HealthRequest(), timeout))

    def _stub(self) -> "rpc.FlashSaleServiceAsyncStub":
        if self._is_closed:
            raise ClientClosed("the client is closed")
        if self._channel is None:
            self._closed = asyncio.get_running_loop().create_future()
            self._channel = channel_to(self._address, self._tls)
            self._cached_stub: rpc.FlashSaleServiceAsyncStub = rpc.FlashSaleServiceStub(
                self._channel
            )
            self._coalescer = Coalescer(self._send, self._retries)
        return self._cached_stub

    def _send(
        self, request: pb.BatchPurchaseRequest, timeout: float
    ) -> Awaitable[pb.BatchPurchaseResponse]:
        return self._stub().BatchPurchase(request, timeout=timeout, metadata=self._metadata)

    def _limit(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else min(timeout, LONGEST_SECONDS)

    def _tell_if_closed(self) -> None:
        """Raise ClientClosed where the client's end, and not the caller's, has cancelled a call."""
        task = asyncio.current_task()
        if self._is_closed and not (task and task.cancelling()):
            raise ClientClosed("the client was closed") from None

    async def _pause(self, seconds: float) -> None:
        """Wait between two tries, or until the client is closed."""
        assert self._closed is not None  # noqa: S101  # made with the stub
        await asyncio.wait((self._closed,), timeout=seconds)
        if self._is_closed:
            raise ClientClosed("the client was closed")

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

    async def _asked(
        self,
        method: Callable[..., Awaitable[_Answer]],
        request: object,
        timeout: float | None,
    ) -> _Answer:
        """The answer to a question that may be asked again as often as need be."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limit(timeout)
        tried = 0
        while True:
            try:
                return await method(
                    request, timeout=deadline - loop.time(), metadata=self._metadata
                )
            except grpc.RpcError as failure:
                error = error_of_call(failure)
            except asyncio.CancelledError:
                self._tell_if_closed()
                raise
            tried += 1
            wait = self._retries.wait_seconds(error, tried, deadline - loop.time())
            if wait is None:
                raise error
            await self._pause(wait)


@contextlib.contextmanager
def _carried() -> Iterator[None]:
    """Say so where a string is one that no message can carry."""
    try:
        yield
    except ValueError as error:
        raise InvalidRequest(str(error)) from error


def _error_of(task: "asyncio.Task[None]") -> BaseException | None:
    return None if task.cancelled() else task.exception()


def _answered(result: pb.PurchaseResult) -> Answered:
    if result.HasField("error"):
        return Answered(result.request_id, None, error_of_status(result.error, result.request_id))
    return Answered(result.request_id, PurchaseResult.of(result.response), None)

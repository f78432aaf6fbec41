"""Connection: how one client talks to its server, whatever it asks.

A question may be asked again as often as need be. A change may be asked for again where it cannot
be done twice by that; else only where nothing was done, and who asked is told OutcomeUnknown where
that is not known. A stream that is followed is begun again whenever it breaks.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Final, TypeVar

import grpc

from flashsale.channel import TLS, Metadata, channel_to, checked_address, metadata_with
from flashsale.errors import (
    SAYS_NOTHING_OF_EARLIER_TRIES,
    ClientClosed,
    DeadlineExceeded,
    EtagMismatch,
    FlashSaleError,
    InvalidRequest,
    OutcomeUnknown,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    error_of_call,
)
from flashsale.retries import Retries

LONGEST_SECONDS: Final = 365 * 86_400.0
"""What stands for any time longer than it, math.inf included."""

# An etag that is the sale's no more may be so by an earlier try of the same change.
_LEAVES_A_CHANGE_UNKNOWN: Final = (
    *SAYS_NOTHING_OF_EARLIER_TRIES,
    EtagMismatch,
    PermissionDenied,
    Unauthenticated,
)

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


class Connection:
    """What the calls of one client have in common; see AsyncClient for the arguments.

    Attributes:
        retries: when a call is tried again.
        metadata: what each call carries.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout: float,
        token: str | None,
        tls: TLS | bool,
        retries: Retries | None,
    ) -> None:
        self._address = checked_address(address)
        self._timeout = min(timeout, LONGEST_SECONDS)
        self._tls = tls
        self.retries = retries or Retries()
        self.metadata: Metadata = metadata_with(token, address, is_encrypted=bool(tls))
        self._channel: grpc.aio.Channel | None = None
        self._closed: asyncio.Future[None] | None = None
        self._is_closed = False

    def channel(self) -> grpc.aio.Channel:
        """The channel, made when it is first asked for.

        Raises:
            ClientClosed: the client is closed.
        """
        if self._is_closed:
            raise ClientClosed("the client is closed")
        if self._channel is None:
            self._closed = asyncio.get_running_loop().create_future()
            self._channel = channel_to(self._address, self._tls)
        return self._channel

    def refuse_calls(self) -> None:
        """Begin to close: whoever waits between two tries, or comes now, is told so."""
        self._is_closed = True
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)

    async def close(self) -> None:
        """End the calls under way and the connection."""
        self.refuse_calls()
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    def limit(self, timeout: float | None) -> float:
        """The seconds that a call may take.

        Raises:
            ValueError: that is no number.
        """
        if timeout is not None and math.isnan(timeout):
            raise ValueError("timeout must be a number of seconds")
        return self._timeout if timeout is None else min(timeout, LONGEST_SECONDS)

    async def asked(
        self, method: Callable[..., Awaitable[_Answer]], request: object, timeout: float | None
    ) -> _Answer:
        """The answer to a question."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.limit(timeout)
        tried = 0
        while True:
            try:
                return await method(request, timeout=deadline - loop.time(), metadata=self.metadata)
            except grpc.RpcError as failure:
                error = error_of_call(failure)
            except asyncio.CancelledError:
                self.tell_if_closed()
                raise
            tried += 1
            wait = self.retries.wait_seconds(error, tried, deadline - loop.time())
            if wait is None:
                raise error
            await self._pause(wait)

    async def changed(
        self,
        method: Callable[..., Awaitable[_Answer]],
        request: object,
        timeout: float | None,
        *,
        is_repeatable: bool,
    ) -> _Answer:
        """The answer to a call that changes something.

        Args:
            method: the call.
            request: what it carries.
            timeout: seconds that it may take altogether; the client's own when None.
            is_repeatable: whether nothing is done twice when it is asked for twice.

        Raises:
            OutcomeUnknown: it may have been done by a try whose answer did not come.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.limit(timeout)
        if deadline <= loop.time():
            raise DeadlineExceeded("no time was left to ask")
        tried = 0
        is_unknown = False
        while True:
            try:
                return await method(request, timeout=deadline - loop.time(), metadata=self.metadata)
            except grpc.RpcError as failure:
                error = error_of_call(failure, may_be_done=True)
            except asyncio.CancelledError:
                if self._is_cancelled_by_close():
                    raise OutcomeUnknown("the client was closed before the answer came") from None
                raise
            is_unknown = is_unknown or isinstance(error, OutcomeUnknown)
            tried += 1
            wait = self.retries.wait_seconds(error, tried, deadline - loop.time())
            if wait is None or (is_unknown and not is_repeatable):
                raise _told(error, is_unknown=is_unknown)
            try:
                await self._pause(wait)
            except ClientClosed as closed:
                raise _told(closed, is_unknown=is_unknown) from None

    async def followed(
        self, begin: Callable[[], "grpc.aio.UnaryStreamCall[_Request, _Answer]"]
    ) -> AsyncGenerator[_Answer, None]:
        """The messages of a stream, which is begun again whenever it breaks, for ever.

        Raises:
            FlashSaleError: the server will not have it.
        """
        tried = 0
        while True:
            call = begin()
            try:
                async for message in call:
                    tried = 0
                    yield message
                error: FlashSaleError = Unavailable("the server ended the stream")
            except grpc.RpcError as failure:
                # However a stream broke, it may be begun again, unless the server says why not.
                error = error_of_call(failure, may_be_done=True)
            except asyncio.CancelledError:
                self.tell_if_closed()
                raise
            finally:
                call.cancel()
            tried += 1
            wait = self.retries.wait_seconds(error, min(tried, self.retries.attempts - 1), math.inf)
            if wait is None:
                raise error
            await self._pause(wait)

    def tell_if_closed(self) -> None:
        """Raise ClientClosed where the client's end, and not the caller's, has cancelled a call."""
        if self._is_cancelled_by_close():
            raise ClientClosed("the client was closed") from None

    def _is_cancelled_by_close(self) -> bool:
        task = asyncio.current_task()
        return self._is_closed and not (task and task.cancelling())

    async def _pause(self, seconds: float) -> None:
        """Wait between two tries, or until the client is closed."""
        assert self._closed is not None  # noqa: S101  # made with the channel
        await asyncio.wait((self._closed,), timeout=seconds)
        if self._is_closed:
            raise ClientClosed("the client was closed")


@contextlib.contextmanager
def carried() -> Iterator[None]:
    """Say so where a value is one that no message can carry."""
    try:
        yield
    except ValueError as error:
        raise InvalidRequest(str(error)) from error


def _told(error: FlashSaleError, *, is_unknown: bool) -> FlashSaleError:
    """What to tell of a change, some try of which may have done it."""
    if not is_unknown or isinstance(error, OutcomeUnknown):
        return error
    if not isinstance(error, _LEAVES_A_CHANGE_UNKNOWN):
        return error
    return OutcomeUnknown(
        f"an earlier try may have done it; the last try said: {error.message}", reason=error.reason
    )

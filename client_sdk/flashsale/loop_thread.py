"""LoopThread: an event loop in a thread of its own, for callers that are no coroutines.

A thread hands its call over through a queue, and wakes the event loop only where nobody else has
done so since it last looked. So threads that call at once are met by the loop at once.
"""

import asyncio
import collections
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Generic, TypeVar

from flashsale.errors import ClientClosed

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


class LoopThread:
    """An event loop that runs until it is closed; its methods may be called from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="flashsale-client", daemon=True)
        self._closing = threading.Lock()
        self._is_closed = False
        self._handed_over: collections.deque[_Call[Any]] = collections.deque()
        self._is_woken = False
        self._under_way: set[asyncio.Task[Any]] = set()
        self._thread.start()

    def close(self, ending: Callable[[], Awaitable[None]]) -> None:
        """Await `ending`, let every call tell its caller what is known, and stop."""
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
        asyncio.run_coroutine_threadsafe(self._end(ending), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def result(self, work: Coroutine[Any, Any, _Value]) -> _Value:
        """What the work comes to; raised where it is an error.

        Raises:
            ClientClosed: the event loop is closed.
        """
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

    def iterated(self, items: AsyncIterator[_Item]) -> Iterator[_Item]:
        """The items, each asked for when it is wanted; closed when nobody wants more."""

        async def following() -> tuple[_Item] | None:
            async for item in items:
                return (item,)
            return None

        try:
            while (item := self.result(following())) is not None:
                yield item[0]
        finally:
            aclose = getattr(items, "aclose", None)
            if aclose is not None:
                with contextlib.suppress(ClientClosed):
                    self.result(aclose())

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

    async def _end(self, ending: Callable[[], Awaitable[None]]) -> None:
        self._take_over()
        await ending()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_asyncgens()

"""How calls end when time, the connection, the server or the client ends before the answer."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from flashsale import (
    AsyncClient,
    Client,
    ClientClosed,
    ConnectionFailed,
    DeadlineExceeded,
    FlashSaleError,
    OutcomeUnknown,
    Retries,
    ServerFailed,
)
from flashsale.coalescing import Coalescer
from flashsale.v1 import flash_sale_pb2 as pb

from tests.client_sdk.scripted_server import (
    ScriptedServicer,
    bought,
    ends,
    error,
    never,
    scripted,
)
from tests.servers import ServerProcess, server_process

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
AN_HOUR = Retries(first_seconds=3600.0, longest_seconds=3600.0, chance=lambda: 1.0)


async def test_time_that_ends_while_the_server_decides_leaves_the_outcome_unknown() -> None:
    async with scripted() as (address, server):
        server.turns = [never]
        async with AsyncClient(address) as client:
            with pytest.raises(OutcomeUnknown) as unknown:
                await client.purchase("ann", request_id="mine", timeout=0.2)
    assert unknown.value.request_id == "mine"
    assert len(server.batches) == 1


async def test_time_that_ends_before_anything_was_sent_is_a_deadline() -> None:
    sent: asyncio.Queue[str] = asyncio.Queue()
    held = asyncio.Event()

    async def send(batch: pb.BatchPurchaseRequest, _: float) -> pb.BatchPurchaseResponse:
        for item in batch.requests:
            sent.put_nowait(item.user_id)
        await held.wait()
        return pb.BatchPurchaseResponse(results=[bought(item) for item in batch.requests])

    coalescer = Coalescer(send, Retries(), calls_max=1)
    first = asyncio.create_task(coalescer.purchase(pb.PurchaseRequest(user_id="ann"), 20.0))
    assert await sent.get() == "ann"
    with pytest.raises(DeadlineExceeded) as late:
        await coalescer.purchase(pb.PurchaseRequest(user_id="bob", request_id="his"), 0.01)
    held.set()
    await first
    await coalescer.close()
    assert late.value.request_id == "his"
    assert sent.empty()


@pytest.mark.parametrize("timeout", [0.0, -1.0])
async def test_a_purchase_that_never_had_time_is_not_sent(timeout: float) -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        with pytest.raises(DeadlineExceeded):
            await client.purchase("ann", timeout=timeout)
    assert server.batches == []


async def test_the_end_of_time_tells_what_the_last_try_said() -> None:
    full = error(UNAVAILABLE, "QUEUE_FULL")
    tried: list[str] = []

    async def send(batch: pb.BatchPurchaseRequest, _: float) -> pb.BatchPurchaseResponse:
        tried.extend(item.user_id for item in batch.requests)
        if len(tried) > 1:
            await asyncio.Event().wait()
        return pb.BatchPurchaseResponse(results=[pb.PurchaseResult(error=full)])

    coalescer = Coalescer(send, Retries(first_seconds=0.0))
    with pytest.raises(OutcomeUnknown, match="the last try said: QUEUE_FULL happened"):
        await coalescer.purchase(pb.PurchaseRequest(user_id="ann"), 0.3)
    await coalescer.close()


def test_a_server_that_is_killed_during_a_call_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    async def purchase_from(server: ServerProcess) -> None:
        retries = Retries(attempts=3, first_seconds=0.0)
        async with AsyncClient(server.address, retries=retries) as client:
            await client.health()
            server.process.send_signal(signal.SIGSTOP)  # who asks now is heard by nobody
            asked = asyncio.create_task(client.purchase("ann", request_id="mine"))
            await asyncio.sleep(0)
            with pytest.raises(OutcomeUnknown):
                await client.purchase("bob", timeout=0.2)  # in one call with hers
            server.kill()
            await asked

    with server_process(tmp_path) as server:
        with pytest.raises(OutcomeUnknown) as unknown:
            asyncio.run(purchase_from(server))
    assert unknown.value.request_id == "mine"


def test_a_server_that_is_gone_was_never_asked(tmp_path: Path) -> None:
    with server_process(tmp_path) as server:
        server.kill()
        retries = Retries(attempts=2, first_seconds=0.0)
        with Client(server.address, retries=retries) as client:
            with pytest.raises(ConnectionFailed) as failed:
                client.purchase("ann", request_id="mine")
            assert failed.value.request_id == "mine"
            with pytest.raises(ConnectionFailed):
                client.status()


async def test_too_few_results_are_told_to_each_caller() -> None:
    async with scripted() as (address, server):
        server.drops_results = True
        async with AsyncClient(address, retries=Retries(attempts=1)) as client:
            failed = await asyncio.gather(
                *(client.purchase(f"u-{n}", request_id=f"r-{n}") for n in range(3)),
                return_exceptions=True,
            )
    assert [type(item) for item in failed] == [OutcomeUnknown] * 3
    ids = [item.request_id for item in failed if isinstance(item, FlashSaleError)]
    assert ids == ["r-0", "r-1", "r-2"]


async def test_a_result_that_says_nothing_is_a_fault_of_the_server() -> None:
    def nothing(request: pb.PurchaseRequest) -> pb.PurchaseResult:
        return pb.PurchaseResult(request_id=request.request_id)

    async with scripted(nothing) as (address, _), AsyncClient(address) as client:
        with pytest.raises(ServerFailed) as failed:
            await client.purchase("ann", request_id="mine")
    assert failed.value.request_id == "mine"


async def test_error_details_that_nobody_understands_do_not_hide_the_error() -> None:
    trailer = (("grpc-status-details-bin", b"\xff\xff\xff"),)
    async with scripted() as (address, server):
        server.turns = [
            lambda context: context.abort(grpc.StatusCode.PERMISSION_DENIED, "no", trailer),
        ] * 2
        async with AsyncClient(address, retries=Retries(attempts=1)) as client:
            for call in (client.purchase("ann"), client.status()):
                with pytest.raises(FlashSaleError, match="no"):
                    await call


async def test_closing_during_a_purchase_leaves_its_outcome_unknown() -> None:
    async with scripted() as (address, server):
        server.turns = [never]
        client = AsyncClient(address)
        asked = asyncio.create_task(client.purchase("ann", request_id="mine"))
        await server.arrived.get()
        await client.close()
        with pytest.raises(OutcomeUnknown) as unknown:
            await asked
    assert unknown.value.request_id == "mine"


async def test_closing_while_a_refused_purchase_waits_says_that_the_client_was_closed() -> None:
    async with scripted() as (address, server):
        server.turns = [ends(error(UNAVAILABLE, "QUEUE_FULL"))]
        client = AsyncClient(address, timeout=9000.0, retries=AN_HOUR)
        asked = asyncio.create_task(client.purchase("ann"))
        await server.arrived.get()
        await client.status()  # after which the refusal has come
        await client.close()
        with pytest.raises(ClientClosed):
            await asked


async def test_closing_during_a_question_says_that_the_client_was_closed() -> None:
    async with scripted() as (address, server):
        server.turns = [never]
        client = AsyncClient(address)
        asked = asyncio.create_task(client.status())
        await server.arrived.get()
        await client.close()
        with pytest.raises(ClientClosed):
            await asked


async def test_closing_during_a_watch_says_that_the_client_was_closed() -> None:
    async with scripted() as (address, server):
        server.turns = [never]
        client = AsyncClient(address)
        watched = client.watch_status()
        seen = asyncio.ensure_future(anext(watched))
        await server.arrived.get()
        await client.close()
        with pytest.raises(ClientClosed):
            await seen


async def test_closing_twice_is_closing_once() -> None:
    async with scripted() as (address, _):
        client = AsyncClient(address)
        await client.purchase("ann")
        await client.close()
        await client.close()


class Background:
    """A scripted server on an event loop of its own thread."""

    server: ScriptedServicer

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.address = ""

    def arrived(self) -> str:
        waiting = self.server.arrived.get()
        return asyncio.run_coroutine_threadsafe(waiting, self.loop).result(20)


@contextmanager
def in_background() -> Iterator[Background]:
    background = Background()
    opened: Future[None] = Future()

    async def serve(closing: asyncio.Event) -> None:
        async with scripted() as (background.address, background.server):
            opened.set_result(None)
            await closing.wait()

    closing = asyncio.Event()
    background.thread.start()
    serving = asyncio.run_coroutine_threadsafe(serve(closing), background.loop)
    opened.result(20)
    try:
        yield background
    finally:
        background.loop.call_soon_threadsafe(closing.set)
        serving.result(20)
        background.loop.call_soon_threadsafe(background.loop.stop)
        background.thread.join()
        background.loop.close()


QUESTIONS: dict[str, Callable[[Client], object]] = {
    "purchase": lambda client: client.purchase("ann"),
    "status": lambda client: client.status(),
    "watch": lambda client: next(client.watch_status()),
    "stream": lambda client: list(client.stream_purchases([])),
}


@pytest.mark.parametrize("name", ["purchase", "status", "watch"])
@pytest.mark.parametrize("is_answered", [False, True], ids=["under way", "between tries"])
def test_closing_from_another_thread_ends_every_call(name: str, is_answered: bool) -> None:
    with in_background() as server, ThreadPoolExecutor(1) as threads:
        refused = ends(error(UNAVAILABLE, "SHUTTING_DOWN"))
        server.server.turns = [refused if is_answered else never]
        client = Client(server.address, timeout=9000.0, retries=AN_HOUR)
        asked = threads.submit(QUESTIONS[name], client)
        server.arrived()
        if is_answered:
            client.status()  # after which the refusal has come
        client.close()
        with pytest.raises((ClientClosed, OutcomeUnknown)):
            asked.result(20)


def test_who_is_interrupted_leaves_and_disturbs_nobody() -> None:
    with (
        in_background() as server,
        ThreadPoolExecutor(1) as threads,
        Client(server.address) as client,
    ):
        server.server.turns = [never]

        def interrupt() -> None:
            server.arrived()
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        interrupted = threads.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            client.purchase("ann")
        interrupted.result(20)
        assert client.purchase("bob").is_bought


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_closed_client_refuses_every_call(name: str) -> None:
    client = Client("127.0.0.1:1")
    client.close()
    client.close()
    with pytest.raises(ClientClosed):
        QUESTIONS[name](client)

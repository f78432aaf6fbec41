"""A real gRPC server whose answers a test writes down beforehand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import flash_sale_pb2_grpc as rpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

Answer: TypeAlias = pb.PurchaseResult | status_pb2.Status
Script = Callable[[pb.PurchaseRequest], Answer]
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Turn = Callable[[Context], Awaitable[object]]


def bought(request: pb.PurchaseRequest) -> pb.PurchaseResult:
    """What a server says that has enough of everything."""
    purchase = pb.Purchase(user_id=request.user_id, purchase_id=f"p-{request.request_id}")
    response = pb.PurchaseResponse(
        outcome=pb.OUTCOME_PURCHASED, request_id=request.request_id, purchase=purchase
    )
    return pb.PurchaseResult(request_id=request.request_id, response=response)


def by_row(batch: pb.BatchPurchaseRequest) -> pb.BatchPurchaseRequest:
    """The same batch, its requests by row."""
    if not batch.HasField("columns"):
        return batch
    asked = zip(batch.columns.user_ids, batch.columns.request_ids, strict=True)
    rows = [
        pb.PurchaseRequest(user_id=user_id, request_id=request_id, sale_id=batch.sale_id)
        for user_id, request_id in asked
    ]
    return pb.BatchPurchaseRequest(requests=rows, sale_id=batch.sale_id)


def answered(
    results: list[pb.PurchaseResult], *, by_column: bool = False
) -> pb.BatchPurchaseResponse:
    """The answer to a batch. Results that say more than a column can hold are among the others."""
    if not by_column:
        return pb.BatchPurchaseResponse(results=results)
    columns = pb.ResultColumns()
    for place, result in enumerate(results):
        response = result.response
        if response.outcome == pb.OUTCOME_PURCHASED and not response.replayed:
            columns.outcomes.append(response.outcome)
            columns.purchase_ids.append(response.purchase.purchase_id)
            columns.positions.append(response.purchase.position)
            columns.create_times_us.append(response.purchase.create_time.ToMicroseconds())
        elif response == pb.PurchaseResponse(
            outcome=response.outcome, request_id=response.request_id, sale_id=response.sale_id
        ):
            columns.outcomes.append(response.outcome)
        else:
            columns.outcomes.append(pb.OUTCOME_UNSPECIFIED)
        if not columns.outcomes[-1]:
            columns.others.add(place=place, result=result)
    return pb.BatchPurchaseResponse(columns=columns)


def error(
    code: grpc.StatusCode, reason: str = "", retry_after_seconds: float | None = None
) -> status_pb2.Status:
    """A status as the server's error table makes it."""
    status = status_pb2.Status(code=code.value[0], message=f"{reason or code.name} happened")
    details: list[error_details_pb2.ErrorInfo | error_details_pb2.RetryInfo] = []
    if reason:
        details.append(error_details_pb2.ErrorInfo(reason=reason, domain="flashsale"))
    if retry_after_seconds is not None:
        delay = Duration()
        delay.FromMicroseconds(int(retry_after_seconds * 1e6))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def breaks(code: grpc.StatusCode, details: str = "Socket closed") -> Turn:
    """Ends a call as the transport does, or a proxy: without a word of the server."""
    return lambda context: context.abort(code, details)


def ends(status: status_pb2.Status) -> Turn:
    """Ends a call as the server does."""
    return lambda context: context.abort_with_status(rpc_status.to_status(status))


async def never(_: Context) -> None:
    """Holds a call until it is cancelled."""
    await asyncio.Event().wait()


class ScriptedServicer(rpc.FlashSaleServiceServicer):
    """Answers each purchase by its script, and remembers every call, as if all came by row.

    Attributes:
        turns: what happens to the next calls, whichever they are, before the script is asked; None
            lets a call through.
        arrived: is told of each call.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.batches: list[pb.BatchPurchaseRequest] = []
        self.by_column: list[bool] = []
        self.whole_call_errors: list[status_pb2.Status] = []
        self.drops_results = False
        self.drops_others = False
        self.metadata: list[dict[str, str | bytes]] = []
        self.peers: list[str] = []
        self.turns: list[Turn | None] = []
        self.arrived: asyncio.Queue[str] = asyncio.Queue()

    async def BatchPurchase(  # noqa: N802  # the contract's name
        self, request: pb.BatchPurchaseRequest, context: Context
    ) -> pb.BatchPurchaseResponse:
        by_column = request.HasField("columns")
        self.by_column.append(by_column)
        request = by_row(request)
        self.batches.append(request)
        await self._take_turn("BatchPurchase", context)
        if self.whole_call_errors:
            await context.abort_with_status(rpc_status.to_status(self.whole_call_errors.pop(0)))
        results = [self._result(item) for item in request.requests]
        answer = answered(results[:-1] if self.drops_results else results, by_column=by_column)
        if self.drops_others:
            del answer.columns.others[:]
        return answer

    async def Status(  # noqa: N802
        self, request: pb.StatusRequest, context: Context
    ) -> pb.StatusResponse:
        await self._take_turn("Status", context)
        return pb.StatusResponse(sale_id=request.sale_id)

    async def WatchStatus(  # noqa: N802
        self, request: pb.WatchStatusRequest, context: Context
    ) -> AsyncIterator[pb.WatchStatusResponse]:
        await self._take_turn("WatchStatus", context)
        status = pb.StatusResponse(sale_id=request.sale_id, position=len(self.metadata))
        yield pb.WatchStatusResponse(status=status)

    async def StreamPurchases(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.StreamPurchasesRequest], context: Context
    ) -> AsyncIterator[pb.StreamPurchasesResponse]:
        async for message in request_iterator:
            await self._take_turn("StreamPurchases", context)
            yield pb.StreamPurchasesResponse(results=[self._result(message.request)])

    async def _take_turn(self, name: str, context: Context) -> None:
        self.metadata.append(dict(context.invocation_metadata() or ()))
        self.peers.append(context.peer())
        self.arrived.put_nowait(name)
        turn = self.turns.pop(0) if self.turns else None
        if turn is not None:
            await turn(context)

    def _result(self, request: pb.PurchaseRequest) -> pb.PurchaseResult:
        answer = self.script(request)
        if isinstance(answer, status_pb2.Status):
            return pb.PurchaseResult(request_id=request.request_id, error=answer)
        return answer

    @property
    def requests(self) -> list[pb.PurchaseRequest]:
        """Every purchase request, in the order of its arrival."""
        return [item for batch in self.batches for item in batch.requests]


@contextlib.asynccontextmanager
async def scripted(
    script: Script = bought,
    credentials: grpc.ServerCredentials | None = None,
    address: str = "127.0.0.1:0",
) -> AsyncIterator[tuple[str, ScriptedServicer]]:
    """The address of a server that follows `script`, and its servicer."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    servicer = ScriptedServicer(script)  # type: ignore[abstract]  # the other calls are not made
    rpc.add_FlashSaleServiceServicer_to_server(servicer, server)
    if credentials is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, credentials)
    await server.start()
    try:
        yield f"127.0.0.1:{port}", servicer
    finally:
        await server.stop(0)

"""A collector of traces: a real server of OTLP's trace service, which keeps what it is sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as rpc
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

Attributes = dict[str, str | int]


@dataclass
class Collector(rpc.TraceServiceServicer):
    """What was sent so far.

    Attributes:
        address: where it takes OTLP, as a URL.
        resources: what the senders say that they are.
    """

    address: str = ""
    spans: list[Span] = field(default_factory=list)
    resources: list[Attributes] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def Export(  # noqa: N802  # the name of the RPC
        self, request: service.ExportTraceServiceRequest, _: object
    ) -> service.ExportTraceServiceResponse:
        for resource in request.resource_spans:
            self.resources.append(attributes_of(resource.resource.attributes))
            for scope in resource.scope_spans:
                self.spans += scope.spans
        self.came.set()
        return service.ExportTraceServiceResponse()

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name.rpartition("/")[2] == name]

    async def until(self, condition: Callable[["Collector"], bool]) -> None:
        """Wait for what must be sent soon."""
        async with asyncio.timeout(20):
            while not condition(self):
                self.came.clear()
                await self.came.wait()


def attributes_of(pairs: Iterable[KeyValue]) -> Attributes:
    """Attributes as a dictionary."""
    found: Attributes = {}
    for pair in pairs:
        value = pair.value
        found[pair.key] = value.string_value or value.int_value
    return found


@contextlib.asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector on a free port."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    collector = Collector()
    rpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]  # it has no types
    collector.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(0)

"""Server reflection, so that grpcurl, ghz and grpcui need nothing but an address.

The package serves v1alpha and knows no methods by name. v1 is the same on the wire under another
name, and the tools ask for methods, so both are added here.
"""

from collections.abc import Sequence
from functools import cache

import grpc
from google.protobuf import descriptor_pb2, text_format
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pool import Default
from grpc_reflection.v1alpha import reflection, reflection_pb2

from flashsale_server.grpc_api.guarded_server import GuardedServer


def add_reflection(server: GuardedServer, names: Sequence[str]) -> None:
    """Have `server` describe the services called `names`, and reflection itself."""
    everything = [*names, reflection.SERVICE_NAME, _v1_name()]
    servicer = reflection.aio.ReflectionServicer(everything, _ByMethodToo())
    rpc = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": rpc})
            for name in (reflection.SERVICE_NAME, _v1_name())
        ]
    )


class _ByMethodToo:
    """The default pool, except that it finds a method, too: through its service."""

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802  # a pool's
        try:
            return Default().FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            file = Default().FindFileContainingSymbol(service)
            if method not in Default().FindServiceByName(service).methods_by_name:
                raise
            return file

    def __getattr__(self, name: str) -> object:
        return getattr(Default(), name)


@cache
def _v1_name() -> str:
    """The full name of v1's reflection service, described in the pool so that it can be listed."""
    file = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    renamed = text_format.MessageToString(file).replace("v1alpha", "v1")
    descriptor = Default().AddSerializedFile(
        text_format.Parse(renamed, descriptor_pb2.FileDescriptorProto()).SerializeToString()
    )
    name: str = descriptor.services_by_name["ServerReflection"].full_name
    return name

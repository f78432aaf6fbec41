"""Errors over HTTP: a google.rpc.Status as JSON under the HTTP status that goes with it.

This is the one table from gRPC to HTTP. A few reasons have an HTTP status of their own, because
HTTP says it better.
"""

import math
from collections.abc import Callable
from typing import Final

from google.rpc import code_pb2, error_details_pb2, status_pb2

from flashsale_server.checkout import MethodNotAllowed, Unauthenticated
from flashsale_server.json_gateway.json_writing import json_of

HTTP_STATUS: Final[dict[int, int]] = {
    code_pb2.OK: 200,
    code_pb2.CANCELLED: 499,
    code_pb2.UNKNOWN: 500,
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.DEADLINE_EXCEEDED: 504,
    code_pb2.NOT_FOUND: 404,
    code_pb2.ALREADY_EXISTS: 409,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.ABORTED: 409,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNIMPLEMENTED: 501,
    code_pb2.INTERNAL: 500,
    code_pb2.UNAVAILABLE: 503,
    code_pb2.DATA_LOSS: 500,
    code_pb2.UNAUTHENTICATED: 401,
}

HTTP_STATUS_OF_REASON: Final[dict[str, int]] = {
    "PATH_NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "BODY_TOO_LARGE": 413,
}

Headers = list[tuple[bytes, bytes]]
JSON_HEADERS: Final[Headers] = [(b"content-type", b"application/json")]
StatusOf = Callable[[Exception], status_pb2.Status]


def error_response(status: status_pb2.Status, error: Exception) -> tuple[int, Headers, bytes]:
    """The HTTP status, the headers and the body of an error."""
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    headers = [*JSON_HEADERS]
    for detail in status.details:
        if detail.Unpack(retry):
            seconds = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
            headers.append((b"retry-after", str(max(1, math.ceil(seconds))).encode()))
        else:
            detail.Unpack(info)
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(error.allowed).encode()))
    if isinstance(error, Unauthenticated):
        headers.append((b"www-authenticate", b"Bearer"))
    code = HTTP_STATUS_OF_REASON.get(info.reason) or HTTP_STATUS.get(status.code, 500)
    return code, headers, json_of(status)

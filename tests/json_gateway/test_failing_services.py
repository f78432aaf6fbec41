"""What the JSON door makes of services that fail, stop short or say nothing."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale_server.checkout import Caller, SaleNotFound
from flashsale_server.grpc_api import status_of
from flashsale_server.json_gateway import Service, http_app
from starlette.requests import Request
from starlette.routing import Route

from tests.json_gateway.answers import reason_in, reason_of

WATCH = "/flash-sale/status:watch"


class Troubled:
    """A service whose watches bring `count` messages before `error`."""

    def __init__(self, count: int, error: Exception | None) -> None:
        self.count, self.error = count, error

    async def Health(self, _: pb.HealthRequest, __: Caller) -> pb.HealthResponse:  # noqa: N802  # the RPC's name
        raise self.error or AssertionError

    async def WatchStatus(  # noqa: N802  # the RPC's name
        self, _: pb.WatchStatusRequest, __: Caller
    ) -> AsyncIterator[pb.WatchStatusResponse]:
        for _number in range(self.count):
            yield pb.WatchStatusResponse()
        if self.error is not None:
            raise self.error


def client_of(count: int, error: Exception | None) -> httpx.AsyncClient:
    async def page(_: Request) -> None:
        raise error or AssertionError

    service = Service(pb.DESCRIPTOR.services_by_name["FlashSaleService"], Troubled(count, error))
    app = http_app([service], status_of=status_of, extra_routes=[Route("/page", page)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")


@pytest.mark.parametrize("path", ["/flash-sale/health", WATCH, "/page"])
async def test_a_fault_of_the_server_is_told_without_its_secrets(path: str) -> None:
    async with client_of(0, RuntimeError("the password is 1234")) as web:
        answer = await web.get(path)
    assert (answer.status_code, reason_of(answer)) == (500, "INTERNAL")
    assert "1234" not in answer.text


async def test_a_stream_that_breaks_ends_with_its_error() -> None:
    async with client_of(2, SaleNotFound("gone")) as web:
        answer = await web.get(WATCH)
    *results, last = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.status_code == 200
    assert results == [{"result": {}}] * 2
    assert reason_in(last["error"]) == "SALE_NOT_FOUND"


async def test_an_event_stream_that_breaks_ends_with_an_event_of_its_error() -> None:
    async with client_of(1, SaleNotFound("gone")) as web:
        answer = await web.get(WATCH, headers={"accept": "text/event-stream"})
    retry, message, error, rest = answer.text.split("\n\n")
    assert retry.startswith("retry: ")
    assert message == "data: {}"
    assert error.startswith("event: error\ndata: ")
    assert reason_in(json.loads(error.partition("data: ")[2])) == "SALE_NOT_FOUND"
    assert rest == ""


async def test_a_stream_that_says_nothing_is_empty() -> None:
    async with client_of(0, None) as web:
        answer = await web.get(WATCH)
    assert (answer.status_code, answer.content) == (200, b"")

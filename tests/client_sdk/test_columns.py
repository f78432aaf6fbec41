"""What travels by column, what does not, and what is made of the answers."""

import asyncio
import math

import pytest
from flashsale import (
    AsyncClient,
    InvalidRequest,
    Outcome,
    OutcomeUnknown,
    PurchaseResult,
    RateLimited,
    Retries,
)
from flashsale.batches import COLUMNS_FROM
from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from tests.client_sdk.scripted_server import Answer, bought, error, scripted

CROWD = COLUMNS_FROM + 4


def everything(request: pb.PurchaseRequest) -> Answer:
    """A different answer to each of six kinds of user."""
    kind = request.user_id.split("-")[0]
    response = pb.PurchaseResponse(request_id=request.request_id, sale_id=request.sale_id)
    if kind == "limited":
        return error(StatusCode.RESOURCE_EXHAUSTED, "USER_RATE_LIMITED", 3.0)
    if kind == "buyer":
        return bought(request)
    if kind == "again":
        result = bought(request)
        result.response.replayed = True
        return result
    if kind == "early":
        response.outcome = pb.OUTCOME_NOT_STARTED
        response.start_time.CopyFrom(Timestamp(seconds=7))
    elif kind == "new":
        response.outcome = 99  # type: ignore[assignment]  # of a later version
    else:
        response.outcome = pb.OUTCOME_SOLD_OUT
    return pb.PurchaseResult(request_id=request.request_id, response=response)


async def test_each_of_a_crowd_is_told_its_own_result_by_column() -> None:
    kinds = ["buyer", "limited", "again", "early", "new", "late"] * 6
    async with scripted(everything) as (address, server), AsyncClient(address) as client:
        results = await asyncio.gather(
            *(client.purchase(f"{kind}-{n}") for n, kind in enumerate(kinds)),
            return_exceptions=True,
        )
    assert server.by_column == [True]
    for number, (kind, result) in enumerate(zip(kinds, results, strict=True)):
        if kind == "limited":
            assert isinstance(result, RateLimited)
            continue
        assert isinstance(result, PurchaseResult)
        assert result.request_id == server.requests[number].request_id
        if kind == "early":
            assert result.outcome is Outcome.NOT_STARTED
            assert result.start_time is not None
        elif kind in {"buyer", "again"}:
            assert result.outcome is Outcome.PURCHASED
            assert result.replayed is (kind == "again")
            assert result.purchase is not None
            assert result.purchase.purchase_id == f"p-{result.request_id}"
        else:
            expected = {"new": Outcome.UNRECOGNIZED, "late": Outcome.SOLD_OUT}
            assert result.outcome is expected[kind]


async def test_a_purchase_is_the_same_by_row_and_by_column() -> None:
    def recorded(request: pb.PurchaseRequest) -> Answer:
        result = bought(request)
        result.response.sale_id = result.response.purchase.sale_id = request.sale_id
        purchase = result.response.purchase
        purchase.request_id = request.request_id
        purchase.quantity = 1
        purchase.state = pb.PURCHASE_STATE_CONFIRMED
        purchase.position = 77
        purchase.create_time.FromMicroseconds(1_700_000_000_123_456)
        return result

    async with scripted(recorded) as (address, server), AsyncClient(address) as client:
        alone = await client.purchase("u-0", request_id="r-0")
        crowd = (client.purchase(f"u-{n}", request_id=f"r-{n}") for n in range(CROWD))
        together = await asyncio.gather(*crowd)
    assert server.by_column == [False, True]
    assert together[0] == alone
    assert repr(together[0]) == repr(alone)


@pytest.mark.parametrize("odd", ["two units", "a retry", "not ASCII", "another sale", "less time"])
async def test_a_crowd_with_an_odd_one_travels_by_row(odd: str) -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        calls = [client.purchase(f"u-{n}") for n in range(CROWD)]
        if odd == "two units":
            calls.append(client.purchase("odd", quantity=2))
        elif odd == "a retry":
            calls.append(client.purchase("odd", request_id="r", retry=True))
        elif odd == "not ASCII":
            calls.append(client.purchase("ödd"))
        elif odd == "another sale":
            calls.append(client.purchase("odd", sale_id="hats"))
        else:
            calls.append(client.purchase("odd", timeout=2.0))
        results = await asyncio.gather(*calls)
    assert server.by_column == [False]
    assert {result.outcome for result in results} == {Outcome.PURCHASED}


async def test_columns_that_do_not_fit_together_leave_the_fate_unknown() -> None:
    async with scripted() as (address, server):
        server.drops_results = True
        async with AsyncClient(address, retries=Retries(1)) as client:
            results = await asyncio.gather(
                *(client.purchase(f"u-{n}") for n in range(CROWD)), return_exceptions=True
            )
    assert server.by_column == [True]
    assert all(isinstance(result, OutcomeUnknown) for result in results)


async def test_a_purchase_that_the_columns_leave_out_is_of_unknown_fate() -> None:
    async with scripted(everything) as (address, server):
        server.drops_others = True
        async with AsyncClient(address, retries=Retries(1)) as client:
            results = await asyncio.gather(
                client.purchase("early-1"),
                *(client.purchase(f"buyer-{n}") for n in range(CROWD)),
                return_exceptions=True,
            )
    assert isinstance(results[0], OutcomeUnknown)
    assert all(isinstance(result, PurchaseResult) for result in results[1:])


async def test_an_impossible_sale_is_its_own_requests_error_in_a_crowd() -> None:
    async with scripted() as (address, _), AsyncClient(address) as client:
        crowd = [asyncio.ensure_future(client.purchase(f"u-{n}")) for n in range(CROWD)]
        with pytest.raises(InvalidRequest):
            await client.purchase("odd", sale_id="\ud800")
        results = await asyncio.gather(*crowd)
    assert {result.outcome for result in results} == {Outcome.PURCHASED}


async def test_a_caller_may_wait_for_ever_among_others() -> None:
    async with scripted() as (address, _), AsyncClient(address) as client:
        calls = (client.purchase(f"u-{n}", timeout=math.inf if n else 5.0) for n in range(CROWD))
        results = await asyncio.gather(*calls)
    assert {result.outcome for result in results} == {Outcome.PURCHASED}


async def test_what_was_sent_by_column_and_lost_is_repeated_as_a_retry() -> None:
    async with scripted() as (address, server):
        server.whole_call_errors = [error(StatusCode.UNAVAILABLE, "OUTCOME_UNKNOWN")]
        async with AsyncClient(address, retries=Retries(first_seconds=0.001)) as client:
            results = await asyncio.gather(*(client.purchase(f"u-{n}") for n in range(CROWD)))
    first, *again = [item for batch in server.batches for item in [list(batch.requests)]]
    assert server.by_column[0]
    assert not any(item.retry for item in first)
    assert all(item.retry for batch in again for item in batch)
    assert {result.outcome for result in results} == {Outcome.PURCHASED}

"""Batches by column: the same as by row, in fewer words."""

import asyncio

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers import running

Asked = list[tuple[str, str]]

PEOPLE = st.sampled_from(["ann", "bob", "cid", "dan", "", "e\x07e", "ünal", "x" * 129])
REQUESTS = st.sampled_from(["r-1", "r-2", "r-3", "r\n", "ř"])


def by_row(asked: Asked, sale_id: str = "") -> pb.BatchPurchaseRequest:
    rows = [pb.PurchaseRequest(user_id=user, request_id=request) for user, request in asked]
    return pb.BatchPurchaseRequest(requests=rows, sale_id=sale_id)


def by_column(asked: Asked, sale_id: str = "") -> pb.BatchPurchaseRequest:
    columns = pb.PurchaseColumns(
        user_ids=[user for user, _ in asked], request_ids=[request for _, request in asked]
    )
    return pb.BatchPurchaseRequest(columns=columns, sale_id=sale_id)


def results_of(asked: Asked, columns: pb.ResultColumns) -> list[pb.PurchaseResult]:
    """The rows that columns stand for, as far as columns say."""
    bought = zip(columns.purchase_ids, columns.positions, columns.create_times_us, strict=True)
    others = {item.place: item.result for item in columns.others}
    results = []
    for place, ((user, request), outcome) in enumerate(zip(asked, columns.outcomes, strict=True)):
        if not outcome:
            results.append(others[place])
            continue
        result = pb.PurchaseResult(request_id=request)
        result.response.outcome = outcome
        result.response.request_id = request
        result.response.sale_id = "default"
        if outcome == pb.OUTCOME_PURCHASED:
            purchase = result.response.purchase
            purchase.purchase_id, purchase.position, create_time_us = next(bought)
            purchase.user_id, purchase.request_id, purchase.sale_id = user, request, "default"
            purchase.quantity, purchase.state = 1, pb.PURCHASE_STATE_CONFIRMED
            purchase.create_time.FromMicroseconds(create_time_us)
        results.append(result)
    return results


def comparable(result: pb.PurchaseResult) -> pb.PurchaseResult:
    """A result without what differs from one server to the next."""
    purchase = result.response.purchase if result.response.HasField("purchase") else pb.Purchase()
    assert bool(purchase.purchase_id) == bool(purchase.create_time.seconds)
    purchase.ClearField("purchase_id")
    purchase.ClearField("create_time")
    return result


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.tuples(PEOPLE, REQUESTS), min_size=1, max_size=12), max_size=4))
def test_a_batch_comes_to_the_same_by_row_and_by_column(batches: list[Asked]) -> None:
    async def compared() -> None:
        async with running(stock="3") as rows, running(stock="3") as columns:
            for asked in batches:
                plain = await rows.stub.BatchPurchase(by_row(asked))
                packed = await columns.stub.BatchPurchase(by_column(asked))
                assert not packed.results
                assert not plain.HasField("columns")
                assert list(map(comparable, results_of(asked, packed.columns))) == list(
                    map(comparable, plain.results)
                )

    asyncio.run(compared())


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (by_column([]), "columns.user_ids"),
        (by_column([("ann", "r")] * 1001), "columns.user_ids"),
        (by_column([("ann", "")]), "columns.request_ids"),
        (by_column([("ann", "r")], "No Sale"), "sale_id"),
        (
            pb.BatchPurchaseRequest(columns=pb.PurchaseColumns(user_ids=["ann"])),
            "columns.request_ids",
        ),
        (
            pb.BatchPurchaseRequest(
                columns=pb.PurchaseColumns(user_ids=["ann"], request_ids=["r"]),
                requests=[pb.PurchaseRequest(user_id="ann")],
            ),
            "columns",
        ),
    ],
)
async def test_columns_that_are_malformed_are_refused_as_a_whole(
    request_: pb.BatchPurchaseRequest, field: str
) -> None:
    async with running() as shop:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await shop.stub.BatchPurchase(request_)
        status = await shop.stub.Status(pb.StatusRequest())
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in (refused.value.details() or "")
    assert status.sold_stock == 0


async def test_an_unknown_sale_is_each_requests_own_error() -> None:
    async with running() as shop:
        answer = await shop.stub.BatchPurchase(by_column([("ann", "r"), ("bob", "s")], "nowhere"))
    assert list(answer.columns.outcomes) == [0, 0]
    others = [(item.place, item.result.request_id) for item in answer.columns.others]
    assert others == [(0, "r"), (1, "s")]
    assert answer.columns.others[0].result.error.code == grpc.StatusCode.NOT_FOUND.value[0]

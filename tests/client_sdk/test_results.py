"""Results: what is made from a message is the same value as what anybody else makes."""

import pickle
from datetime import UTC, datetime

import pytest
from flashsale import Outcome, Purchase, PurchaseResult, PurchaseState
from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

INSTANT = Timestamp(seconds=1_800_000_000, nanos=123_456_999)
MESSAGE = pb.PurchaseResponse(
    outcome=pb.OUTCOME_HELD,
    request_id="r-1",
    sale_id="shoes",
    replayed=True,
    purchase=pb.Purchase(
        purchase_id="p-1",
        sale_id="shoes",
        user_id="ann",
        request_id="r-1",
        quantity=2,
        state=pb.PURCHASE_STATE_HELD,
        position=7,
        create_time=INSTANT,
        hold_expire_time=INSTANT,
    ),
)
AT = datetime(2027, 1, 15, 8, 0, 0, 123_456, UTC)
PURCHASE = Purchase("p-1", "shoes", "ann", "r-1", 2, PurchaseState.HELD, 7, AT, AT)
RESULT = PurchaseResult(Outcome.HELD, "r-1", "shoes", True, PURCHASE, None, None)


def test_a_result_of_a_message_is_the_value_that_the_constructor_makes() -> None:
    result = PurchaseResult.of(MESSAGE)
    assert result == RESULT
    assert hash(result) == hash(RESULT)
    assert repr(result) == repr(RESULT)
    assert type(result) is PurchaseResult
    assert type(result.purchase) is Purchase


def test_a_result_of_a_message_can_be_copied_but_not_changed() -> None:
    result = PurchaseResult.of(MESSAGE)
    assert pickle.loads(pickle.dumps(result)) == RESULT
    assert result._replace(replayed=False).purchase == PURCHASE
    with pytest.raises(AttributeError):
        result.replayed = False  # type: ignore[misc]  # that is the point
    with pytest.raises(AttributeError):
        del result.purchase


@pytest.mark.parametrize("number", range(1, 10))
def test_stock_is_told_with_insufficient_stock_alone(number: int) -> None:
    message = pb.PurchaseResponse(outcome=number, available_stock=3)  # type: ignore[arg-type]  # an outcome
    result = PurchaseResult.of(message)
    is_told = result.outcome is Outcome.INSUFFICIENT_STOCK
    assert result.available_stock == (3 if is_told else None)

"""Which error is raised for what the server, or the transport, says."""

import grpc
import pytest
from flashsale import (
    AsyncClient,
    CircuitOpen,
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    EtagMismatch,
    FlashSaleError,
    HoldExpired,
    HoldReleased,
    InvalidRequest,
    LedgerUnavailable,
    NotEnoughUnsold,
    NotFound,
    Order,
    OutcomeUnknown,
    PermissionDenied,
    PreconditionFailed,
    PurchaseCancelled,
    PurchaseConfirmed,
    PurchaseNotFound,
    QueueFull,
    RateLimited,
    RequestIdReused,
    Retries,
    SaleEnded,
    SaleExists,
    SaleNotFound,
    SaleUnreadable,
    ServerFailed,
    ShuttingDown,
    TooManyWatchers,
    Unauthenticated,
    Unavailable,
    Violation,
)
from flashsale.errors import REASONS, error_of_status
from flashsale.v1 import flash_sale_pb2 as pb
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from tests.client_sdk.scripted_server import breaks, ends, error, scripted
from tests.servers import running

Code = grpc.StatusCode
ONCE = Retries(attempts=1)

# The contract's comments give each reason its code.
CLASSES = [
    (Code.INVALID_ARGUMENT, "INVALID_FIELD", InvalidRequest),
    (Code.INVALID_ARGUMENT, "REQUEST_ID_REUSED", RequestIdReused),
    (Code.NOT_FOUND, "SALE_NOT_FOUND", SaleNotFound),
    (Code.NOT_FOUND, "PURCHASE_NOT_FOUND", PurchaseNotFound),
    (Code.FAILED_PRECONDITION, "HOLD_EXPIRED", HoldExpired),
    (Code.ABORTED, "ETAG_MISMATCH", EtagMismatch),
    (Code.RESOURCE_EXHAUSTED, "USER_RATE_LIMITED", RateLimited),
    (Code.UNAVAILABLE, "QUEUE_FULL", QueueFull),
    (Code.UNAVAILABLE, "CIRCUIT_OPEN", CircuitOpen),
    (Code.UNAVAILABLE, "OUTCOME_UNKNOWN", OutcomeUnknown),
    (Code.UNAVAILABLE, "SHUTTING_DOWN", ShuttingDown),
    (Code.UNAVAILABLE, "LEDGER_UNAVAILABLE", LedgerUnavailable),
    (Code.UNAVAILABLE, "SALE_UNREADABLE", SaleUnreadable),
    (Code.UNAVAILABLE, "TOO_MANY_WATCHERS", TooManyWatchers),
    (Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", DeadlineExceeded),
    (Code.UNAUTHENTICATED, "UNAUTHENTICATED", Unauthenticated),
    (Code.PERMISSION_DENIED, "PERMISSION_DENIED", PermissionDenied),
    (Code.INTERNAL, "INTERNAL", ServerFailed),
    (Code.UNIMPLEMENTED, "PATH_NOT_FOUND", ServerFailed),
    (Code.UNIMPLEMENTED, "METHOD_NOT_ALLOWED", ServerFailed),
    (Code.RESOURCE_EXHAUSTED, "BODY_TOO_LARGE", InvalidRequest),
    (Code.FAILED_PRECONDITION, "HOLD_RELEASED", HoldReleased),
    (Code.FAILED_PRECONDITION, "PURCHASE_CONFIRMED", PurchaseConfirmed),
    (Code.FAILED_PRECONDITION, "PURCHASE_CANCELLED", PurchaseCancelled),
    (Code.ALREADY_EXISTS, "SALE_EXISTS", SaleExists),
    (Code.FAILED_PRECONDITION, "SALE_ENDED", SaleEnded),
    (Code.FAILED_PRECONDITION, "NOT_ENOUGH_UNSOLD", NotEnoughUnsold),
    (Code.UNAVAILABLE, "TOO_MANY_CONNECTIONS", Unavailable),
]


def test_every_reason_of_the_contract_is_listed_here() -> None:
    names = [value.name for value in pb.ErrorReason.DESCRIPTOR.values if value.number]
    assert [f"ERROR_REASON_{reason}" for _, reason, _ in CLASSES] == names
    assert {reason: kind for _, reason, kind in CLASSES} == REASONS


@pytest.mark.parametrize(("code", "reason", "kind"), CLASSES, ids=[row[1] for row in CLASSES])
async def test_each_reason_raises_its_class_from_purchases_and_from_questions(
    code: grpc.StatusCode, reason: str, kind: type[FlashSaleError]
) -> None:
    status = error(code, reason)
    async with (
        scripted(lambda _: status) as (address, server),
        AsyncClient(address, retries=ONCE) as client,
    ):
        with pytest.raises(kind) as of_item:
            await client.purchase("ann", request_id="mine")
        server.turns = [ends(status), ends(status)]
        with pytest.raises(kind) as of_call:
            await client.purchase("ann", request_id="mine")
        with pytest.raises(kind) as of_question:
            await client.status()
    for raised in (of_item, of_call, of_question):
        assert type(raised.value) is kind
        assert raised.value.reason == reason
        assert raised.value.message == f"{reason} happened"
        assert str(raised.value) == raised.value.message
    assert [of_item.value.request_id, of_call.value.request_id] == ["mine", "mine"]
    assert of_question.value.request_id is None


# What has no reason was not said by a flash sale server: its code alone tells.
BY_CODE = [
    (Code.INVALID_ARGUMENT, InvalidRequest),
    (Code.OUT_OF_RANGE, InvalidRequest),
    (Code.RESOURCE_EXHAUSTED, InvalidRequest),
    (Code.NOT_FOUND, NotFound),
    (Code.FAILED_PRECONDITION, PreconditionFailed),
    (Code.ABORTED, Conflict),
    (Code.UNAUTHENTICATED, Unauthenticated),
    (Code.PERMISSION_DENIED, PermissionDenied),
    (Code.UNIMPLEMENTED, ServerFailed),
    (Code.DATA_LOSS, ServerFailed),
    (Code.ALREADY_EXISTS, ServerFailed),
]
UNDECIDED = [
    (Code.UNAVAILABLE, ConnectionFailed),
    (Code.DEADLINE_EXCEEDED, DeadlineExceeded),
    (Code.INTERNAL, ServerFailed),
    (Code.UNKNOWN, ServerFailed),
    (Code.CANCELLED, ServerFailed),
]


@pytest.mark.parametrize(("code", "kind"), BY_CODE, ids=[row[0].name for row in BY_CODE])
async def test_a_purchase_without_a_reason_falls_back_on_the_code(
    code: grpc.StatusCode, kind: type[FlashSaleError]
) -> None:
    async with scripted() as (address, server), AsyncClient(address, retries=ONCE) as client:
        server.turns = [breaks(code, "by a proxy")]
        with pytest.raises(kind, match="by a proxy") as raised:
            await client.purchase("ann")
    assert type(raised.value) is kind
    assert raised.value.reason == ""


@pytest.mark.parametrize(
    ("code", "kind"), BY_CODE + UNDECIDED, ids=[row[0].name for row in BY_CODE + UNDECIDED]
)
async def test_a_question_without_a_reason_falls_back_on_the_code(
    code: grpc.StatusCode, kind: type[FlashSaleError]
) -> None:
    async with scripted() as (address, server), AsyncClient(address, retries=ONCE) as client:
        server.turns = [breaks(code, "by a proxy")]
        with pytest.raises(kind, match="by a proxy") as raised:
            await client.status()
    assert type(raised.value) is kind


@pytest.mark.parametrize(("code", "kind"), BY_CODE + UNDECIDED)
def test_a_reason_of_a_later_version_falls_back_on_the_code(
    code: grpc.StatusCode, kind: type[FlashSaleError]
) -> None:
    raised = error_of_status(error(code, "MOON_IN_THE_WRONG_HOUSE", 1.5), "mine")
    assert type(raised) is kind
    assert raised.reason == "MOON_IN_THE_WRONG_HOUSE"
    assert raised.retry_after_seconds == 1.5
    assert raised.request_id == "mine"


def test_details_are_read_in_any_order_and_strange_ones_are_passed_over() -> None:
    status = status_pb2.Status(code=code_pb2.INVALID_ARGUMENT, message="two fields")
    wrong = error_details_pb2.BadRequest()
    wrong.field_violations.add(field="user_id", description="is empty")
    wrong.field_violations.add(field="quantity", description="is not positive")
    info = error_details_pb2.ErrorInfo(reason="INVALID_FIELD", domain="flashsale")
    info.metadata["request_id"] = "made-by-the-server"
    for detail in (error_details_pb2.Help(), wrong, info):
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    raised = error_of_status(status)
    assert isinstance(raised, InvalidRequest)
    assert raised.violations == (
        Violation("user_id", "is empty"),
        Violation("quantity", "is not positive"),
    )
    assert raised.request_id == "made-by-the-server"
    assert raised.retry_after_seconds is None


def test_only_what_may_be_asked_again_is_unavailable() -> None:
    retryable = {kind for _, _, kind in CLASSES if issubclass(kind, Unavailable)}
    assert retryable == {kind for code, _, kind in CLASSES if code is Code.UNAVAILABLE}


@pytest.mark.parametrize(
    ("user_id", "quantity"), [("\ud800", 1), ("ann", 2**31), ("ann", -(2**31) - 1)]
)
async def test_what_no_message_can_carry_is_an_invalid_request(user_id: str, quantity: int) -> None:
    async with scripted() as (address, server), AsyncClient(address) as client:
        with pytest.raises(InvalidRequest):
            await client.purchase(user_id, quantity=quantity)
        answered = await client.purchase_many([Order("bob"), Order(user_id, quantity)])
    assert [item.result is not None for item in answered] == [True, False]
    assert isinstance(answered[1].error, InvalidRequest)
    assert [item.user_id for item in server.requests] == ["bob"]


async def test_over_the_rate_limit_the_real_server_says_when_the_next_try_is_free() -> None:
    async with running(rate_limit_per_minute="1") as shop, AsyncClient(shop.address) as client:
        await client.purchase("ann")
        with pytest.raises(RateLimited) as limited:
            await client.purchase("ann")
    assert limited.value.retry_after_seconds is not None
    assert 0 < limited.value.retry_after_seconds <= 60
    assert limited.value.request_id


async def test_a_server_that_has_stopped_decided_nothing() -> None:
    async with running() as shop, AsyncClient(shop.address, retries=ONCE) as client:
        await client.purchase("ann")
        await shop.server.stop()
        with pytest.raises((ShuttingDown, ConnectionFailed)):
            await client.purchase("bob")

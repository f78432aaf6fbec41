"""What the shop asks over real gRPC: every RPC, what it refuses, and that it says all at once."""

import asyncio
from collections.abc import Awaitable

import grpc
import pytest
from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from tests.sale_admin import HOLD, open_shop, refusal

NEXT_YEAR = Timestamp(seconds=4_000_000_000)
INVALID = grpc.StatusCode.INVALID_ARGUMENT
FAILED = grpc.StatusCode.FAILED_PRECONDITION


def create(sale_id: str = "hats", **sale: object) -> admin.CreateSaleRequest:
    return admin.CreateSaleRequest(sale_id=sale_id, sale=admin.Sale(**sale))  # type: ignore[arg-type]  # by name, whichever


def update(*names: str, etag: str = "", **sale: object) -> admin.UpdateSaleRequest:
    new = admin.Sale(sale_id="hats", etag=etag, **sale)  # type: ignore[arg-type]  # by name, whichever
    return admin.UpdateSaleRequest(sale=new, update_mask=FieldMask(paths=names))


def restock(units: int, etag: str = "") -> admin.RestockSaleRequest:
    return admin.RestockSaleRequest(sale_id="hats", stock_change=units, etag=etag)


# Making a sale.


async def test_a_new_sale_is_as_it_was_asked_for() -> None:
    async with open_shop() as shop:
        made = await shop.make(
            title="Hats 🎩",
            start_time=Timestamp(seconds=1_000_000_000),
            end_time=NEXT_YEAR,
            per_user_limit=3,
            per_order_limit=2,
            hold_duration=HOLD,
        )
        assert await shop.sale() == made
    assert (made.sale_id, made.title, made.etag, made.position) == ("hats", "Hats 🎩", "r1", 1)
    assert (made.total_stock, made.available_stock) == (5, 5)
    assert (made.per_user_limit, made.per_order_limit, made.hold_duration) == (3, 2, HOLD)
    assert (made.state, made.end_time) == (pb.SALE_STATE_LIVE, NEXT_YEAR)


async def test_a_sale_that_names_nothing_has_the_defaults() -> None:
    async with open_shop() as shop:
        made = await shop.admin.CreateSale(create())
    assert (made.total_stock, made.per_user_limit, made.per_order_limit) == (0, 1, 0)
    assert made.start_time.ToMicroseconds() <= made.create_time.ToMicroseconds()
    assert not made.HasField("end_time")
    assert not made.HasField("hold_duration")


async def test_there_is_one_sale_with_an_id() -> None:
    async with open_shop() as shop:
        await shop.make()
        for sale_id in ("hats", "default"):
            found = await refusal(shop.make(sale_id, total_stock=900))
            assert found.code is grpc.StatusCode.ALREADY_EXISTS
            assert (found.reason, found.subject) == ("SALE_EXISTS", sale_id)
        assert (await shop.sale()).total_stock == 5


PAST = Timestamp(seconds=1_000_000_000)
BAD_SALES = {
    "sale_id": [create(name, total_stock=1) for name in ("", "Hats", "a_b", "a" * 64, "ä", "a\n")],
    "sale.sale_id": [admin.CreateSaleRequest(sale_id="hats", sale=admin.Sale(sale_id="caps"))],
    "sale.state": [create(state=pb.SALE_STATE_LIVE)],
    "sale.available_stock": [create(available_stock=1)],
    "sale.held_stock": [create(held_stock=1)],
    "sale.sold_stock": [create(sold_stock=1)],
    "sale.position": [create(position=1)],
    "sale.create_time": [create(create_time=PAST)],
    "sale.etag": [create(etag="r1")],
    "sale.total_stock": [create(total_stock=-1)],
    "sale.title": [create(title="x" * 201), create(title="a\nb"), create(title="a\0")],
    "sale.per_user_limit": [create(per_user_limit=-1), create(per_user_limit=1_000_001)],
    "sale.per_order_limit": [create(per_order_limit=-1), create(per_order_limit=2**31 - 1)],
    "sale.hold_duration": [
        create(hold_duration=duration)
        for duration in (
            Duration(),
            Duration(seconds=-5),
            Duration(nanos=999_000_000),
            Duration(seconds=86_400, nanos=1_000_000),
            Duration(seconds=1, nanos=500),
            Duration(seconds=1, nanos=1000),
            Duration(seconds=3, nanos=-500_000_000),
            Duration(seconds=2**62),
        )
    ],
    "sale.start_time": [
        create(start_time=time)
        for time in (Timestamp(seconds=-1), Timestamp(seconds=2**62), Timestamp(nanos=-1))
    ],
    "sale.end_time": [
        create(end_time=PAST),
        create(start_time=NEXT_YEAR, end_time=NEXT_YEAR),
        create(end_time=Timestamp(seconds=2**62)),
    ],
}


@pytest.mark.parametrize("field", BAD_SALES)
async def test_a_malformed_sale_is_named_and_not_made(field: str) -> None:
    async with open_shop() as shop:
        for request in BAD_SALES[field]:
            found = await refusal(shop.admin.CreateSale(request))
            assert (found.code, found.reason) == (INVALID, "INVALID_FIELD")
            assert found.fields == [field], request
        sales = await shop.admin.ListSales(admin.ListSalesRequest())
    assert [sale.sale_id for sale in sales.sales] == ["default"]


async def test_all_that_is_wrong_with_a_sale_is_named_at_once() -> None:
    async with open_shop() as shop:
        found = await refusal(
            shop.admin.CreateSale(
                create(
                    "?",
                    total_stock=-1,
                    title="\n",
                    per_user_limit=-1,
                    per_order_limit=-1,
                    hold_duration=Duration(),
                    start_time=Timestamp(seconds=-1),
                    end_time=PAST,
                    etag="r1",
                )
            )
        )
    names = ("etag", "total_stock", "title", "per_user_limit", "per_order_limit", "hold_duration")
    expected = ["sale_id", *(f"sale.{name}" for name in (*names, "start_time", "end_time"))]
    assert found.fields == expected


async def test_every_rpc_names_a_sale_that_cannot_be_and_one_that_is_not() -> None:
    async with open_shop() as shop:
        for sale_id in ("", "No Sale", "nope"):
            calls: list[Awaitable[object]] = [
                shop.admin.GetSale(admin.GetSaleRequest(sale_id=sale_id)),
                shop.admin.PauseSale(admin.PauseSaleRequest(sale_id=sale_id)),
                shop.admin.ResumeSale(admin.ResumeSaleRequest(sale_id=sale_id)),
                shop.admin.EndSale(admin.EndSaleRequest(sale_id=sale_id)),
                shop.admin.RestockSale(admin.RestockSaleRequest(sale_id=sale_id, stock_change=1)),
                shop.admin.ListPurchases(admin.ListPurchasesRequest(sale_id=sale_id)),
                shop.admin.UpdateSale(
                    admin.UpdateSaleRequest(sale=admin.Sale(sale_id=sale_id, title="x"))
                ),
                shop.admin.CancelPurchase(
                    admin.CancelPurchaseRequest(sale_id=sale_id, user_id="a", purchase_id="p")
                ),
            ]
            for call in calls:
                found = await refusal(call)
                if sale_id == "nope":
                    assert (found.reason, found.subject) == ("SALE_NOT_FOUND", "nope")
                else:
                    assert (found.code, found.reason) == (INVALID, "INVALID_FIELD")
                    assert found.fields[0].split(".")[-1] == "sale_id"


# Updating it.


async def test_the_mask_says_what_changes() -> None:
    async with open_shop() as shop:
        made = await shop.make(title="Hats", per_user_limit=3, hold_duration=HOLD)
        sale = await shop.admin.UpdateSale(update("title", title="Caps", per_user_limit=9))
    assert (sale.title, sale.per_user_limit, sale.hold_duration) == ("Caps", 3, HOLD)
    assert (sale.etag, sale.position) == ("r2", 2)
    assert sale.create_time == made.create_time


@pytest.mark.parametrize("mask", [(), ("*",)])
async def test_without_a_mask_all_that_is_set_changes(mask: tuple[str, ...]) -> None:
    async with open_shop() as shop:
        await shop.make(title="Hats", per_user_limit=3, per_order_limit=2)
        sale = await shop.admin.UpdateSale(update(*mask, title="Caps", per_order_limit=1))
    assert (sale.title, sale.per_user_limit, sale.per_order_limit) == ("Caps", 3, 1)


async def test_what_the_mask_names_and_the_sale_does_not_set_is_taken_away() -> None:
    async with open_shop() as shop:
        await shop.make(
            title="Hats",
            per_user_limit=3,
            per_order_limit=2,
            hold_duration=HOLD,
            end_time=NEXT_YEAR,
        )
        names = ("title", "end_time", "per_user_limit", "per_order_limit", "hold_duration")
        sale = await shop.admin.UpdateSale(update(*names))
    assert (sale.title, sale.per_user_limit, sale.per_order_limit) == ("", 1, 0)
    assert not sale.HasField("end_time")
    assert not sale.HasField("hold_duration")


@pytest.mark.parametrize("name", ["nonsense", "total_stock", "sale_id", "state", "sale.title", ""])
async def test_a_mask_names_terms_and_nothing_else(name: str) -> None:
    async with open_shop() as shop:
        await shop.make()
        found = await refusal(shop.admin.UpdateSale(update("title", name, title="Caps")))
        assert (found.code, found.fields) == (INVALID, ["update_mask"])
        assert (await shop.sale()).position == 1


async def test_all_that_is_wrong_with_an_update_is_named_at_once() -> None:
    async with open_shop() as shop:
        found = await refusal(
            shop.admin.UpdateSale(
                admin.UpdateSaleRequest(
                    sale=admin.Sale(sale_id="?", title="\n", per_user_limit=-1, end_time=PAST),
                    update_mask=FieldMask(paths=["what", "end_time"]),
                )
            )
        )
    fields = ["sale.sale_id", "update_mask", "sale.title", "sale.per_user_limit", "sale.end_time"]
    assert found.fields == fields


async def test_a_sale_cannot_be_made_to_end_before_it_starts() -> None:
    async with open_shop() as shop:
        await shop.make(start_time=Timestamp(seconds=4_100_000_000))
        found = await refusal(shop.admin.UpdateSale(update("end_time", end_time=NEXT_YEAR)))
        assert (found.code, found.fields) == (INVALID, ["sale.end_time"])
        assert (await shop.sale()).position == 1


async def test_a_sale_that_was_read_can_be_written_back() -> None:
    async with open_shop() as shop:
        made = await shop.make(title="Hats", hold_duration=HOLD)
        made.title = "Caps"
        sale = await shop.admin.UpdateSale(admin.UpdateSaleRequest(sale=made))
        assert (sale.title, sale.start_time, sale.position) == ("Caps", made.start_time, 2)
        again = await refusal(shop.admin.UpdateSale(admin.UpdateSaleRequest(sale=made)))
        assert again.reason == "ETAG_MISMATCH"


# Pausing, ending, restocking.


async def test_a_paused_sale_sells_again_when_it_is_resumed() -> None:
    async with open_shop() as shop:
        await shop.make()
        paused = await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="hats"))
        assert paused.state == pb.SALE_STATE_PAUSED
        assert (await shop.buy("ann")).outcome == pb.OUTCOME_PAUSED
        resumed = await shop.admin.ResumeSale(admin.ResumeSaleRequest(sale_id="hats"))
        assert resumed.state == pb.SALE_STATE_LIVE
        assert (await shop.buy("ann")).outcome == pb.OUTCOME_PURCHASED


async def test_a_sale_that_is_paused_before_its_start_says_so() -> None:
    async with open_shop() as shop:
        await shop.make(start_time=NEXT_YEAR)
        assert not (await shop.sale()).paused
        sale = await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="hats"))
        status = await shop.buyer.Status(pb.StatusRequest(sale_id="hats"))
        resumed = await shop.admin.ResumeSale(admin.ResumeSaleRequest(sale_id="hats"))
    assert (sale.state, sale.paused) == (pb.SALE_STATE_UPCOMING, True)
    assert (status.state, status.paused) == (pb.SALE_STATE_UPCOMING, True)
    assert (resumed.state, resumed.paused) == (pb.SALE_STATE_UPCOMING, False)


async def test_a_change_that_is_true_already_writes_nothing() -> None:
    async with open_shop() as shop:
        made = await shop.make(title="Hats")
        assert await shop.admin.ResumeSale(admin.ResumeSaleRequest(sale_id="hats")) == made
        assert await shop.admin.UpdateSale(update(title="Hats")) == made
        paused = await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="hats"))
        assert await shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="hats")) == paused
        ended = await shop.admin.EndSale(admin.EndSaleRequest(sale_id="hats"))
        assert await shop.admin.EndSale(admin.EndSaleRequest(sale_id="hats")) == ended
    assert (made.position, paused.position, ended.position) == (1, 2, 3)


async def test_a_sale_that_has_ended_changes_no_more() -> None:
    async with open_shop() as shop:
        await shop.make()
        ended = await shop.admin.EndSale(admin.EndSaleRequest(sale_id="hats"))
        assert ended.state == pb.SALE_STATE_ENDED
        for call in (
            shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="hats")),
            shop.admin.ResumeSale(admin.ResumeSaleRequest(sale_id="hats")),
            shop.admin.RestockSale(restock(1)),
            shop.admin.UpdateSale(update(title="Caps")),
        ):
            found = await refusal(call)
            assert (found.code, found.reason, found.subject) == (FAILED, "SALE_ENDED", "hats")
        assert await shop.sale() == ended


async def test_stock_is_taken_away_down_to_what_is_unsold_and_not_below() -> None:
    async with open_shop() as shop:
        await shop.make(total_stock=5, per_user_limit=2)
        await shop.buy("ann", 2)
        found = await refusal(shop.admin.RestockSale(restock(-4)))
        assert (found.code, found.reason, found.subject) == (FAILED, "NOT_ENOUGH_UNSOLD", "hats")
        sale = await shop.admin.RestockSale(restock(-3))
        assert (sale.total_stock, sale.available_stock, sale.sold_stock) == (2, 0, 2)
        assert sale.state == pb.SALE_STATE_SOLD_OUT
        sale = await shop.admin.RestockSale(restock(7))
        assert (sale.total_stock, sale.available_stock) == (9, 7)


async def test_a_restock_is_some_units_and_not_more_than_can_be_counted() -> None:
    async with open_shop() as shop:
        await shop.make(total_stock=5)
        for units in (0, 2**31 - 5):
            found = await refusal(shop.admin.RestockSale(restock(units)))
            assert (found.code, found.fields) == (INVALID, ["stock_change"])
        for units in (2**31 - 6, -(2**31) + 1):
            sale = await shop.admin.RestockSale(restock(units))
        assert sale.total_stock == 0
        assert (await refusal(shop.admin.RestockSale(restock(-(2**31))))).reason == (
            "NOT_ENOUGH_UNSOLD"
        )


@pytest.mark.parametrize("etag", ["r9", "nonsense", "r", "r1x", "r-1", "R1", "r²", "r" + "9" * 30])
async def test_another_etag_keeps_every_change_away(etag: str) -> None:
    async with open_shop() as shop:
        made = await shop.make()
        for call in (
            shop.admin.PauseSale(admin.PauseSaleRequest(sale_id="hats", etag=etag)),
            shop.admin.ResumeSale(admin.ResumeSaleRequest(sale_id="hats", etag=etag)),
            shop.admin.EndSale(admin.EndSaleRequest(sale_id="hats", etag=etag)),
            shop.admin.RestockSale(restock(1, etag)),
            shop.admin.UpdateSale(update(title="Caps", etag=etag)),
        ):
            found = await refusal(call)
            assert (found.code, found.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
        assert await shop.sale() == made


async def test_of_two_restocks_under_one_etag_one_is_done() -> None:
    async with open_shop() as shop:
        made = await shop.make()
        await shop.buy("ann")
        calls = [shop.admin.RestockSale(restock(5, made.etag)) for _ in range(20)]
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(item, admin.Sale) for item in done) == 1
        assert (await shop.sale()).total_stock == 10

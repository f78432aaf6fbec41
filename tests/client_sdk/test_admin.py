"""What the shop may do, through both clients, against the real server."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flashsale import (
    UNCHANGED,
    AsyncClient,
    Client,
    EntryKind,
    EtagMismatch,
    InvalidRequest,
    NotEnoughUnsold,
    Outcome,
    PurchaseCancelled,
    PurchaseNotFound,
    PurchaseState,
    SaleEnded,
    SaleExists,
    SaleNotFound,
    SaleState,
)

from tests.servers import running, server_process

TOMORROW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


async def test_a_sale_is_made_as_it_was_asked_for() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        made = await client.admin.create_sale(
            "shoes",
            total_stock=30,
            title="Shoes",
            start_time=TOMORROW,
            end_time=TOMORROW + timedelta(hours=1),
            per_user_limit=4,
            per_order_limit=2,
            hold_duration=timedelta(seconds=90),
        )
        assert await client.admin.get_sale("shoes") == made
    assert (made.sale_id, made.state, made.position) == ("shoes", SaleState.UPCOMING, 1)
    assert (made.total_stock, made.available_stock) == (30, 30)
    assert (made.held_stock, made.sold_stock) == (0, 0)
    terms = made.terms
    assert (terms.title, terms.per_user_limit, terms.per_order_limit) == ("Shoes", 4, 2)
    assert terms.start_time == TOMORROW
    assert terms.end_time == TOMORROW + timedelta(hours=1)
    assert terms.hold_duration == timedelta(seconds=90)
    assert made.etag
    assert abs(made.create_time - datetime.now(UTC)) < timedelta(hours=1)


async def test_what_is_not_given_of_a_new_sale_is_plain() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        made = await client.admin.create_sale("shoes", total_stock=1)
        assert (await client.purchase("ann", sale_id="shoes")).outcome is Outcome.PURCHASED
    assert made.state is SaleState.LIVE
    terms = made.terms
    assert (terms.title, terms.per_user_limit, terms.per_order_limit) == ("", 1, None)
    assert (terms.end_time, terms.hold_duration) == (None, None)


async def test_a_sale_is_made_once() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        await client.admin.create_sale("shoes", total_stock=1)
        with pytest.raises(SaleExists):
            await client.admin.create_sale("shoes", total_stock=2)
        assert (await client.admin.get_sale("shoes")).total_stock == 1


async def test_what_cannot_be_a_sale_is_told_field_by_field() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        with pytest.raises(InvalidRequest) as wrong:
            await client.admin.create_sale("No Shoes", total_stock=-1, per_order_limit=-1)
        assert {item.field for item in wrong.value.violations} == {
            "sale_id",
            "sale.total_stock",
            "sale.per_order_limit",
        }
        with pytest.raises(InvalidRequest):
            await client.admin.create_sale("shoes", total_stock=2**31)
        naive = TOMORROW.replace(tzinfo=None)
        with pytest.raises(InvalidRequest, match="time zone"):
            await client.admin.create_sale("shoes", total_stock=1, start_time=naive)
        with pytest.raises(SaleNotFound):
            await client.admin.get_sale("shoes")


@pytest.mark.parametrize("page_size", [1, 2, 5, 100])
async def test_all_sales_are_listed_by_id_whatever_the_page(page_size: int) -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        for name in ("hats", "caps", "shoes", "coats"):
            await client.admin.create_sale(name, total_stock=1)
        listed = [sale.sale_id async for sale in client.admin.list_sales(page_size=page_size)]
    assert listed == ["caps", "coats", "default", "hats", "shoes"]


async def test_an_update_changes_what_is_given_and_nothing_else() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        before = await client.admin.create_sale(
            "shoes",
            total_stock=5,
            title="Shoes",
            end_time=TOMORROW,
            per_user_limit=3,
            per_order_limit=2,
            hold_duration=timedelta(seconds=60),
        )
        titled = await client.admin.update_sale("shoes", title="Boots")
        assert titled.terms.title == "Boots"
        assert titled.etag != before.etag
        assert (titled.terms.end_time, titled.terms.per_user_limit) == (TOMORROW, 3)
        limited = await client.admin.update_sale("shoes", per_user_limit=4, start_time=UNCHANGED)
        assert (limited.terms.title, limited.terms.per_user_limit) == ("Boots", 4)
        assert limited.terms.start_time == before.terms.start_time
        plain = await client.admin.update_sale(
            "shoes", end_time=None, per_order_limit=None, hold_duration=None
        )
        assert (plain.terms.end_time, plain.terms.hold_duration) == (None, None)
        assert plain.terms.per_order_limit is None
        assert (plain.terms.title, plain.terms.per_user_limit) == ("Boots", 4)
        same = await client.admin.update_sale("shoes", title="Boots")
        assert (same.etag, same.position) == (plain.etag, plain.position)
        with pytest.raises(InvalidRequest, match="nothing to change"):
            await client.admin.update_sale("shoes")


async def test_a_sale_is_paused_resumed_and_ended_for_good() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        for _ in range(2):
            assert (await client.admin.pause_sale("default")).state is SaleState.PAUSED
        assert (await client.purchase("ann")).outcome is Outcome.PAUSED
        for _ in range(2):
            assert (await client.admin.resume_sale("default")).state is SaleState.LIVE
        assert (await client.purchase("ann")).is_bought
        for _ in range(2):
            assert (await client.admin.end_sale("default")).state is SaleState.ENDED
        assert (await client.purchase("bob")).outcome is Outcome.ENDED
        for change in (client.admin.pause_sale, client.admin.resume_sale):
            with pytest.raises(SaleEnded):
                await change("default")
        with pytest.raises(SaleEnded):
            await client.admin.update_sale("default", title="Too late")
        with pytest.raises(SaleEnded):
            await client.admin.restock_sale("default", 1)
        with pytest.raises(SaleNotFound):
            await client.admin.pause_sale("no-such-sale")


async def test_stock_is_added_and_taken_away_down_to_what_is_unsold() -> None:
    async with running(stock="3") as shop, AsyncClient(shop.address) as client:
        await client.purchase("ann")
        more = await client.admin.restock_sale("default", 2)
        assert (more.total_stock, more.available_stock, more.sold_stock) == (5, 4, 1)
        with pytest.raises(NotEnoughUnsold):
            await client.admin.restock_sale("default", -5)
        none = await client.admin.restock_sale("default", -4)
        assert (none.available_stock, none.state) == (0, SaleState.SOLD_OUT)
        with pytest.raises(InvalidRequest):
            await client.admin.restock_sale("default", 0)


async def test_of_two_who_change_what_they_have_seen_one_is_told_to_look_again() -> None:
    async with running(stock="1") as shop, AsyncClient(shop.address) as client:
        seen = await client.admin.get_sale("default")
        await client.purchase("ann")  # a purchase is no change of the shop's
        changed = await client.admin.restock_sale("default", 5, etag=seen.etag)
        assert changed.total_stock == 6
        admin = client.admin
        for late in (
            admin.restock_sale("default", 5, etag=seen.etag),
            admin.update_sale("default", title="Late", etag=seen.etag),
            admin.pause_sale("default", etag=seen.etag),
            admin.resume_sale("default", etag=seen.etag),
            admin.end_sale("default", etag=seen.etag),
        ):
            with pytest.raises(EtagMismatch):
                await late
        assert await client.admin.get_sale("default") == changed


async def test_a_cancelled_purchase_goes_on_sale_again() -> None:
    async with running(stock="1") as shop, AsyncClient(shop.address) as client:
        purchase = (await client.purchase("ann")).purchase
        assert purchase is not None
        assert (await client.purchase("bob")).outcome is Outcome.SOLD_OUT
        for _ in range(2):
            cancelled = await client.admin.cancel_purchase(purchase)
            assert cancelled == purchase._replace(state=PurchaseState.CANCELLED)
        with pytest.raises(PurchaseCancelled):
            await client.confirm(purchase)
        again = (await client.purchase("ann")).purchase
        assert again is not None
        by_name = await client.admin.cancel_purchase(
            sale_id="default", user_id="ann", purchase_id=again.purchase_id
        )
        assert by_name.purchase_id == again.purchase_id
        with pytest.raises(PurchaseNotFound):
            await client.admin.cancel_purchase(
                sale_id="default", user_id="bob", purchase_id=again.purchase_id
            )
        with pytest.raises(InvalidRequest) as unnamed:
            await client.admin.cancel_purchase(sale_id="default")
    assert {item.field for item in unnamed.value.violations} == {"user_id", "purchase_id"}


async def test_pages_of_purchases_stay_true_while_purchases_go_on() -> None:
    async with running(stock="1000") as shop, AsyncClient(shop.address) as client:
        for number in range(25):
            await client.purchase(f"before-{number}")
        seen = []
        async for purchase in client.admin.list_purchases("default", page_size=10):
            seen.append(purchase)
            if len(seen) <= 25:
                await client.purchase(f"meanwhile-{len(seen)}")
        everything = [item async for item in client.admin.list_purchases("default")]
    users = [purchase.user_id for purchase in seen]
    assert users[:25] == [f"before-{number}" for number in range(25)]
    assert len(set(users)) == len(users)
    assert [purchase.position for purchase in seen] == sorted(item.position for item in seen)
    assert seen == everything[: len(seen)]
    assert len(everything) == 50


async def test_a_bad_page_size_is_told() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        for listing in (
            client.admin.list_sales(page_size=1001),
            client.admin.list_purchases("default", page_size=-1),
        ):
            with pytest.raises(InvalidRequest) as wrong:
                await anext(listing)
            assert [item.field for item in wrong.value.violations] == ["page_size"]


async def test_many_sales_are_made_at_once_through_one_client() -> None:
    async with running() as shop, AsyncClient(shop.address) as client:
        made = await asyncio.gather(
            *(client.admin.create_sale(f"s-{n}", total_stock=n) for n in range(50))
        )
        listed = {sale.sale_id: sale async for sale in client.admin.list_sales(page_size=7)}
    assert {sale.sale_id for sale in made} == listed.keys() - {"default"}


def test_the_blocking_client_can_do_all_that_the_other_can(tmp_path: Path) -> None:
    with server_process(tmp_path) as server, Client(server.address) as client:
        made = client.admin.create_sale("shoes", total_stock=2, hold_duration=timedelta(seconds=60))
        assert client.admin.get_sale("shoes") == made
        assert [sale.sale_id for sale in client.admin.list_sales(page_size=1)] == [
            "default",
            "shoes",
        ]
        assert client.admin.update_sale("shoes", title="Shoes").terms.title == "Shoes"
        assert client.admin.restock_sale("shoes", 1).total_stock == 3
        assert client.admin.pause_sale("shoes").state is SaleState.PAUSED
        assert client.admin.resume_sale("shoes").state is SaleState.LIVE
        held = client.purchase("ann", sale_id="shoes").purchase
        assert held is not None
        assert client.admin.cancel_purchase(held).state is PurchaseState.CANCELLED
        assert [item.user_id for item in client.admin.list_purchases("shoes")] == ["ann"]
        assert client.admin.end_sale("shoes").state is SaleState.ENDED
        kinds = []
        for entry in client.admin.watch_entries("shoes"):
            kinds.append(entry.kind)
            if entry.kind is EntryKind.ENDED:
                break
        with pytest.raises(SaleNotFound):
            client.admin.get_sale("no-such-sale")
    assert kinds == [
        EntryKind.OPENED,
        EntryKind.UPDATED,
        EntryKind.RESTOCKED,
        EntryKind.PAUSED,
        EntryKind.RESUMED,
        EntryKind.HELD,
        EntryKind.CANCELLED,
        EntryKind.ENDED,
    ]

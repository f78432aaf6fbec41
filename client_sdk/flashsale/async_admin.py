"""AsyncAdmin: what the shop may do with its sales, called from asyncio.

Reads are asked for again as often as need be. So are the changes that are true or not: pausing,
resuming, ending, updating, cancelling. What would be done twice, making a sale and restocking it
without an etag, is asked for again only where nothing was done.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from flashsale.connection import Connection, carried
from flashsale.errors import InvalidRequest, ServerFailed, Violation
from flashsale.metrics import MetricsSample
from flashsale.results import Purchase
from flashsale.sales import UNCHANGED, Entry, Sale, Unchanged
from flashsale.v1 import sale_admin_pb2 as pb
from flashsale.v1 import sale_admin_pb2_grpc as rpc

PAGE_SIZE: Final = 100

_Value = TypeVar("_Value")


class AsyncAdmin:
    """What the shop may do; made by AsyncClient, as `client.admin`.

    Everything raises InvalidRequest, SaleNotFound, Unauthenticated, PermissionDenied, Unavailable
    and DeadlineExceeded where that is so; a change moreover OutcomeUnknown, when it is not known
    whether it was made. A change that is true already changes nothing and is no error. Where an
    `etag` is given, it must still be the sale's, else EtagMismatch; so of two people who change a
    sale at once, only one does, and a change that is repeated is not made twice.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._cached_stub: rpc.SaleAdminServiceAsyncStub | None = None

    async def create_sale(
        self,
        sale_id: str,
        *,
        total_stock: int,
        title: str = "",
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        per_user_limit: int = 1,
        per_order_limit: int | None = None,
        hold_duration: timedelta | None = None,
        timeout: float | None = None,
    ) -> Sale:
        """Make a sale.

        Args:
            sale_id: 1 to 63 of a-z, 0-9 and "-".
            total_stock: units on offer.
            title: what is on offer, for people.
            start_time: when the sale opens; at once when None.
            end_time: when the sale ends; never when None.
            per_user_limit: units one user may have, held and sold together.
            per_order_limit: units one order may ask for; None when only per_user_limit counts.
            hold_duration: how long a hold lasts; None where purchases are final at once.
            timeout: seconds that it may take altogether.

        Raises:
            SaleExists: there is a sale with this id.
        """
        with carried():
            sale = pb.Sale(
                title=title,
                total_stock=total_stock,
                start_time=_timestamp("sale.start_time", start_time),
                end_time=_timestamp("sale.end_time", end_time),
                per_user_limit=per_user_limit,
                per_order_limit=per_order_limit or 0,
                hold_duration=_duration(hold_duration),
            )
            request = pb.CreateSaleRequest(sale_id=sale_id, sale=sale)
        return await self._changed(self._stub().CreateSale, request, timeout, is_repeatable=False)

    async def get_sale(self, sale_id: str, *, timeout: float | None = None) -> Sale:
        """A sale as it is now."""
        with carried():
            request = pb.GetSaleRequest(sale_id=sale_id)
        return Sale.of(await self._connection.asked(self._stub().GetSale, request, timeout))

    async def list_sales(
        self, *, page_size: int = PAGE_SIZE, timeout: float | None = None
    ) -> AsyncIterator[Sale]:
        """All sales, sorted by id.

        Args:
            page_size: how many are asked for at a time, at most 1,000.
            timeout: seconds that a page may take.
        """
        page_token = ""
        while True:
            with carried():
                request = pb.ListSalesRequest(page_size=page_size, page_token=page_token)
            page = await self._connection.asked(self._stub().ListSales, request, timeout)
            for sale in page.sales:
                yield Sale.of(sale)
            page_token = page.next_page_token
            if not page_token:
                return

    async def update_sale(
        self,
        sale_id: str,
        *,
        title: str | Unchanged = UNCHANGED,
        start_time: datetime | Unchanged = UNCHANGED,
        end_time: datetime | Unchanged | None = UNCHANGED,
        per_user_limit: int | Unchanged = UNCHANGED,
        per_order_limit: int | Unchanged | None = UNCHANGED,
        hold_duration: timedelta | Unchanged | None = UNCHANGED,
        etag: str | None = None,
        timeout: float | None = None,
    ) -> Sale:
        """Change what is given of a sale's terms; see `create_sale` for what each of them means.

        None takes an end, a limit of orders or holds away. Purchases keep the terms that they were
        made under.

        Raises:
            SaleEnded: it is over.
            EtagMismatch: it was changed since the etag was read.
        """
        given = {
            "title": title,
            "start_time": start_time,
            "end_time": end_time,
            "per_user_limit": per_user_limit,
            "per_order_limit": per_order_limit,
            "hold_duration": hold_duration,
        }
        names = [name for name, value in given.items() if value is not UNCHANGED]
        if not names:
            raise InvalidRequest("nothing to change was given")
        with carried():
            sale = pb.Sale(
                sale_id=sale_id,
                title=_given(title) or "",
                start_time=_timestamp("sale.start_time", _given(start_time)),
                end_time=_timestamp("sale.end_time", _given(end_time)),
                per_user_limit=_given(per_user_limit) or 0,
                per_order_limit=_given(per_order_limit) or 0,
                hold_duration=_duration(_given(hold_duration)),
                etag=etag or "",
            )
            request = pb.UpdateSaleRequest(sale=sale)
            request.update_mask.paths.extend(names)
        return await self._changed(self._stub().UpdateSale, request, timeout)

    async def pause_sale(
        self, sale_id: str, *, etag: str | None = None, timeout: float | None = None
    ) -> Sale:
        """Stop selling for now. Holds can still be confirmed and released.

        Raises:
            SaleEnded: it is over.
            EtagMismatch: it was changed since the etag was read.
        """
        with carried():
            request = pb.PauseSaleRequest(sale_id=sale_id, etag=etag or "")
        return await self._changed(self._stub().PauseSale, request, timeout)

    async def resume_sale(
        self, sale_id: str, *, etag: str | None = None, timeout: float | None = None
    ) -> Sale:
        """Sell again; raises as `pause_sale` does."""
        with carried():
            request = pb.ResumeSaleRequest(sale_id=sale_id, etag=etag or "")
        return await self._changed(self._stub().ResumeSale, request, timeout)

    async def end_sale(
        self, sale_id: str, *, etag: str | None = None, timeout: float | None = None
    ) -> Sale:
        """End a sale for good. Holds can still be confirmed and released until they expire.

        Raises:
            EtagMismatch: it was changed since the etag was read.
        """
        with carried():
            request = pb.EndSaleRequest(sale_id=sale_id, etag=etag or "")
        return await self._changed(self._stub().EndSale, request, timeout)

    async def restock_sale(
        self,
        sale_id: str,
        stock_change: int,
        *,
        etag: str | None = None,
        timeout: float | None = None,
    ) -> Sale:
        """Add units to a sale's stock, or take unsold ones away with a negative number.

        It is repeated by itself only with an etag, or where nothing was done.

        Raises:
            NotEnoughUnsold: fewer units are unsold than are to be taken away.
            SaleEnded: it is over.
            EtagMismatch: it was changed since the etag was read.
            OutcomeUnknown: it may have been done; `get_sale` shows the stock.
        """
        with carried():
            request = pb.RestockSaleRequest(
                sale_id=sale_id, stock_change=stock_change, etag=etag or ""
            )
        return await self._changed(
            self._stub().RestockSale, request, timeout, is_repeatable=bool(etag)
        )

    async def cancel_purchase(
        self,
        purchase: Purchase | None = None,
        *,
        sale_id: str = "",
        user_id: str = "",
        purchase_id: str = "",
        timeout: float | None = None,
    ) -> Purchase:
        """Take a purchase or a hold back, and return it: its units go on sale again.

        Args:
            purchase: the purchase; where it is given, nothing else has to name it.
            sale_id: its sale.
            user_id: whose it is.
            purchase_id: its id.
            timeout: seconds that it may take altogether.

        Raises:
            PurchaseNotFound: the user has no such purchase.
            HoldExpired, HoldReleased: the units went back already.
        """
        with carried():
            request = pb.CancelPurchaseRequest(
                sale_id=purchase.sale_id if purchase else sale_id,
                user_id=purchase.user_id if purchase else user_id,
                purchase_id=purchase.purchase_id if purchase else purchase_id,
            )
        method = self._stub().CancelPurchase
        answer = await self._connection.changed(method, request, timeout, is_repeatable=True)
        return Purchase.of(answer)

    async def list_purchases(
        self, sale_id: str, *, page_size: int = PAGE_SIZE, timeout: float | None = None
    ) -> AsyncIterator[Purchase]:
        """A sale's purchases, in the order in which they were made, each as it is when shown.

        What is bought meanwhile comes last; nothing is shown twice, and nothing is left out.

        Args:
            sale_id: the sale.
            page_size: how many are asked for at a time, at most 1,000.
            timeout: seconds that a page may take.
        """
        page_token = ""
        while True:
            with carried():
                request = pb.ListPurchasesRequest(
                    sale_id=sale_id, page_size=page_size, page_token=page_token
                )
            page = await self._connection.asked(self._stub().ListPurchases, request, timeout)
            for purchase in page.purchases:
                yield Purchase.of(purchase)
            page_token = page.next_page_token
            if not page_token:
                return

    async def watch_entries(self, sale_id: str, after_position: int = 0) -> AsyncIterator[Entry]:
        """The entries of a sale's ledger after a position: past ones first, then each as it comes.

        Goes on for ever: when the connection is lost it connects again, and goes on after the last
        entry that it gave, without a gap and without a repeat. It reads no further ahead than a
        message or two, so a slow reader needs no memory. To go on later, keep the position of the
        last entry that was dealt with, and pass it as `after_position`.

        Raises:
            InvalidRequest: the ledger does not reach as far as `after_position`.
            SaleNotFound: there is nothing to watch.
            ServerFailed: an entry is missing in what the server sent.
        """
        last = after_position

        def begin() -> "grpc.aio.UnaryStreamCall[pb.WatchEntriesRequest, pb.WatchEntriesResponse]":
            with carried():
                request = pb.WatchEntriesRequest(sale_id=sale_id, after_position=last)
            return self._stub().WatchEntries(request, metadata=self._connection.metadata)

        async with contextlib.aclosing(self._connection.followed(begin)) as messages:
            async for message in messages:
                for item in message.entries:
                    if item.position <= last:
                        continue
                    if item.position != last + 1:
                        text = f"the entry after position {last} is missing in the server's feed"
                        raise ServerFailed(text)
                    last = item.position
                    yield Entry.of(item)

    async def watch_sales(self) -> AsyncIterator[Sale]:
        """All sales as they are now, sorted by id, then each one that has changed.

        Goes on for ever: when the connection is lost it connects again, and goes on with what has
        changed meanwhile. Of a sale that changes all the time two states a second are given, the
        last one always.

        Raises:
            TooManyWatchers: as many watch as may.
        """
        given: dict[str, Sale] = {}

        def begin() -> "grpc.aio.UnaryStreamCall[pb.WatchSalesRequest, pb.WatchSalesResponse]":
            return self._stub().WatchSales(
                pb.WatchSalesRequest(), metadata=self._connection.metadata
            )

        async with contextlib.aclosing(self._connection.followed(begin)) as messages:
            async for message in messages:
                for item in message.sales:
                    sale = Sale.of(item)
                    if given.get(sale.sale_id) != sale:
                        given[sale.sale_id] = sale
                        yield sale

    async def watch_metrics(
        self, after_time: datetime | None = None
    ) -> AsyncIterator[MetricsSample]:
        """What the server process does, second by second: the last 15 minutes, then as it goes on.

        Goes on for ever: when the connection is lost it connects again, and goes on after the last
        sample that it gave. A server that was started again has nothing of the time before.

        Args:
            after_time: leaves out the past samples that ended no later.

        Raises:
            InvalidRequest: `after_time` has no time zone.
            TooManyWatchers: as many watch as may.
        """
        last = after_time

        def begin() -> "grpc.aio.UnaryStreamCall[pb.WatchMetricsRequest, pb.WatchMetricsResponse]":
            request = pb.WatchMetricsRequest(after_time=_timestamp("after_time", last))
            return self._stub().WatchMetrics(request, metadata=self._connection.metadata)

        async with contextlib.aclosing(self._connection.followed(begin)) as messages:
            async for message in messages:
                for item in message.samples:
                    sample = MetricsSample.of(item)
                    last = sample.end_time
                    yield sample

    async def _changed(
        self,
        method: Callable[..., Awaitable[pb.Sale]],
        request: object,
        timeout: float | None,
        *,
        is_repeatable: bool = True,
    ) -> Sale:
        return Sale.of(
            await self._connection.changed(method, request, timeout, is_repeatable=is_repeatable)
        )

    def _stub(self) -> "rpc.SaleAdminServiceAsyncStub":
        channel = self._connection.channel()
        if self._cached_stub is None:
            self._cached_stub = rpc.SaleAdminServiceStub(channel)
        return self._cached_stub


def _given(value: _Value | Unchanged) -> _Value | None:
    return None if isinstance(value, Unchanged) else value


def _timestamp(field: str, value: datetime | None) -> Timestamp | None:
    if value is None:
        return None
    if value.tzinfo is None:
        violation = Violation(field, "must have a time zone")
        raise InvalidRequest(f"{violation.field} {violation.description}", violations=[violation])
    message = Timestamp()
    message.FromDatetime(value)
    return message


def _duration(value: timedelta | None) -> Duration | None:
    if value is None:
        return None
    message = Duration()
    message.FromTimedelta(value)
    return message

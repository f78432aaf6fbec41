"""SaleAdminService, for every door: what the shop may do with its sales."""

import asyncio
from collections.abc import AsyncIterator

from flashsale.v1 import flash_sale_pb2 as pb
from flashsale.v1 import sale_admin_pb2 as admin

from flashsale_server.checkout import (
    Caller,
    Checkout,
    EtagMismatch,
    Fault,
    InvalidFields,
    Lane,
    MetricsHistory,
    NotEnoughUnsold,
    SaleEnded,
    Violation,
    Watching,
)
from flashsale_server.domain import (
    CancelCommand,
    ChangeCommand,
    ChangeOutcome,
    EndCommand,
    EntryKind,
    PauseCommand,
    Purchase,
    ResumeCommand,
    SaleState,
)
from flashsale_server.grpc_api.metrics_messages import after_time_us_of, sample_messages
from flashsale_server.grpc_api.page_tokens import position_token, sale_token
from flashsale_server.grpc_api.requests import check_purchase
from flashsale_server.grpc_api.responses import write_purchase
from flashsale_server.grpc_api.sale_requests import (
    check_sale,
    new_sale_of,
    purchases_page_of,
    restock_of,
    revision_of,
    sales_page_of,
    update_of,
)
from flashsale_server.grpc_api.sale_responses import entry_message, sale_message
from flashsale_server.grpc_api.transitions import changed_purchase

WATCH_SECONDS = 0.05
"""The least time between two looks at what is new: what comes meanwhile travels together."""

WATCH_SALES_SECONDS = 0.5
"""The same for all sales: people look at them, and several at once."""

SALES_IN_MESSAGE = 100

_MAKES_PURCHASES = {EntryKind.PURCHASED, EntryKind.HELD}


class SaleAdminServicer:
    """What the shop may ask."""

    def __init__(self, checkout: Checkout, watching: Watching, history: MetricsHistory) -> None:
        self._checkout = checkout
        self._watching = watching
        self._history = history

    async def CreateSale(self, request: admin.CreateSaleRequest, caller: Caller) -> admin.Sale:
        """Make a sale."""
        sale_id, terms, total_stock = new_sale_of(request, self._now_us())
        return self._sale(await self._checkout.create_sale(sale_id, terms, total_stock))

    async def GetSale(self, request: admin.GetSaleRequest, caller: Caller) -> admin.Sale:
        """A sale as it is now."""
        lane = await self._checkout.lane(check_sale(request.sale_id))
        await self._checkout.refresh(lane)
        return self._sale(lane)

    async def ListSales(
        self, request: admin.ListSalesRequest, caller: Caller
    ) -> admin.ListSalesResponse:
        """All sales, sorted by id."""
        size, after = sales_page_of(request)
        sale_ids = [item for item in await self._checkout.sale_ids() if item > after]
        page = admin.ListSalesResponse()
        for sale_id in sale_ids[:size]:
            lane = await self._checkout.lane(sale_id)
            await self._checkout.refresh(lane)
            page.sales.append(self._sale(lane))
        if len(sale_ids) > size:
            page.next_page_token = sale_token(sale_ids[size - 1])
        return page

    async def UpdateSale(self, request: admin.UpdateSaleRequest, caller: Caller) -> admin.Sale:
        """Change a sale's terms."""
        command = update_of(request, self._now_us())
        return await self._changed(request.sale.sale_id, command, caller)

    async def PauseSale(self, request: admin.PauseSaleRequest, caller: Caller) -> admin.Sale:
        """Stop selling for now."""
        return await self._changed(request.sale_id, PauseCommand(revision_of(request.etag)), caller)

    async def ResumeSale(self, request: admin.ResumeSaleRequest, caller: Caller) -> admin.Sale:
        """Sell again."""
        return await self._changed(
            request.sale_id, ResumeCommand(revision_of(request.etag)), caller
        )

    async def EndSale(self, request: admin.EndSaleRequest, caller: Caller) -> admin.Sale:
        """End a sale for good."""
        return await self._changed(request.sale_id, EndCommand(revision_of(request.etag)), caller)

    async def RestockSale(self, request: admin.RestockSaleRequest, caller: Caller) -> admin.Sale:
        """Add units, or take unsold ones away."""
        return await self._changed(request.sale_id, restock_of(request), caller)

    async def CancelPurchase(
        self, request: admin.CancelPurchaseRequest, caller: Caller
    ) -> pb.Purchase:
        """Take a purchase or a hold back."""
        check_purchase(request.sale_id, request.user_id, request.purchase_id)
        lane = await self._checkout.lane(request.sale_id)
        command = CancelCommand(request.user_id, request.purchase_id)
        purchase = await changed_purchase(self._checkout, lane, command, caller)
        message = pb.Purchase()
        write_purchase(message, lane.sale_id, purchase)
        return message

    async def ListPurchases(
        self, request: admin.ListPurchasesRequest, caller: Caller
    ) -> admin.ListPurchasesResponse:
        """A sale's purchases as they are now, by position."""
        size, after = purchases_page_of(request)
        lane = await self._checkout.lane(request.sale_id)
        await self._checkout.refresh(lane)
        page = admin.ListPurchasesResponse()
        async for purchase in self._purchases(lane, after):
            if len(page.purchases) == size:
                page.next_page_token = position_token(lane.sale_id, page.purchases[-1].position)
                break
            write_purchase(page.purchases.add(), lane.sale_id, purchase)
        return page

    async def WatchEntries(
        self, request: admin.WatchEntriesRequest, caller: Caller
    ) -> AsyncIterator[admin.WatchEntriesResponse]:
        """The entries of a sale's ledger, past ones first, then live."""
        lane = await self._checkout.lane(check_sale(request.sale_id))
        await self._checkout.refresh(lane)
        after = request.after_position
        if not 0 <= after <= lane.inventory.last_position:
            text = f"must be 0 to {lane.inventory.last_position}, where the sale's ledger ends"
            raise InvalidFields([Violation("after_position", text)])
        async for _ in self._watching.looks(lane, WATCH_SECONDS):
            is_quiet = True
            async for recorded in self._checkout.recorded(lane, after):
                is_quiet = False
                after = recorded[-1].position
                yield admin.WatchEntriesResponse(
                    entries=map(entry_message, recorded), position=after
                )
            if is_quiet:
                yield admin.WatchEntriesResponse(position=after)

    async def WatchSales(
        self, request: admin.WatchSalesRequest, caller: Caller
    ) -> AsyncIterator[admin.WatchSalesResponse]:
        """All sales, then those that change."""
        told: dict[str, tuple[int, SaleState]] = {}
        async for _ in self._watching.looks_at_all(WATCH_SALES_SECONDS):
            changed = self._changed_since(told)
            for some in changed or [[]]:
                yield admin.WatchSalesResponse(sales=map(self._sale, some))
                await asyncio.sleep(0)  # the loop has others to serve between two messages

    def _changed_since(self, told: dict[str, tuple[int, SaleState]]) -> list[list[Lane]]:
        """The lanes whose sales are not as they were told, some at a time; tells of them."""
        now_us = self._now_us()
        changed = []
        for lane in sorted(self._checkout.lanes, key=lambda lane: lane.sale_id):
            # Everything else that is shown of a sale follows from its entries.
            seen = (lane.inventory.last_position, lane.inventory.state_at(now_us))
            if lane.stopped is None and told.get(lane.sale_id) != seen:
                told[lane.sale_id] = seen
                changed.append(lane)
        size = SALES_IN_MESSAGE
        return [changed[start : start + size] for start in range(0, len(changed), size)]

    async def WatchMetrics(
        self, request: admin.WatchMetricsRequest, caller: Caller
    ) -> AsyncIterator[admin.WatchMetricsResponse]:
        """What this server process does, second by second."""
        after_us = after_time_us_of(request)
        taken: int | None = None
        async for _ in self._watching.news_of(self._history.changes):
            if taken is None:
                taken, samples = self._history.kept_after(after_us)
                if not samples:
                    yield admin.WatchMetricsResponse()
            else:
                taken, samples = self._history.taken_after(taken)
            for answer in sample_messages(samples):
                yield answer
                await asyncio.sleep(0)  # the loop has others to serve between two messages

    async def _purchases(self, lane: Lane, after: int) -> AsyncIterator[Purchase]:
        """A sale's purchases after a position, as they are now."""
        async for recorded in self._checkout.recorded(lane, after):
            for item in recorded:
                entry = item.entry
                if entry.kind in _MAKES_PURCHASES:
                    purchase = lane.inventory.purchase(entry.user_id, entry.purchase_id)
                    if purchase is None:  # newer than what this server has taken in
                        return
                    yield purchase

    async def _changed(self, sale_id: str, command: ChangeCommand, caller: Caller) -> admin.Sale:
        """The sale after a change."""
        lane = await self._checkout.lane(check_sale(sale_id))
        came_to = await self._checkout.came_to(lane, command, caller.deadline)
        match came_to:
            case ChangeOutcome.CHANGED | ChangeOutcome.UNCHANGED:
                return self._sale(lane)
            case ChangeOutcome():
                raise _fault_of(came_to, sale_id)
            case _:
                raise TypeError(f"a change cannot come to {came_to!r}")

    def _sale(self, lane: Lane) -> admin.Sale:
        return sale_message(lane, self._now_us())

    def _now_us(self) -> int:
        return self._checkout.clock.now_us()


def _fault_of(outcome: ChangeOutcome, sale_id: str) -> Fault:
    """Why a change was not made."""
    match outcome:
        case ChangeOutcome.SALE_ENDED:
            return SaleEnded(sale_id)
        case ChangeOutcome.ETAG_MISMATCH:
            return EtagMismatch(sale_id)
        case ChangeOutcome.NOT_ENOUGH_UNSOLD:
            return NotEnoughUnsold(sale_id)
        case ChangeOutcome.TOO_MUCH_STOCK:
            return InvalidFields([Violation("stock_change", "would make more than 2,147,483,647")])
        case ChangeOutcome.ENDS_BEFORE_START:
            return InvalidFields([Violation("sale.end_time", "must be after start_time")])
        case ChangeOutcome.CHANGED | ChangeOutcome.UNCHANGED:
            raise ValueError(f"{outcome} is no refusal")

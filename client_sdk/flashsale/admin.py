"""Admin: what the shop may do with its sales, called from ordinary code."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from flashsale.async_admin import PAGE_SIZE, AsyncAdmin
from flashsale.loop_thread import LoopThread
from flashsale.metrics import MetricsSample
from flashsale.results import Purchase
from flashsale.sales import UNCHANGED, Entry, Sale, Unchanged


class Admin:
    """What the shop may do; made by Client, as `client.admin`. See AsyncAdmin for all methods."""

    def __init__(self, admin: AsyncAdmin, thread: LoopThread) -> None:
        self._admin = admin
        self._thread = thread

    def create_sale(
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
        """Make a sale; see AsyncAdmin.create_sale."""
        return self._thread.result(
            self._admin.create_sale(
                sale_id,
                total_stock=total_stock,
                title=title,
                start_time=start_time,
                end_time=end_time,
                per_user_limit=per_user_limit,
                per_order_limit=per_order_limit,
                hold_duration=hold_duration,
                timeout=timeout,
            )
        )

    def get_sale(self, sale_id: str, *, timeout: float | None = None) -> Sale:
        """A sale as it is now."""
        return self._thread.result(self._admin.get_sale(sale_id, timeout=timeout))

    def list_sales(
        self, *, page_size: int = PAGE_SIZE, timeout: float | None = None
    ) -> Iterator[Sale]:
        """All sales, sorted by id; see AsyncAdmin.list_sales."""
        return self._thread.iterated(self._admin.list_sales(page_size=page_size, timeout=timeout))

    def update_sale(
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
        """Change what is given of a sale's terms; see AsyncAdmin.update_sale."""
        return self._thread.result(
            self._admin.update_sale(
                sale_id,
                title=title,
                start_time=start_time,
                end_time=end_time,
                per_user_limit=per_user_limit,
                per_order_limit=per_order_limit,
                hold_duration=hold_duration,
                etag=etag,
                timeout=timeout,
            )
        )

    def pause_sale(
        self, sale_id: str, *, etag: str | None = None, timeout: float | None = None
    ) -> Sale:
        """Stop selling for now; see AsyncAdmin.pause_sale."""
        return self._thread.result(self._admin.pause_sale(sale_id, etag=etag, timeout=timeout))

    def resume_sale(
        self, sale_id: str, *, etag: str | None = None, timeout: float | None = None
    ) -> Sale:
        """Sell again; see AsyncAdmin.resume_sale."""
        return self._thread.result(self._admin.resume_sale(sale_id, etag=etag, timeout=timeout))

    def end_sale(
        self, sale_id: str, *, etag: str | None = None, timeout: float | None = None
    ) -> Sale:
        """End a sale for good; see AsyncAdmin.end_sale."""
        return self._thread.result(self._admin.end_sale(sale_id, etag=etag, timeout=timeout))

    def restock_sale(
        self,
        sale_id: str,
        stock_change: int,
        *,
        etag: str | None = None,
        timeout: float | None = None,
    ) -> Sale:
        """Add units, or take unsold ones away; see AsyncAdmin.restock_sale."""
        return self._thread.result(
            self._admin.restock_sale(sale_id, stock_change, etag=etag, timeout=timeout)
        )

    def cancel_purchase(
        self,
        purchase: Purchase | None = None,
        *,
        sale_id: str = "",
        user_id: str = "",
        purchase_id: str = "",
        timeout: float | None = None,
    ) -> Purchase:
        """Take a purchase or a hold back; see AsyncAdmin.cancel_purchase."""
        return self._thread.result(
            self._admin.cancel_purchase(
                purchase, sale_id=sale_id, user_id=user_id, purchase_id=purchase_id, timeout=timeout
            )
        )

    def list_purchases(
        self, sale_id: str, *, page_size: int = PAGE_SIZE, timeout: float | None = None
    ) -> Iterator[Purchase]:
        """A sale's purchases, in their order; see AsyncAdmin.list_purchases."""
        return self._thread.iterated(
            self._admin.list_purchases(sale_id, page_size=page_size, timeout=timeout)
        )

    def watch_entries(self, sale_id: str, after_position: int = 0) -> Iterator[Entry]:
        """The entries of a sale's ledger, past and coming; see AsyncAdmin.watch_entries."""
        return self._thread.iterated(self._admin.watch_entries(sale_id, after_position))

    def watch_sales(self) -> Iterator[Sale]:
        """All sales, then each one that has changed; see AsyncAdmin.watch_sales."""
        return self._thread.iterated(self._admin.watch_sales())

    def watch_metrics(self, after_time: datetime | None = None) -> Iterator[MetricsSample]:
        """What the server process does, second by second; see AsyncAdmin.watch_metrics."""
        return self._thread.iterated(self._admin.watch_metrics(after_time))

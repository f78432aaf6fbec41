"""Fills the ledger of the folder it is started in with many sales, by the service's own rules.

python -m bench.filling SALES PURCHASES_EACH
"""

import asyncio
import logging
import sys

import structlog
import uvloop
from flashsale_server.checkout import Checkout, CheckoutLimits, Lane, all_settled
from flashsale_server.domain import SaleTerms
from flashsale_server.ledger import open_ledger

LEDGER = "sqlite:///flash-sale.db"
STOCK = 1_000_000
AT_ONCE = 1000


async def fill(sales: int, purchases_each: int) -> None:
    ledger = await open_ledger(LEDGER, node="filling")
    limits = CheckoutLimits(batch_size=AT_ONCE, rate_limit_per_minute=0)
    checkout = Checkout(ledger, node="filling", limits=limits)
    terms = SaleTerms(starts_at_us=checkout.clock.now_us())
    for number in range(sales):
        lane = await checkout.open_sale(f"sale-{number}", terms, STOCK)
        await _sell(checkout, lane, purchases_each)
    await checkout.drain(60)
    await ledger.close()


async def _sell(checkout: Checkout, lane: Lane, purchases: int) -> None:
    for first in range(0, purchases, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, purchases))
        await all_settled([checkout.admit(lane, f"filler-{number}") for number in numbers])
    if lane.inventory.sold_stock != purchases:
        raise RuntimeError(f"{lane.sale_id} has sold {lane.inventory.sold_stock}")


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(fill(int(sys.argv[1]), int(sys.argv[2])))

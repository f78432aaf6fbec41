"""The sales: what each has decided, and its stock. Those beyond the first hundred are one sum."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from flashsale_server.checkout import OTHER_SALES, Checkout
from flashsale_server.domain import Outcome, SaleState


def sales_metrics(checkout: Checkout) -> Iterator[Metric]:
    """What was decided by sale and outcome, how many sales are in each state, and their stock."""
    purchases = CounterMetricFamily(
        "flash_sale_purchases",
        "Purchase calls decided, by sale and outcome.",
        labels=["sale", "outcome"],
    )
    for sale_id, outcomes in checkout.meters.outcomes_by_sale.items():
        for outcome in Outcome:
            purchases.add_metric([sale_id, outcome.value.lower()], outcomes[outcome])
    yield purchases
    yield _states(checkout)
    yield _stock(checkout)


def _states(checkout: Checkout) -> Metric:
    sales = GaugeMetricFamily(
        "flash_sale_sales", "Sales that are open in this server.", labels=["state"]
    )
    now_us = checkout.clock.now_us()
    states = Counter(lane.inventory.state_at(now_us) for lane in checkout.lanes)
    for state in SaleState:
        sales.add_metric([state.value.lower()], states[state])
    return sales


def _stock(checkout: Checkout) -> Metric:
    stock = GaugeMetricFamily(
        "flash_sale_stock", "Units of a sale, by what they are.", labels=["sale", "part"]
    )
    known = checkout.meters.outcomes_by_sale
    others: Counter[str] = Counter()
    for lane in checkout.lanes:
        sale = lane.inventory
        parts = {
            "available": sale.available_stock,
            "held": sale.held_stock,
            "sold": sale.sold_stock,
        }
        if lane.sale_id not in known:
            others.update(parts)
            continue
        for part, units in parts.items():
            stock.add_metric([lane.sale_id, part], units)
    for part, units in others.items():
        stock.add_metric([OTHER_SALES, part], units)
    return stock

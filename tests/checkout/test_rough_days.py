"""After any rough day, the ledger, the nodes and every answer agree."""

from collections import Counter, defaultdict

import pytest
from flashsale_server.checkout import OutcomeUnknown
from flashsale_server.domain import Answer, Entry, EntryKind, Inventory, Outcome
from flashsale_server.ledger import GENESIS_DIGEST, ChainAudit, Ledger

from tests.checkout.rough_day import LIMIT, SALES, STOCK, Asked, RoughDay

WROTE = {EntryKind.PURCHASED.value, EntryKind.REFUSED.value}


class Books:
    """One sale as the ledger has it, with every row verified on the way."""

    def __init__(self) -> None:
        self.sale = Inventory()
        self.bought: dict[tuple[str, str], Entry] = {}
        self.refused: dict[tuple[str, str], Entry] = {}
        self.arrivals: defaultdict[str, list[int]] = defaultdict(list)
        self.units: Counter[str] = Counter()

    async def read(self, ledger: Ledger, sale_id: str) -> None:
        digest = GENESIS_DIGEST
        async for append in ledger.read(sale_id, 0):
            append.verify(last_position=self.sale.last_position, digest=digest)
            assert append.recorded_at_us >= self.sale.recorded_at_us
            digest = append.digest
            for entry in append.decoded():
                self.sale.apply([entry], append.recorded_at_us)
                self._note(append.node, entry)

    def _note(self, node: str, entry: Entry) -> None:
        sale = self.sale
        assert sale.available_stock >= 0
        assert sale.available_stock + sale.held_stock + sale.sold_stock == sale.total_stock
        if entry.kind not in WROTE:
            return
        key = (entry.user_id, entry.request_id)
        assert key not in self.bought, "a request that bought was decided again"
        assert key not in self.refused, "a request that was refused was decided again"
        if entry.kind == EntryKind.REFUSED:
            self.refused[key] = entry
            return
        self.arrivals[node].append(entry.arrival)
        self.bought[key] = entry
        self.units[entry.user_id] += entry.quantity
        assert self.units[entry.user_id] <= LIMIT


def check_answer(books: Books, asked: Asked, answer: Answer) -> None:
    """Check one answer against what the ledger says in the end; no unit ever comes back."""
    entry = books.bought.get((asked.user_id, asked.request_id))
    match answer.outcome:
        case Outcome.PURCHASED:
            assert entry is not None
            assert answer.purchase is not None
            assert answer.purchase.purchase_id == entry.purchase_id
            assert answer.purchase.quantity == asked.quantity == entry.quantity
        case Outcome.SOLD_OUT:
            assert books.sale.available_stock == 0
        case Outcome.INSUFFICIENT_STOCK:
            assert books.sale.available_stock < asked.quantity
        case Outcome.USER_LIMIT_REACHED:
            assert books.units[asked.user_id] + asked.quantity > LIMIT
        case outcome:
            assert outcome is Outcome.PAUSED


def check_answers(books: Books, sale_id: str, day: RoughDay) -> None:
    results: defaultdict[tuple[str, str], list[object]] = defaultdict(list)
    for asked in day.asked:
        if asked.sale_id != sale_id:
            continue
        result = asked.call.result
        results[asked.user_id, asked.request_id].append(result)
        if isinstance(result, Answer):
            check_answer(books, asked, result)
    for key in books.bought:
        # Whoever bought has been told so, or at least that it may be.
        assert any(
            isinstance(result, OutcomeUnknown)
            or (isinstance(result, Answer) and result.outcome is Outcome.PURCHASED)
            for result in results[key]
        )


@pytest.mark.parametrize("seed", range(100))
async def test_the_ledger_the_nodes_and_the_answers_agree(seed: int) -> None:
    day = RoughDay(seed)
    await day.open()
    await day.live(300)
    for checkout in day.nodes:
        assert checkout.line.length == 0
    for sale_id in SALES:
        books = Books()
        await books.read(day.ledgers[0].truth, sale_id)
        assert books.sale.total_stock == STOCK
        assert books.sale.sold_stock == sum(books.units.values())
        audited = ChainAudit(sale_id)
        async for append in day.ledgers[0].truth.read(sale_id, 0):
            assert list(audited.findings(append)) == []
        for arrivals in books.arrivals.values():
            assert arrivals == sorted(set(arrivals)), "somebody was served before their turn"
        check_answers(books, sale_id, day)
        for checkout in day.nodes:
            lane = await checkout.lane(sale_id)
            assert lane.stopped is None
            assert lane.queue_length == 0
            await checkout.refresh(lane)
            assert lane.inventory == books.sale
    await day.close()

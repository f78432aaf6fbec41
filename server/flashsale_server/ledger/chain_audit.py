"""The audit of a ledger: each sale's chain of digests, and what its entries say.

What a digest shows and what the rules show are two different things. Whoever changes a row and
nothing else breaks the chain, whatever the row says then. Whoever writes the chain anew from there
on breaks no digest but those that were noted elsewhere, and can still be found by the rules.
"""

from collections.abc import Iterator

from flashsale_server.domain import Finding, SaleAudit
from flashsale_server.ledger.append import GENESIS_DIGEST, Append
from flashsale_server.ledger.errors import LedgerDamaged

DIGESTS = "each row's digest covers the row and the digest before it"
ROWS = "a row says what it is"


class ChainAudit:
    """The audit of one sale, append by append.

    Attributes:
        sale: what its entries came to.
        head: the digest of the last append that was looked at.
        appends: how many there were.
    """

    def __init__(self, sale_id: str) -> None:
        self.sale = SaleAudit(sale_id)
        self.head = GENESIS_DIGEST
        self.appends = 0
        self.last_recorded_at_us = 0

    def findings(self, append: Append) -> Iterator[Finding]:
        """What is wrong with the next append; the iterator must be used up.

        Raises:
            LedgerTooNew: a later version wrote it.
        """
        yield from self._broken_chain(append)
        self.head = append.digest
        self.appends += 1
        self.last_recorded_at_us = append.recorded_at_us
        try:
            entries = append.decoded()
        except LedgerDamaged as error:
            yield self._finding(append, ROWS, str(error))
            self.sale.last_position = max(self.sale.last_position, append.last_position)
            return
        yield from self.sale.findings(
            entries,
            first_position=append.first_position,
            recorded_at_us=append.recorded_at_us,
            node=append.node,
        )

    def _broken_chain(self, append: Append) -> Iterator[Finding]:
        last_position = self.sale.last_position
        if append.first_position != last_position + 1:
            # The digest before it is not at hand; that positions are missing is found by the rules.
            return
        try:
            append.verify(last_position=last_position, digest=self.head)
        except LedgerDamaged as error:
            yield self._finding(append, DIGESTS, str(error))

    def _finding(self, append: Append, rule: str, text: str) -> Finding:
        return Finding(self.sale.sale_id, append.first_position, rule, text)

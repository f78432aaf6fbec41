"""Days for audits: one that has everything in it, and any number of random ones.

A row can be changed like whoever forges a ledger would, and the chain of digests made anew, so that
only what the entries say can give it away.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from flashsale_server.domain import (
    CancelCommand,
    Command,
    ConfirmCommand,
    Draft,
    EndCommand,
    Entry,
    EntryDetail,
    EntryKind,
    Finding,
    Inventory,
    PauseCommand,
    PurchaseCommand,
    ReleaseCommand,
    RestockCommand,
    ResumeCommand,
    SaleTerms,
    UpdateCommand,
)
from flashsale_server.ledger import GENESIS_DIGEST, Append, ChainAudit, encoded

SECOND_US = 1_000_000
SALE = "hats"
HOLDS = SaleTerms("Hats", SECOND_US, 1_000 * SECOND_US, 3, 2, 10 * SECOND_US)
FINAL = SaleTerms("Hats", SECOND_US, 1_000 * SECOND_US, 3, 2, 0)


@dataclass(frozen=True)
class Row:
    """A row that is not chained yet."""

    first_position: int
    at_us: int
    node: str
    entries: tuple[Entry, ...]


def order(kind: str, user_id: str, number: int, quantity: int, arrival: int, **ids: str) -> Entry:
    return Entry(
        kind,
        -quantity,
        user_id,
        ids.get("purchase_id", f"p-{number}"),
        ids.get("request_id", f"r-{number}"),
        quantity,
        arrival,
    )


def held(
    user_id: str, number: int, quantity: int, arrival: int, expires_at_us: int, **ids: str
) -> Entry:
    entry = order("held", user_id, number, quantity, arrival, **ids)
    return changed(entry, detail=EntryDetail(expires_at_us=expires_at_us))


def end(kind: str, user_id: str, number: int, quantity: int) -> Entry:
    back = 0 if kind == "confirmed" else quantity
    return Entry(kind, back, user_id, f"p-{number}", quantity=quantity)


def changed(entry: Entry, **fields: object) -> Entry:
    names = Entry.__struct_fields__
    return Entry(**{name: getattr(entry, name) for name in names} | fields)


def opened(stock: int, terms: SaleTerms) -> Entry:
    return Entry("opened", stock, detail=EntryDetail(terms))


def whole_day() -> list[Row]:
    """A day on which everything happens; the comments are positions."""
    refusal = Entry("refused", 0, "cid", "", "r-9", 3, 4, EntryDetail(outcome="USER_LIMIT_REACHED"))
    s = SECOND_US
    rows: list[tuple[int, str, list[Entry]]] = [
        (0, "a", [opened(20, HOLDS)]),  # 1
        (2, "a", [held("ann", 1, 2, 1, 12 * s), held("bob", 2, 1, 2, 12 * s)]),  # 2, 3
        (
            3,
            "a",
            [
                end("confirmed", "ann", 1, 2),  # 4
                end("released", "bob", 2, 1),  # 5
                held("bob", 3, 1, 3, 13 * s),  # 6
            ],
        ),
        (13, "a", [end("expired", "bob", 3, 1), refusal]),  # 7, 8
        (14, "a", [Entry("paused")]),  # 9
        (15, "a", [Entry("resumed")]),  # 10
        (16, "a", [Entry("restocked", 5)]),  # 11
        (16, "a", [Entry("updated", detail=EntryDetail(FINAL))]),  # 12
        (17, "b", [order("purchased", "dan", 4, 1, 1), end("cancelled", "dan", 4, 1)]),  # 13, 14
        (17, "b", [Entry("fenced")]),  # 15
        (18, "a", [order("purchased", "eve", 5, 2, 5)]),  # 16
        (20, "a", [Entry("ended")]),  # 17
    ]
    return renumbered([Row(0, at * s, node, tuple(entries)) for at, node, entries in rows])


def renumbered(rows: Sequence[Row]) -> list[Row]:
    """The rows with the positions that they have one after another."""
    position, numbered = 1, []
    for row in rows:
        numbered.append(replace(row, first_position=position))
        position += len(row.entries)
    return numbered


def chained(rows: Sequence[Row]) -> list[Append]:
    """The rows as a ledger has them, with digests that fit."""
    digest, appends = GENESIS_DIGEST, []
    for row in rows:
        append = encoded(
            SALE,
            row.entries,
            last_position=row.first_position - 1,
            digest=digest,
            recorded_at_us=row.at_us,
            node=row.node,
        )
        digest = append.digest
        appends.append(append)
    return appends


def audited(appends: Sequence[Append]) -> list[Finding]:
    audit = ChainAudit(SALE)
    return [finding for append in appends for finding in audit.findings(append)]


class RandomDay:
    """A sale under random commands of several users, decided by the real rules."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now_us = 2 * SECOND_US
        self.sale = Inventory()
        self.rows: list[Row] = []
        self._arrivals = {"a": count(1), "b": count(1)}
        self._ids = count(1)
        self._land([opened(self.chance.randrange(1, 40), self._terms())], "a")

    def live(self, batches: int) -> list[Row]:
        for _ in range(batches):
            self.now_us += self.chance.choice([0, 1, SECOND_US // 3, SECOND_US, 3 * SECOND_US])
            node = self.chance.choice("ab")
            draft = Draft(self.sale, self.now_us)
            commands = [self._command(node) for _ in range(self.chance.randrange(1, 9))]
            draft.decide(commands, lambda: f"p-{next(self._ids)}")
            if draft.entries:
                self._land(draft.entries, node)
        return self.rows

    def _land(self, entries: Sequence[Entry], node: str) -> None:
        position = self.sale.last_position + 1
        self.rows.append(Row(position, self.now_us, node, tuple(entries)))
        self.sale.apply(entries, self.now_us)

    def _terms(self) -> SaleTerms:
        chance = self.chance
        return SaleTerms(
            starts_at_us=chance.choice([0, 0, 0, self.now_us + SECOND_US]),
            ends_at_us=chance.choice([None, None, None, self.now_us + 50 * SECOND_US]),
            per_user_limit=chance.choice([1, 3, 9]),
            per_order_limit=chance.choice([None, None, 2]),
            hold_us=chance.choice([0, SECOND_US, 4 * SECOND_US]),
        )

    def _command(self, node: str) -> Command:
        chance = self.chance
        if chance.random() < 0.08:
            return chance.choice(
                [
                    PauseCommand(),
                    ResumeCommand(),
                    ResumeCommand(),
                    RestockCommand(chance.randrange(-6, 12)),
                    UpdateCommand(self._terms()),
                    EndCommand() if chance.random() < 0.1 else ResumeCommand(),
                ]
            )
        user_id = f"u-{chance.randrange(12)}"
        purchases = self.sale.purchases_of(user_id)
        if purchases and chance.random() < 0.5:
            purchase_id = chance.choice(purchases).purchase_id
            ends: list[Command] = [
                ConfirmCommand(user_id, purchase_id),
                ReleaseCommand(user_id, purchase_id),
                CancelCommand(user_id, purchase_id),
            ]
            return chance.choice(ends)
        return PurchaseCommand(
            user_id,
            f"r-{chance.randrange(30)}",
            chance.choice([1, 1, 2, 3]),
            chance.random() < 0.3,
            next(self._arrivals[node]),
        )


KINDS = frozenset(kind.value for kind in EntryKind)

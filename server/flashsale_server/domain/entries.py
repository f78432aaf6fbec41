"""Entries: the facts that a sale's ledger is made of.

What lives here: the kinds of entry, the shape of one entry, and the terms of a sale that entries
carry. An entry is written once and read for ever, also by other programs and later versions, so
this file changes by addition alone.

An entry does not carry what its append carries for all of its entries: the sale, the node, the time
of recording, and the position of the first entry, from which the others are counted.
"""

import enum

import msgspec

SCHEMA_VERSION = 1
"""The version of the entries' shape. A row with a higher one is not guessed at."""


class EntryKind(enum.StrEnum):
    """What an entry says happened. The values are what the ledger stores."""

    OPENED = "opened"
    PURCHASED = "purchased"
    HELD = "held"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"
    RESTOCKED = "restocked"
    UPDATED = "updated"
    REFUSED = "refused"
    FENCED = "fenced"


class SaleTerms(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a shop fixes about a sale, beside its stock.

    Attributes:
        title: what is on offer, for people.
        starts_at_us: when the sale opens, in microseconds since 1970 UTC.
        ends_at_us: when it ends; None means that it has no end.
        per_user_limit: units that one user may have, held and sold together.
        per_order_limit: units that one order may ask for; None when only the user's limit counts.
        hold_us: how long a hold lasts, in microseconds; 0 when purchases are final at once.
    """

    title: str = ""
    starts_at_us: int = 0
    ends_at_us: int | None = None
    per_user_limit: int = 1
    per_order_limit: int | None = None
    hold_us: int = 0


class EntryDetail(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What only some kinds of entry say.

    Attributes:
        terms: the sale's terms from here on (opened, updated).
        outcome: the outcome that was answered (refused).
        expires_at_us: until when the units are kept, in microseconds since 1970 UTC (held).
    """

    terms: SaleTerms | None = None
    outcome: str | None = None
    expires_at_us: int | None = None


class Entry(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """One fact about a sale.

    Attributes:
        kind: an EntryKind, or a word that this version does not know.
        stock_change: units that the entry adds to what is available: opened +100, purchased -1.
        user_id: whose purchase or refusal it is, else "".
        purchase_id: which purchase it makes or changes, else "".
        request_id: the request that it answers, else "".
        quantity: units of the purchase or asked for, else 0.
        arrival: the number of the call among those that its node has let in, else 0.
        detail: what only some kinds say, else None.
    """

    kind: str
    stock_change: int = 0
    user_id: str = ""
    purchase_id: str = ""
    request_id: str = ""
    quantity: int = 0
    arrival: int = 0
    detail: EntryDetail | None = None

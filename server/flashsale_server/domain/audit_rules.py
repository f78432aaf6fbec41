"""The rules that an audit verifies, each under a name, and what it says where one was broken."""

import enum
from dataclasses import dataclass


class Rule(enum.StrEnum):
    """A rule of every ledger. The values complete the sentence "the rule is that ..."."""

    POSITIONS = "positions are dense"
    TIME = "time never runs backwards"
    KNOWN = "entries say what this version understands"
    OPENED = "the first entry opens a sale, and no other does"
    STOCK = "no unit is sold or taken away that is not there"
    SUM = "available, held and sold units are the total"
    UNITS = "an order is for one unit or more, and an ending for the units of its purchase"
    USER_LIMIT = "no user has more units than the limit allows"
    ORDER_LIMIT = "no order is for more units than the limit allows"
    START = "nothing is sold before the start"
    END = "nothing is sold at or after the end"
    PAUSE = "nothing is sold while the sale is paused"
    OVER = "nothing is sold or changed once the sale has ended"
    CHANGE = "a change changes something"
    HOLDS = "a sale with a hold duration sells holds of that duration, and any other sells for good"
    PURCHASE_ID = "a purchase id names one purchase"
    REQUEST_ID = "a request id of a user buys once"
    REFUSED = "a recorded refusal stays the answer to its request id"
    ENDS_ONCE = "a purchase ends once"
    EXPIRY = "a hold ends before its time is over, or expires after it"
    ARRIVAL = "whoever came first at a node is served first by it"


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where a ledger is not what it should be.

    Attributes:
        position: of the entry; of the first one of a row, where a whole row is meant.
        rule: what was broken, in words.
        text: what is there instead, in words.
    """

    sale_id: str
    position: int
    rule: str
    text: str

    def __str__(self) -> str:
        return (
            f"sale {self.sale_id!r}, position {self.position}: {self.text}; "
            f"the rule is that {self.rule}"
        )

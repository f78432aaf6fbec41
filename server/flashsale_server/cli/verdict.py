"""What a rush came to: whether the server holds what it acknowledged, and how that is shown."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flashsale import Outcome
from rich.console import Group
from rich.table import Table
from rich.text import Text

from flashsale_server.cli.bars import bar, latency_rows
from flashsale_server.cli.crowd import Lookups, Tally
from flashsale_server.cli.json_lines import Json, counts_json
from flashsale_server.cli.views import in_words

PERCENTS: Final = (50, 95, 99)
_BAR_CELLS: Final = 20


class Verdict(enum.StrEnum):
    """What was acknowledged, compared with what the server holds."""

    EQUAL = "ACKNOWLEDGED_EQUALS_HELD"
    OTHERS_BOUGHT = "MORE_SOLD_THAN_ACKNOWLEDGED"
    TOO_MANY_SOLD = "MORE_SOLD_THAN_CAN_BE"
    MISSING = "ACKNOWLEDGED_BUT_MISSING"
    TOO_FEW_SOLD = "ACKNOWLEDGED_BUT_NOT_SOLD"
    NOBODY_ANSWERED = "NOBODY_WAS_ANSWERED"
    UNCHECKED = "COULD_NOT_BE_CHECKED"

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to say against the server."""
        return self in (Verdict.EQUAL, Verdict.OTHERS_BOUGHT)


@dataclass(frozen=True, slots=True)
class Judged:
    """A rush and its verdict.

    Attributes:
        tally: what the crowd was told.
        verdict: what it came to.
        sold: units that the sale sold or held meanwhile; None where that is not known.
        lookups: what became of what was acknowledged; None where that is not known.
    """

    tally: Tally
    verdict: Verdict
    sold: int | None = None
    lookups: Lookups | None = None


def judged(tally: Tally, sold: int, lookups: Lookups) -> Judged:
    """A rush and its verdict.

    Args:
        tally: what the crowd was told.
        sold: units that the sale sold or held meanwhile.
        lookups: what the server says of what it acknowledged, asked after `sold` was.
    """
    acknowledged = len(tally.bought)
    if tally.is_lost:
        verdict = Verdict.NOBODY_ANSWERED
    elif lookups.missing:
        verdict = Verdict.MISSING
    elif sold < acknowledged - lookups.given_back:
        verdict = Verdict.TOO_FEW_SOLD
    elif sold <= acknowledged:
        verdict = Verdict.EQUAL
    elif sold <= acknowledged + len(tally.unanswered):
        verdict = Verdict.OTHERS_BOUGHT
    else:
        verdict = Verdict.TOO_MANY_SOLD
    return Judged(tally, verdict, sold, lookups)


def verdict_lines(result: Judged) -> Iterator[str]:
    """The verdict in sentences."""
    tally, sold = result.tally, result.sold or 0
    acknowledged = len(tally.bought)
    match result.verdict:
        case Verdict.NOBODY_ANSWERED:
            yield f"WRONG: none of {tally.people:,} people was answered."
            return
        case Verdict.UNCHECKED:
            yield f"What became of {acknowledged:,} acknowledged purchases could not be asked."
            return
        case Verdict.MISSING:
            missing = result.lookups.missing if result.lookups else 0
            yield f"WRONG: the server does not hold {missing:,} of what it acknowledged"
            return
        case _:
            yield f"Every one of the {acknowledged:,} acknowledged purchases is held by the server."
    if result.lookups and result.lookups.given_back:
        yield f"{result.lookups.given_back:,} of them were holds that are over by now."
    match result.verdict:
        case Verdict.EQUAL:
            yield f"The sale sold {sold:,} units meanwhile: acknowledged equals held."
        case Verdict.TOO_FEW_SOLD:
            yield f"WRONG: {acknowledged:,} were acknowledged, but the sale sold {sold:,}"
        case _:
            yield (
                f"The sale sold {sold:,} units meanwhile, {sold - acknowledged:,} more than this "
                f"crowd was told of; {len(tally.unanswered):,} were not answered, and others may "
                "have bought too."
            )


def result_json(sale_id: str, result: Judged) -> Json:
    """The whole rush as one JSON object."""
    tally = result.tally
    outcomes: dict[Outcome, int] = {Outcome(name): n for name, n in tally.outcomes.items()}
    fields: Json = {
        "saleId": sale_id,
        "attempts": tally.people,
        "seconds": round(tally.took, 6),
        "attemptsPerSecond": round(tally.people / tally.took),
        "outcomes": counts_json("outcome", outcomes),
        "errors": counts_json("error", dict(tally.errors)),
        "acknowledged": len(tally.bought),
        "unanswered": len(tally.unanswered),
    }
    for percent in PERCENTS:
        fields[f"latencyMsP{percent}"] = round(tally.percentile(percent) * 1000, 3)
    fields["latencyMsMax"] = round(max(tally.seconds) * 1000, 3)
    if result.sold is not None and result.lookups is not None:
        fields["sold"] = result.sold
        fields["missing"] = result.lookups.missing
    return fields | {"verdict": result.verdict.value, "good": result.verdict.is_good}


def result_table(tally: Tally) -> Table:
    """What the crowd was told, and beside it how long they waited."""
    both = Table.grid(padding=(0, 2))
    both.add_row(_told(tally), _waits(tally))
    return both


def _told(tally: Tally) -> Table:
    table = Table()
    table.add_column("what came of it")
    table.add_column("people", justify="right")
    for outcome, count in tally.outcomes.most_common():
        table.add_row("sold" if outcome == Outcome.PURCHASED else in_words(outcome), f"{count:,}")
    for error, count in tally.errors.most_common():
        table.add_row(f"error: {error}", f"{count:,}", style="red")
    table.add_section()
    for percent in PERCENTS:
        table.add_row(f"p{percent}", f"{tally.percentile(percent) * 1000:,.1f} ms")
    table.add_row("slowest", f"{max(tally.seconds) * 1000:,.1f} ms")
    return table


def _waits(tally: Tally) -> Group:
    """A histogram of how long it took."""
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    table.add_column(width=_BAR_CELLS, no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    rows = list(latency_rows(tally.seconds))
    most = max(count for _, count in rows)
    for bound, count in rows:
        table.add_row(bound, bar(count, most, _BAR_CELLS, "cyan"), f"{count:,}")
    return Group(Text("how long it took", "bold"), table)

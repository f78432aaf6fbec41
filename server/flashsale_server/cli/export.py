"""`flash-sale purchases export`: every purchase of a sale, a row each, for other programs.

Rule 1: rows go out as they come in, however many there are. A ledger is read twice: once for what
became of those purchases that did not stay what they were, and once for the rows.

Rule 2: the CSV is that of RFC 4180, in UTF-8. A program that opens it as a sheet would compute a
text that begins like a formula, and user ids are whatever callers say; so such a text is led by an
apostrophe. JSON lines carry everything as it is.
"""

import contextlib
import csv
import enum
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Final

import typer
from flashsale import Purchase

from flashsale_server.cli.connecting import SaleName, asks, fail
from flashsale_server.cli.server_options import Server

if TYPE_CHECKING:
    from flashsale_server.ledger import Append, LedgerSnapshot

COLUMNS: Final = (
    "sale_id",
    "position",
    "purchase_id",
    "user_id",
    "request_id",
    "quantity",
    "state",
    "create_time",
    "hold_expire_time",
    "end_time",
)
PAGE_SIZE: Final = 1000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_MAKES = frozenset({"purchased", "held"})
_ENDS = {
    "confirmed": "CONFIRMED",
    "released": "RELEASED",
    "expired": "EXPIRED",
    "cancelled": "CANCELLED",
}

Row = dict[str, str | int | None]


class Format(enum.StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"


@asks
async def export_purchases(
    server: Server,
    ledger: Annotated[
        str | None, typer.Option(help="Read this ledger, in use or not, instead of a server.")
    ] = None,
    sale: SaleName = "default",
    form: Annotated[Format, typer.Option("--format", help="csv or jsonl.")] = Format.CSV,
    output: Annotated[str, typer.Option(help='A file, or "-" for standard output.')] = "-",
) -> None:
    """Write a sale's purchases, by position, with what has become of each.

    When a purchase ended is in the ledger alone: a server leaves end_time empty.
    In CSV, a text that a sheet would take for a formula is led by an apostrophe; jsonl is exact.

    Examples:
      flash-sale purchases export --sale shoes --output sold.csv
      flash-sale purchases export --format jsonl --output sold.jsonl
    """
    from flashsale_server.ledger import LedgerError

    try:
        with _opened(output) as sink:
            write = _writer(sink, form)
            if ledger is None:
                async with server.client(sale, timeout=60) as client:
                    async for purchase in client.admin.list_purchases(sale, page_size=PAGE_SIZE):
                        write(_row_of(purchase))
            else:
                for row in _rows_of_ledger(ledger, sale):
                    write(row)
    except LedgerError as error:
        fail(str(error))


def _rows_of_ledger(url: str, sale_id: str) -> Iterator[Row]:
    from flashsale_server.ledger import open_snapshot

    with open_snapshot(url) as snapshot:
        if sale_id not in snapshot.tails:
            raise ValueError(f"the ledger has no sale {sale_id!r}")
        ends: dict[str, tuple[str, int]] = {}
        for append in _whole(snapshot, sale_id):
            for entry in append.decoded():
                if entry.kind in _ENDS:
                    ends[entry.purchase_id] = _ENDS[entry.kind], append.recorded_at_us
        for append in _whole(snapshot, sale_id):
            yield from _rows_of_append(append, ends)
        snapshot.check_still()


def _whole(snapshot: "LedgerSnapshot", sale_id: str) -> Iterator["Append"]:
    """The sale's appends, each of which is checked to follow the one before."""
    from flashsale_server.ledger import GENESIS_DIGEST

    last_position, digest = 0, GENESIS_DIGEST
    for append in snapshot.appends(sale_id):
        append.verify(last_position=last_position, digest=digest)
        last_position, digest = append.last_position, append.digest
        yield append


def _rows_of_append(append: "Append", ends: dict[str, tuple[str, int]]) -> Iterator[Row]:
    for position, entry in enumerate(append.decoded(), append.first_position):
        if entry.kind not in _MAKES:
            continue
        expires_at_us = entry.detail.expires_at_us if entry.detail else None
        is_hold = entry.kind == "held"
        state, ended_at_us = ends.get(entry.purchase_id, ("HELD" if is_hold else "CONFIRMED", None))
        yield {
            "sale_id": append.sale_id,
            "position": position,
            "purchase_id": entry.purchase_id,
            "user_id": entry.user_id,
            "request_id": entry.request_id,
            "quantity": entry.quantity,
            "state": state,
            "create_time": _time(append.recorded_at_us),
            "hold_expire_time": _time(expires_at_us),
            "end_time": _time(ended_at_us),
        }


def _row_of(purchase: Purchase) -> Row:
    return {
        "sale_id": purchase.sale_id,
        "position": purchase.position,
        "purchase_id": purchase.purchase_id,
        "user_id": purchase.user_id,
        "request_id": purchase.request_id,
        "quantity": purchase.quantity,
        "state": purchase.state.value,
        "create_time": _written(purchase.create_time),
        "hold_expire_time": _written(purchase.hold_expire_time),
        "end_time": None,
    }


def _writer(sink: IO[str], form: Format) -> Callable[[Row], None]:
    if form is Format.JSONL:
        return lambda row: print(json.dumps(row, ensure_ascii=False), file=sink)
    rows = csv.writer(sink)
    rows.writerow(COLUMNS)
    return lambda row: rows.writerow([_cell(row[name]) for name in COLUMNS])


def _cell(value: str | int | None) -> str | int:
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _time(at_us: int | None) -> str | None:
    if at_us is None:
        return None
    seconds, us = divmod(at_us, 1_000_000)
    return _written(datetime.fromtimestamp(seconds, UTC).replace(microsecond=us))


def _written(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%S.%f}Z"


@contextlib.contextmanager
def _opened(output: str) -> Iterator[IO[str]]:
    """The file to write to; its lines end as its format says, on every system."""
    if output != "-":
        with Path(output).open("w", encoding="utf-8", newline="") as sink:
            yield sink
        return
    stdout = sys.stdout
    with open(stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as sink:
        yield sink

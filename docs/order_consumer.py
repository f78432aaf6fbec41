"""Keeps a table of a sale's orders in SQLite, exactly as the sale's ledger has them.

    python order_consumer.py 127.0.0.1:50051 default orders.db

What entries change and the position of the last one are stored in one transaction, and the next
stream begins after that position. So no entry is left out and none is counted twice, whoever of the
two sides is killed, and whenever.
"""

import sqlite3
import sys
import time
from collections.abc import Sequence

import grpc
from flashsale.v1 import sale_admin_pb2 as admin
from flashsale.v1 import sale_admin_pb2_grpc as rpc

TABLES = """
CREATE TABLE IF NOT EXISTS orders (
  purchase_id TEXT PRIMARY KEY, user_id TEXT, quantity INTEGER, state TEXT, position INTEGER
);
CREATE TABLE IF NOT EXISTS progress (
  sale_id TEXT PRIMARY KEY, position INTEGER, available_stock INTEGER
);
"""
STATES = {
    admin.ENTRY_KIND_PURCHASED: "CONFIRMED",
    admin.ENTRY_KIND_HELD: "HELD",
    admin.ENTRY_KIND_CONFIRMED: "CONFIRMED",
    admin.ENTRY_KIND_RELEASED: "RELEASED",
    admin.ENTRY_KIND_EXPIRED: "EXPIRED",
    admin.ENTRY_KIND_CANCELLED: "CANCELLED",
}
PASSING = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED}
AGAIN_AFTER_SECONDS = 0.2


def position_of(orders: sqlite3.Connection, sale_id: str) -> int:
    """The last position that was dealt with; 0 before the first."""
    query = "SELECT position FROM progress WHERE sale_id = ?"
    row = orders.execute(query, (sale_id,)).fetchone()
    return int(row[0]) if row else 0


def take_in(orders: sqlite3.Connection, sale_id: str, entries: Sequence[admin.Entry]) -> None:
    """Store what entries change, and how far they go, in one transaction."""
    with orders:
        for entry in entries:
            if entry.kind not in STATES:
                continue  # the sale itself: opened, paused, ...
            orders.execute(
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (purchase_id) DO UPDATE SET state = excluded.state",
                (
                    entry.purchase_id,
                    entry.user_id,
                    entry.quantity,
                    STATES[entry.kind],
                    entry.position,
                ),
            )
        orders.execute(
            "INSERT INTO progress VALUES (?, ?, ?) ON CONFLICT (sale_id) DO UPDATE SET "
            "position = excluded.position, "
            "available_stock = available_stock + excluded.available_stock",
            (sale_id, entries[-1].position, sum(entry.stock_change for entry in entries)),
        )


def follow(address: str, sale_id: str, orders: sqlite3.Connection) -> None:
    """Take in entries until the stream ends."""
    with grpc.insecure_channel(address) as channel:
        after = position_of(orders, sale_id)
        request = admin.WatchEntriesRequest(sale_id=sale_id, after_position=after)
        for answer in rpc.SaleAdminServiceStub(channel).WatchEntries(request):
            if answer.entries:  # else a sign of life
                take_in(orders, sale_id, answer.entries)


def main(address: str, sale_id: str, path: str) -> None:
    """Follow a sale for ever, connecting again whenever the stream ends."""
    orders = sqlite3.connect(path)
    orders.executescript(TABLES)
    while True:
        try:
            follow(address, sale_id, orders)
        except grpc.RpcError as error:
            if error.code() not in PASSING:
                raise
        time.sleep(AGAIN_AFTER_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])

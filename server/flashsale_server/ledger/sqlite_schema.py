"""What a ledger file looks like inside: its mark, its table, and the statements that touch it.

Rule 1: an append is one row and its entries one JSON text; writing 500 purchases is writing one
row.

Rule 2: people query `entries`, not `appends`. The view spreads each row into one line an entry.
What an entry does not have (a user, a purchase, a request, a detail) is NULL there, so that count()
and IS NULL say what they seem to say; its numbers are 0, so that sum() does.

Rule 3: rows are only ever added. The last row of a sale is found by its key; max(last_position)
would scan.
"""

from flashsale_server.ledger.append import Append

APPLICATION_ID = 0x464C5341
"""Marks a SQLite file as a ledger of ours ("FLSA"), in its header, where file(1) sees it too."""

FILE_FORMAT = 1
"""The version of the table and the view, kept as the file's user_version."""

CREATE = (
    """
CREATE TABLE appends (
  sale_id        TEXT    NOT NULL,
  first_position INTEGER NOT NULL,
  last_position  INTEGER NOT NULL,
  recorded_at    INTEGER NOT NULL, -- microseconds since 1970 UTC
  node           TEXT    NOT NULL,
  schema_version INTEGER NOT NULL,
  entries        TEXT    NOT NULL, -- JSON: one array an entry; the view "entries" spreads them
  digest         BLOB    NOT NULL, -- sha256 over the digest before and this row
  PRIMARY KEY (sale_id, first_position)
) STRICT
""",
    """
CREATE VIEW entries AS
SELECT
  appends.sale_id                                             AS sale_id,
  appends.first_position + entry.key                          AS position,
  json_extract(entry.value, '$[0]')                           AS kind,
  coalesce(json_extract(entry.value, '$[1]'), 0)              AS stock_change,
  nullif(json_extract(entry.value, '$[2]'), '')               AS user_id,
  nullif(json_extract(entry.value, '$[3]'), '')               AS purchase_id,
  nullif(json_extract(entry.value, '$[4]'), '')               AS request_id,
  coalesce(json_extract(entry.value, '$[5]'), 0)              AS quantity,
  strftime('%Y-%m-%dT%H:%M:%S', appends.recorded_at / 1000000, 'unixepoch')
    || printf('.%06dZ', appends.recorded_at % 1000000)        AS recorded_at,
  appends.node                                                AS node,
  coalesce(json_extract(entry.value, '$[6]'), 0)              AS arrival,
  json_extract(entry.value, '$[7]')                           AS detail
FROM appends, json_each(appends.entries) AS entry
""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {FILE_FORMAT}",
)

Row = tuple[str, int, int, int, str, int, str, bytes]
"""The columns of `appends`, in the table's order, which is also that of the fields of Append."""

# The row's own guard: it goes in if the sale's last position is the one before its first. One
# statement is one commit, one wait for the disk, and one hand-over between threads.
INSERT_IF_NEXT = """
INSERT INTO appends
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE ?2 - 1 = coalesce(
  (SELECT last_position FROM appends WHERE sale_id = ?1 ORDER BY first_position DESC LIMIT 1), 0)
"""

TAIL = """
SELECT last_position FROM appends WHERE sale_id = ? ORDER BY first_position DESC LIMIT 1
"""

# SQLite has no skip scan over the distinct values of an index; walking from one sale to the next is
# one look-up each.
TAILS = """
WITH RECURSIVE sale(id) AS (
  SELECT min(sale_id) FROM appends
  UNION ALL
  SELECT (SELECT min(sale_id) FROM appends WHERE sale_id > sale.id)
  FROM sale WHERE sale.id IS NOT NULL
)
SELECT sale.id,
  (SELECT last_position FROM appends WHERE sale_id = sale.id ORDER BY first_position DESC LIMIT 1)
FROM sale WHERE sale.id IS NOT NULL
"""

# From the row that has the position after ?2 on: there is one, unless the sale ends before it.
READ = """
SELECT sale_id, first_position, last_position, recorded_at, node, schema_version, entries, digest
FROM appends WHERE sale_id = ?1 AND last_position > ?2 AND first_position >= coalesce(
  (SELECT first_position FROM appends WHERE sale_id = ?1 AND first_position <= ?2 + 1
   ORDER BY first_position DESC LIMIT 1), 0)
ORDER BY first_position
"""


def insert_rows(row_count: int) -> str:
    """The statement that inserts `row_count` rows, all or none."""
    rows = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * row_count)
    return f"INSERT INTO appends VALUES {rows}"  # noqa: S608 - placeholders, nothing else


def row_of(append: Append) -> Row:
    """The row that stores `append`."""
    return (
        append.sale_id,
        append.first_position,
        append.last_position,
        append.recorded_at_us,
        append.node,
        append.schema_version,
        append.entries,
        append.digest,
    )

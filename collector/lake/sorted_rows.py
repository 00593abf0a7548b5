"""Sort the rows of a select, in memory that does not depend on their number.

Rows of 12 kB were sorted within 100 MB, and rows of 60 kB within 350 MB: DuckDB reads 2,048 at a time.

Rows up to `RANGE_BYTES` are sorted in memory. More are divided into ranges of the key of about that size, which DuckDB
sorts one after the other. ORDER BY over all of them would hold 120,000 rows in memory that DuckDB cannot spill.
"""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from collector.lake.database import Database
from collector.lake.sql_text import identifier, literal
from collector.lake.table import Table

RANGE_BYTES = 64 << 20
# Rows of a batch that was sorted in memory.
_BATCH_ROWS = 20_000
# What DuckDB holds of any value in memory, before the letters of a text.
_VALUE_BYTES = 16
# The first key of each range, as bytes that compare as the key does.
_RANGES = """
with
keys as (
    select {key} as key, sum({width}) as bytes
    from ({rows})
    group by all
),
numbered as (
    select *, sum(bytes) over (order by key rows unbounded preceding) // {range_bytes} as number
    from keys
)
select hex(min(key)) as first_key
from numbered
group by number
order by first_key
"""


def sorted_rows(
    database: Database, table: Table, rows: str, order: Sequence[str], *, range_bytes: int = RANGE_BYTES
) -> Iterator[pa.RecordBatch]:
    """Yield what the select `rows` finds, with the exact schema of `table`, sorted by `order`.

    Text is sorted by its UTF-8 bytes, NULL comes last. The select is run once, or once more for each range.
    Raises QueryError and LakeError like `Database`.
    """
    columns = ", ".join(map(identifier, table.column_names))
    batches: list[pa.RecordBatch] = []
    size = 0
    with database.batches(f"select {columns} from ({rows})") as found:
        for batch in found:
            batches.append(batch.cast(table.schema))
            size += batch.nbytes
            if size > range_bytes:
                break
    if size <= range_bytes:
        if batches:
            in_order = pa.Table.from_batches(batches).sort_by([(name, "ascending") for name in order])
            batches.clear()
            yield from in_order.to_batches(max_chunksize=_BATCH_ROWS)
        return
    del batches
    for condition in key_ranges(database, table, rows, order, range_bytes):
        yield from rows_in_order(database, table, f"from ({rows}) where {condition} {order_by(order)}")


def order_by(order: Sequence[str]) -> str:
    """Return the clause by which DuckDB sorts as `sorted_rows` does."""
    return f"order by {', '.join(f'{identifier(name)} nulls last' for name in order)}"


def rows_in_order(database: Database, table: Table, rows: str) -> Iterator[pa.RecordBatch]:
    """Yield what the select `rows` finds, in its order, with the exact schema of `table`."""
    for batch in database.stream(f"select {', '.join(map(identifier, table.column_names))} {rows}"):
        # A cast imports pyarrow.compute, which takes as long as all queries of a small run's publish.
        yield batch if batch.schema == table.schema else batch.cast(table.schema)


def key_ranges(
    database: Database, table: Table, rows: str, order: Sequence[str], range_bytes: int = RANGE_BYTES
) -> list[str]:
    """Return conditions that divide rows into ranges of the key, in order; they are made from those that `rows` finds.

    Every row is in one of them, whether it is found or not.
    """
    places = ", ".join(f"{identifier(name)}, 'ASC NULLS LAST'" for name in order)
    key = f"create_sort_key({places})"
    texts = [f"coalesce(strlen({identifier(c.name)}::VARCHAR), 0)" for c in table.columns if not _is_fixed(c.arrow)]
    width = " + ".join([str(_VALUE_BYTES * len(table.columns)), *texts])
    sql = _RANGES.format(key=key, width=width, rows=rows, range_bytes=range_bytes)
    found = database.rows(sql)
    starts = ["true", *(f"{key} >= from_hex({literal(each['first_key'])})" for each in found[1:])]
    ends = [*(f"{key} < from_hex({literal(each['first_key'])})" for each in found[1:]), "true"]
    return [f"{start} and {end}" for start, end in zip(starts, ends, strict=True)]


def _is_fixed(kind: pa.DataType) -> bool:
    return not (pa.types.is_string(kind) or pa.types.is_list(kind))

"""Ranges of the key of about equal size, so that DuckDB can compute and sort one after the other.

Rows of 60 kB were sorted within 350 MB: DuckDB reads 2,048 at a time. ORDER BY over all rows would hold 120,000 of them
in memory that DuckDB cannot spill.
"""

from collections.abc import Sequence

import pyarrow as pa

from collector.lake.database import Database
from collector.lake.sql_text import identifier, literal
from collector.lake.table import Table

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


def key_ranges(database: Database, table: Table, rows: str, order: Sequence[str], range_bytes: int) -> list[str]:
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

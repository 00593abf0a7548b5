"""Sort the rows of a table, of which a tenth is in memory where they are many.

Rows of up to `PART_BYTES` are sorted in memory. More are sorted in parts of that size, each of which is written to a
file, and the parts are merged, with a batch of each in memory: every row is read twice, however many there are. A part
is a stream in Arrow's IPC format, which is written and read in a quarter of the time of Parquet.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from collector.lake.database import Database
from collector.lake.local_storage import LocalStorage
from collector.lake.sql_text import identifier
from collector.lake.storage import translating
from collector.lake.table import Table

PART_BYTES = 16 << 20
# Rows of a batch that was sorted in memory.
_BATCH_ROWS = 20_000
# Of each part a batch of about so many bytes is in memory while the parts are merged.
_MERGED_BYTES = 3 << 19

# The values by which a row is sorted, which Python compares as Arrow does: NULL comes last.
RowKey = tuple[tuple[bool, Any], ...]


def sorted_rows(
    batches: Iterable[pa.RecordBatch], table: Table, order: Sequence[str], folder: Path, *, part_bytes: int = PART_BYTES
) -> Iterator[pa.RecordBatch]:
    """Yield rows of a table, with its exact schema, sorted by `order`.

    Text is sorted by its UTF-8 bytes, NULL comes last. Parts are written to `folder`, which is made for them. Raises
    what reading `batches` raises, NotPublished when the disk is full.
    """
    part: list[pa.RecordBatch] = []
    paths: list[Path] = []
    size = 0
    for batch in batches:
        if size > part_bytes:
            paths.append(_write_part(folder, len(paths), _taken_in_order(part, order)))
            size = 0
        part.append(_exact(batch, table))
        size += batch.nbytes
    if paths:
        paths.append(_write_part(folder, len(paths), _taken_in_order(part, order)))
        yield from _merged(paths, table, order)
        for path in paths:
            path.unlink()
    elif part:
        yield from _taken_in_order(part, order).to_batches(max_chunksize=_BATCH_ROWS)


def row_key(rows: pa.Table, order: Sequence[str], row: int) -> RowKey:
    """Return the key of a row."""
    values = [rows[name][row].as_py() for name in order]
    return tuple([(value is None, value) for value in values])


def order_by(order: Sequence[str]) -> str:
    """Return the clause by which DuckDB sorts as `sorted_rows` does."""
    return f"order by {', '.join(f'{identifier(name)} nulls last' for name in order)}"


def rows_in_order(database: Database, table: Table, rows: str) -> Iterator[pa.RecordBatch]:
    """Yield what the select `rows` finds, in its order, with the exact schema of `table`."""
    for batch in database.stream(f"select {', '.join(map(identifier, table.column_names))} {rows}"):
        yield _exact(batch, table)


def _exact(batch: pa.RecordBatch, table: Table) -> pa.RecordBatch:
    # A cast imports pyarrow.compute, which takes as long as all queries of a small run's publish.
    return batch if batch.schema == table.schema else batch.cast(table.schema)


def _taken_in_order(batches: list[pa.RecordBatch], order: Sequence[str]) -> pa.Table:
    """Return the rows of these batches sorted, and empty the list."""
    rows = pa.Table.from_batches(batches)
    batches.clear()
    return _in_order(rows, order)


def _in_order(rows: pa.Table, order: Sequence[str]) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in order])


def _write_part(folder: Path, number: int, rows: pa.Table) -> Path:
    storage, name = LocalStorage(folder), f"{number}.arrows"
    batch_rows = min(_BATCH_ROWS, max(1, len(rows) * _MERGED_BYTES // max(1, rows.nbytes)))
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    with storage.output(name) as sink, pa.ipc.new_stream(sink, rows.schema, options=options) as writer:
        writer.write_table(rows, max_chunksize=batch_rows)
    return storage.locate(name)


def _read_part(path: Path) -> Iterator[pa.Table]:
    """Yield the rows of a part, a batch at a time. Raises NotPublished when the disk fails."""
    options = pa.ipc.IpcReadOptions(use_threads=False)
    with translating(path), pa.OSFile(str(path)) as file, pa.ipc.open_stream(file, options=options) as reader:
        for batch in reader:
            yield pa.Table.from_batches([batch])


@dataclass
class _Part:
    """A sorted part that is merged: the rows of its current batch that were not taken yet, and the batches to come."""

    batches: Iterator[pa.Table]
    order: Sequence[str]
    rows: pa.Table
    more: bool = True

    def fill(self) -> bool:
        """Read on where all rows were taken; return whether there are rows."""
        while self.more and not len(self.rows):
            batch = next(self.batches, None)
            self.more = batch is not None
            if batch is not None:
                self.rows = batch
        return len(self.rows) > 0

    def key(self, row: int) -> RowKey:
        """Return the key of a row."""
        return row_key(self.rows, self.order, row)

    def take(self, limit: RowKey | None) -> pa.Table:
        """Take the rows up to and including a key, which may be none; all without a limit."""
        end = len(self.rows) if limit is None else bisect_right(range(len(self.rows)), limit, key=self.key)
        taken, self.rows = self.rows[:end], self.rows[end:]
        return taken


def _merged(paths: Sequence[Path], table: Table, order: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of sorted parts in order.

    What comes later in a part is not smaller than the last row that was read of it: up to the smallest of these every
    row is known.
    """
    parts = [_Part(_read_part(path), order, table.schema.empty_table()) for path in paths]
    while parts := [part for part in parts if part.fill()]:
        limit = min((part.key(-1) for part in parts if part.more), default=None)
        taken = [rows for part in parts if len(rows := part.take(limit))]
        rows = taken[0] if len(taken) == 1 else _in_order(pa.concat_tables(taken), order)
        yield from rows.to_batches(max_chunksize=_BATCH_ROWS)

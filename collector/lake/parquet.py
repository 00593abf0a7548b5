"""Parquet: the only user of pyarrow.parquet.

A writer takes a stream of record batches, brings each to the table's exact schema, and keeps at most one row
group in memory. There are three tunings, and the numbers say why: staging is read once and thrown away, a
nightly file is written every night and read often, a compacted month is written once and kept for years.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

import collector
from collector.errors import LakeError, QueryError
from collector.lake.storage import Sink, Storage
from collector.lake.tables import Table

_FINGERPRINT_DIGITS = 16
_TIME = pa.timestamp("us")
_ENCODING = {pa.string(): "DELTA_BYTE_ARRAY", pa.int64(): "DELTA_BINARY_PACKED", _TIME: "DELTA_BINARY_PACKED"}


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a file is laid out: zstd level, and the bounds of a row group, which are the writer's memory.

    Without `encoded` every column is written plain, which is the quickest.
    """

    level: int
    group_rows: int
    group_bytes: int
    encoded: bool = True


STAGING = Tuning(level=1, group_rows=20_000, group_bytes=8 << 20, encoded=False)
# Level 9 makes a nightly file 2% smaller than level 3 and takes twice the time.
NIGHTLY = Tuning(level=3, group_rows=40_000, group_bytes=24 << 20)
# Level 15 makes a month 8% smaller than level 9, once, for years.
COMPACT = Tuning(level=15, group_rows=120_000, group_bytes=64 << 20)

# A column whose values repeat less often than this, among the first rows, is written as differences between
# neighbours; any other as runs of dictionary indexes. Measured on sorted nights of 20,000 actions: 55 bytes a
# row with dictionaries alone, 40 so (21 of them a random commit hash); merged months 3.2 and 2.7.
_REPEATS = 25
_SAMPLE_ROWS = 10_000

# The text whose least and greatest values are written: it is never NULL, and nights are chosen by it. Of any other they
# would mislead duckdb 2.0, which takes every row for NULL when `IS NULL` is asked of a text column that holds NULLs and
# one value, is not a dictionary's, and has statistics that say so.
_TEXT_WITH_BOUNDS = "run_id"


@dataclass(frozen=True, slots=True)
class Written:
    """What a finished file holds: rows, size in bytes, sha256, fingerprint of its schema."""

    path: str
    rows: int
    bytes: int
    sha256: str
    schema: str


@dataclass(frozen=True, slots=True)
class Footer:
    """What a file says of itself."""

    rows: int
    schema: str
    columns: tuple[str, ...]


def schema_fingerprint(schema: pa.Schema) -> str:
    """A short name for the columns of a file: equal when names, types and order are equal."""
    words = "\n".join(f"{field.name} {field.type}" for field in schema)
    # A list's element is called `item` in memory and `element` in Parquet: the same type by another name.
    return hashlib.sha256(words.replace("<element:", "<item:").encode()).hexdigest()[:_FINGERPRINT_DIGITS]


def write(
    storage: Storage,
    path: str,
    table: Table,
    batches: Iterable[pa.RecordBatch],
    *,
    tuning: Tuning,
    order: tuple[str, ...],
) -> Written | None:
    """Write rows that come sorted by `order` (empty: not sorted) as one file; no rows, no file.

    Raises LakeError naming table and column when a batch does not have the table's columns, NotPublished or
    SettingsError when the file cannot be written.
    """
    groups = _groups((_exact(table, batch) for batch in batches), tuning)
    first = next(groups, None)
    if first is None:
        return None
    rows = 0
    with storage.output(path) as sink:
        with _writer(sink, table, tuning, order, first) as writer:
            for group in _first_then(first, groups):
                writer.write_table(group, row_group_size=len(group))
                rows += len(group)
        return Written(path, rows, sink.bytes, sink.sha256, schema_fingerprint(table.schema))


def write_answer(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Write the rows of an answer, whatever its columns, to an open binary file; no rows make a valid file too.

    Raises QueryError for a column of a type that Parquet does not have, such as an interval.
    """
    try:
        with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
    except pa.ArrowNotImplementedError as why:
        raise QueryError(
            f"The answer cannot be written as Parquet: {str(why).splitlines()[0]}.",
            advice="Cast that column in the SQL (such as x::VARCHAR), or say another --format.",
        ) from None


def read_footer(storage: Storage, path: str) -> Footer:
    """Rows and columns of a file. Raises OSError or pa.ArrowInvalid when it cannot be read."""
    with storage.input(path) as stream:
        footer = pq.ParquetFile(stream)
        schema = footer.schema_arrow
        return Footer(footer.metadata.num_rows, schema_fingerprint(schema), tuple(schema.names))


def count_rows(storage: Storage, path: str, run_ids: Collection[str]) -> int:
    """How many rows of a file belong to those runs; reads that one column."""
    wanted = pa.array(sorted(run_ids), pa.string())
    with storage.input(path) as stream:
        batches = pq.ParquetFile(stream).iter_batches(columns=["run_id"])
        return sum(pc.sum(pc.is_in(batch.column(0), wanted)).as_py() or 0 for batch in batches)


def _differences(group: pa.Table) -> dict[str, str]:
    """The columns to write as differences between neighbours, with the encoding for their type."""
    sample = group.slice(0, _SAMPLE_ROWS)
    encodings = {}
    for field in sample.schema:
        encoding = _ENCODING.get(field.type)
        # Times are alike but seldom equal, so they are never worth a dictionary.
        if encoding and (field.type == _TIME or _seldom_repeats(sample.column(field.name))):
            encodings[field.name] = encoding
    return encodings


def _seldom_repeats(values: pa.ChunkedArray) -> bool:
    return bool(pc.count_distinct(values).as_py() * _REPEATS > len(values))


def _leaf(field: pa.Field) -> str:
    """The name of a column's values in Parquet, which for a list is its element's."""
    return f"{field.name}.list.element" if pa.types.is_list(field.type) else str(field.name)


def _writer(
    sink: Sink, table: Table, tuning: Tuning, order: tuple[str, ...], first: pa.Table
) -> pq.ParquetWriter:
    schema = table.schema
    differences = _differences(first) if tuning.encoded else {}
    runs = [_leaf(field) for field in schema if field.name not in differences] if tuning.encoded else False
    bounds = [f.name for f in schema if f.type != pa.string() or f.name == _TEXT_WITH_BOUNDS]
    metadata = {
        "collector.table": table.name,
        "collector.schema": schema_fingerprint(schema),
        "collector.version": collector.__version__,
    }
    return pq.ParquetWriter(
        sink,
        schema.with_metadata(metadata),
        compression="zstd",
        compression_level=tuning.level,
        use_dictionary=runs,
        column_encoding=differences,
        write_statistics=bounds,
        dictionary_pagesize_limit=8 << 20,
        data_page_size=1 << 20,
        sorting_columns=pq.SortingColumn.from_ordering(schema, [(name, "ascending") for name in order]),
    )


def _exact(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with the table's columns in the table's order and types; nothing is truncated to fit."""
    schema = table.schema
    if batch.schema.equals(schema):
        return batch
    if sorted(batch.schema.names) != sorted(schema.names):
        differing = sorted(set(batch.schema.names) ^ set(schema.names))
        raise LakeError(f"rows for table {table.name} differ from its columns in {', '.join(differing)}")
    columns = []
    for field in schema:
        try:
            columns.append(batch.column(field.name).cast(field.type, safe=True))
        except pa.ArrowException:
            found = batch.schema.field(field.name).type
            raise LakeError(
                f"{table.name}.{field.name} came as {found} and does not fit {field.type}"
            ) from None
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _groups(batches: Iterable[pa.RecordBatch], tuning: Tuning) -> Iterator[pa.Table]:
    """Batches gathered into row groups within the tuning's bounds; one batch alone may exceed the bytes."""
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            piece = batch.slice(start, tuning.group_rows - rows)
            gathered.append(piece)
            start += piece.num_rows
            rows += piece.num_rows
            size += piece.nbytes
            if rows >= tuning.group_rows or size >= tuning.group_bytes:
                yield pa.Table.from_batches(gathered)
                gathered, rows, size = [], 0, 0
    if gathered:
        yield pa.Table.from_batches(gathered)


def _first_then(first: pa.Table, rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from rest

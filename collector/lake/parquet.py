"""Parquet: the only user of pyarrow.parquet.

A writer takes a stream of record batches, brings each to the table's exact schema, and keeps at most one row
group in memory. There are three tunings, and the numbers say why: staging is read once and thrown away, a
nightly file is written every night and read often, a compacted month is written once and kept for years. How
columns are laid out in bytes is layout's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from collector._version import __version__
from collector.errors import LakeError, QueryError
from collector.lake import encoding
from collector.lake.encoding import Tuning
from collector.lake.storage import HashingWriter, Storage
from collector.lake.tables import Table, schema_fingerprint

# The text whose least and greatest values are written: it is never NULL, and nights are chosen by it. Of any other they
# would mislead duckdb 2.0, which takes every row for NULL when `IS NULL` is asked of a text column that holds NULLs and
# one value, is not a dictionary's, and has statistics that say so.
_TEXT_WITH_BOUNDS = "run_id"


@dataclass(frozen=True, slots=True)
class WrittenFile:
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


def write(
    storage: Storage,
    path: str,
    table: Table,
    batches: Iterable[pa.RecordBatch],
    *,
    tuning: Tuning,
    order: tuple[str, ...],
) -> WrittenFile | None:
    """Write rows that come sorted by `order` (empty: not sorted) as one file; no rows, no file.

    Raises LakeError naming table and column when a batch does not have the table's columns, NotPublished or
    SettingsError when the file cannot be written.
    """
    groups = _groups((_exact(table, batch) for batch in batches), tuning)
    group = next(groups, None)
    if group is None:
        return None
    rows = 0
    with storage.output(path) as sink:
        with _writer(sink, table, tuning, order, group) as writer:
            while group is not None:
                writer.write_table(group, row_group_size=len(group))
                rows += len(group)
                group = None  # forgotten before the next is gathered, or there would be two in memory
                group = next(groups, None)
        return WrittenFile(path, rows, sink.bytes, sink.sha256, table.fingerprint)


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


def count_by(storage: Storage, path: str, columns: Sequence[str]) -> Counter[tuple[str | None, ...]]:
    """How many rows of a file have each combination of values in some text columns."""
    found: Counter[tuple[str | None, ...]] = Counter()
    with storage.input(path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=list(columns)):
            groups = pa.Table.from_batches([batch]).group_by(list(columns)).aggregate([([], "count_all")])
            for row in groups.to_pylist():
                found[tuple(row[name] for name in columns)] += row["count_all"]
    return found


def read_rows(storage: Storage, path: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a small file, as far as it has these columns."""
    with storage.input(path) as stream:
        rows: list[dict[str, Any]] = pq.ParquetFile(stream).read(columns=list(columns)).to_pylist()
        return rows


def _writer(
    sink: HashingWriter, table: Table, tuning: Tuning, order: tuple[str, ...], first: pa.Table
) -> pq.ParquetWriter:
    schema = table.schema
    bounds = [f.name for f in schema if f.type != pa.string() or f.name == _TEXT_WITH_BOUNDS]
    metadata = {"collector.table": table.name, "collector.schema": table.fingerprint, "collector.version": __version__}
    return pq.ParquetWriter(
        sink,
        first.schema.with_metadata(metadata),
        write_statistics=bounds,
        # Arrow's own copy of the schema would say that a folded column is a dictionary to whoever reads it.
        store_schema=not tuning.folded,
        sorting_columns=pq.SortingColumn.from_ordering(schema, [(name, "ascending") for name in order]),
        **encoding.options(first, tuning, _weigh),
    )


def _weigh(rows: pa.Table, options: encoding.Options) -> int:
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, store_schema=False, write_statistics=False, **options)
    return int(sink.getvalue().size)


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
            raise LakeError(f"{table.name}.{field.name} came as {found} and does not fit {field.type}") from None
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _groups(batches: Iterable[pa.RecordBatch], tuning: Tuning) -> Iterator[pa.Table]:
    """Batches gathered into row groups within the tuning's bounds; one batch alone may exceed the bytes."""
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            piece = batch.slice(start, tuning.group_rows - rows)
            start += piece.num_rows
            if tuning.folded:
                piece = encoding.folded(piece)
            gathered.append(piece)
            rows += piece.num_rows
            size += piece.nbytes
            if rows >= tuning.group_rows or size >= tuning.group_bytes:
                yield pa.Table.from_batches(gathered).unify_dictionaries()
                gathered, rows, size = [], 0, 0
    if gathered:
        yield pa.Table.from_batches(gathered).unify_dictionaries()

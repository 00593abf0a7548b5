"""Read and write Parquet files: the only module that imports pyarrow.parquet.

A writer casts each record batch to the exact schema of the table and keeps at most one row group in memory.
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

# The only text with statistics of its smallest and largest value: it is never NULL, and queries select runs by it.
# duckdb 2.0 answers `IS NULL` wrongly (true for every row) where a text column without dictionary holds NULLs and one
# other value and its statistics say so.
_TEXT_WITH_BOUNDS = "run_id"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A finished file: its rows, size in bytes, sha256, and the fingerprint of its schema."""

    path: str
    rows: int
    bytes: int
    sha256: str
    schema: str


@dataclass(frozen=True, slots=True)
class Footer:
    """What the footer of a file says: its rows, the fingerprint of its schema, its columns."""

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
    """Write rows that are sorted by `order` (empty: not sorted) as one file; return None, with no file, without rows.

    Raises LakeError naming table and column when a batch does not have the table's columns, NotPublished or
    SettingsError when the file cannot be written.
    """
    groups = _groups((_exact(table, batch) for batch in batches), tuning)
    group = next(groups, None)
    if group is None:
        return None
    rows = 0
    with storage.output(path) as sink:
        with _writer(sink, table, tuning, order) as writer:
            while group is not None:
                writer.write_table(group, row_group_size=len(group))
                rows += len(group)
                group = None  # released before the next is read, or two would be in memory
                group = next(groups, None)
        return WrittenFile(path, rows, sink.bytes, sink.sha256, table.fingerprint)


def write_answer(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Write the rows of an answer to an open binary file, which is valid without rows too.

    Raises QueryError for a column of a type that Parquet does not have.
    """
    try:
        with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
    except pa.ArrowNotImplementedError as why:
        raise QueryError(
            f"The answer cannot be written as Parquet: {str(why).splitlines()[0]}.",
            advice="Cast that column in the SQL (such as x::VARCHAR), or choose another --format.",
        ) from None


def read_footer(storage: Storage, path: str) -> Footer:
    """Return rows and columns of a file. Raises OSError or pa.ArrowInvalid when it cannot be read."""
    with storage.input(path) as stream:
        footer = pq.ParquetFile(stream)
        schema = footer.schema_arrow
        return Footer(footer.metadata.num_rows, schema_fingerprint(schema), tuple(schema.names))


def count_rows(storage: Storage, path: str, run_ids: Collection[str]) -> int:
    """Return how many rows of a file belong to these runs; only one column is read."""
    wanted = pa.array(sorted(run_ids), pa.string())
    with storage.input(path) as stream:
        batches = pq.ParquetFile(stream).iter_batches(columns=["run_id"])
        return sum(pc.sum(pc.is_in(batch.column(0), wanted)).as_py() or 0 for batch in batches)


def count_by(storage: Storage, path: str, columns: Sequence[str]) -> Counter[tuple[str | None, ...]]:
    """Return how many rows of a file have each combination of values in some text columns."""
    found: Counter[tuple[str | None, ...]] = Counter()
    with storage.input(path) as stream:
        for batch in pq.ParquetFile(stream).iter_batches(columns=list(columns)):
            groups = pa.Table.from_batches([batch]).group_by(list(columns)).aggregate([([], "count_all")])
            for row in groups.to_pylist():
                found[tuple(row[name] for name in columns)] += row["count_all"]
    return found


def read_rows(storage: Storage, path: str, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a small file, reduced to those of these columns that it has."""
    with storage.input(path) as stream:
        rows: list[dict[str, Any]] = pq.ParquetFile(stream).read(columns=list(columns)).to_pylist()
        return rows


def _writer(sink: HashingWriter, table: Table, tuning: Tuning, order: tuple[str, ...]) -> pq.ParquetWriter:
    schema = table.schema
    bounds = [f.name for f in schema if f.type != pa.string() or f.name == _TEXT_WITH_BOUNDS]
    metadata = {"collector.table": table.name, "collector.schema": table.fingerprint, "collector.version": __version__}
    return pq.ParquetWriter(
        sink,
        schema.with_metadata(metadata),
        write_statistics=bounds,
        sorting_columns=pq.SortingColumn.from_ordering(schema, [(name, "ascending") for name in order]),
        **encoding.options(schema, tuning),
    )


def _exact(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch with the table's columns in the table's order and types; no value is truncated to fit."""
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
    """Collect batches into row groups within the bounds of the tuning; a single batch may exceed the bytes."""
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            piece = batch.slice(start, tuning.group_rows - rows)
            start += piece.num_rows
            group.append(piece)
            rows += piece.num_rows
            size += piece.nbytes
            if rows >= tuning.group_rows or size >= tuning.group_bytes:
                yield pa.Table.from_batches(group)
                group, rows, size = [], 0, 0
    if group:
        yield pa.Table.from_batches(group)

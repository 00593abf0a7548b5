"""Read and write Parquet files: the only module that imports pyarrow.parquet.

A writer keeps at most one row group in memory.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pyarrow as pa
from pyarrow import parquet as pq

from collector._version import __version__
from collector.errors import QueryError
from collector.lake.column_encodings import DICTIONARY, column_options
from collector.lake.database import BATCH_ROWS
from collector.lake.delta_log import FileStatistics
from collector.lake.storage import HashingWriter, Storage, missing_file, unreadable_file
from collector.lake.table import Table

# The types of columns whose bounds a Delta log repeats: those that queries choose files by.
_BOUNDED = (str, int, dt.date)


@dataclass(frozen=True, slots=True)
class Tuning:
    """The layout of a file: its zstd level, and the size of a row group, which the writer holds in memory.

    Without `encoded` every column is written plain, which is the quickest.
    """

    level: int
    group_rows: int
    group_bytes: int
    encoded: bool = True


# Staging is read once and removed, a nightly file is written in every run, a merged one once and kept for years.
STAGING = Tuning(level=1, group_rows=20_000, group_bytes=8 << 20, encoded=False)
NIGHTLY = Tuning(level=3, group_rows=40_000, group_bytes=24 << 20)
# Level 19 takes four times as long as 12 and saves 6 % of the bytes.
COMPACT = Tuning(level=12, group_rows=240_000, group_bytes=64 << 20)


class WrittenFile(NamedTuple):
    """The rows, size in bytes and sha256 of a finished file."""

    rows: int
    bytes: int
    sha256: str


def write(
    storage: Storage, path: str, table: Table, batches: Iterable[pa.RecordBatch], tuning: Tuning, order: Sequence[str]
) -> WrittenFile | None:
    """Write rows that are sorted by `order` (empty: not sorted) as one file; return None, with no file, without rows.

    The batches have the table's exact schema. Raises NotPublished or SettingsError when the file cannot be written.
    """
    groups = _groups(batches, tuning)
    group = next(groups, None)
    if group is None:
        return None
    rows = 0
    with storage.output(path) as sink:
        with _writer(sink, table, tuning, order) as writer:
            while group is not None:
                writer.write_table(group)
                rows += len(group)
                group = None  # released before the next is read, or two would be in memory
                group = next(groups, None)
        return WrittenFile(rows, sink.bytes, sink.sha256)


def write_answer(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """Write the rows of an answer to an open binary file, which is valid without rows too.

    Raises QueryError for a type that Parquet does not have.
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


class Footer(NamedTuple):
    """What the footer of a file says: its rows, the bytes of its values before compression, and its columns."""

    rows: int
    plain_bytes: int
    schema: pa.Schema


def read_footer(path: Path) -> Footer:
    """Return what the footer of a file says. Raises OSError or pa.ArrowInvalid when it cannot be read."""
    with pq.ParquetFile(path) as file:
        found = file.metadata
        plain_bytes = sum(found.row_group(number).total_byte_size for number in range(found.num_row_groups))
        return Footer(found.num_rows, plain_bytes, file.schema_arrow)


def footer_of(path: Path) -> Footer:
    """Return the footer of a file of the lake. Raises FilesGone when it is missing, LakeError when it is damaged."""
    with _reading(path):
        return read_footer(path)


def statistics(path: Path) -> FileStatistics:
    """Return rows, bounds and NULLs of a file by its footer. Raises OSError or pa.ArrowInvalid when it cannot be read.

    Bounds are those of text, whole numbers and dates; a column has them when every row group does that holds a value.
    """
    with pq.ParquetFile(path) as file:
        footer = file.metadata
    bounds: dict[str, tuple[Any, Any]] = {}
    nulls: dict[str, int] = {}
    for number in range(footer.num_columns):
        chunks = [footer.row_group(group).column(number) for group in range(footer.num_row_groups)]
        name, found = chunks[0].path_in_schema, [chunk.statistics for chunk in chunks]
        if "." in name or any(each is None or not each.has_null_count for each in found):
            continue
        nulls[name] = sum(each.null_count for each in found)
        valued = [each for each in found if each.num_values]
        if valued and all(each.has_min_max and type(each.min) in _BOUNDED for each in valued):
            bounds[name] = (min(each.min for each in valued), max(each.max for each in valued))
    return FileStatistics(footer.num_rows, bounds, nulls)


@dataclass(frozen=True, slots=True)
class RowGroup:
    """One row group of a file, which is read without the others."""

    path: Path
    number: int
    footer: pq.FileMetaData

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Return those of these columns that it has, each text as a dictionary. Raises like `footer_of`."""
        found = self.footer.row_group(self.number)
        chunks = [found.column(number) for number in range(found.num_columns)]
        encoded = [chunk.path_in_schema for chunk in chunks if DICTIONARY in chunk.encodings]
        with _reading(self.path), pq.ParquetFile(self.path, metadata=self.footer, read_dictionary=encoded) as file:
            known = set(file.schema_arrow.names)
            there = [name for name in columns if name in known]
            rows = file.read_row_group(self.number, columns=there)
        texts = [column.dictionary_encode() if column.type == pa.string() else column for column in rows.columns]
        return pa.table(texts, there)


def batches(paths: Iterable[Path], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield these columns of files, a bounded number of rows at a time. Raises like `footer_of`."""
    for path in paths:
        with _reading(path), pq.ParquetFile(path) as file:
            yield from file.iter_batches(BATCH_ROWS, columns=list(columns), use_threads=False)


def row_groups(path: Path) -> list[RowGroup]:
    """Return the row groups of a file. Raises like `footer_of`."""
    with _reading(path):
        footer = pq.read_metadata(path)
    return [RowGroup(path, number, footer) for number in range(footer.num_row_groups)]


def write_checkpoint(storage: Storage, path: str, rows: pa.Table) -> None:
    """Write the checkpoint of a Delta log. Raises NotPublished or SettingsError when it cannot be written."""
    with storage.output(path) as sink:
        pq.write_table(rows, sink, compression="zstd")


def count_by(path: Path, columns: Sequence[str]) -> Counter[tuple[Any, ...]]:
    """Return how many rows of a file have each combination of values in some columns; one that it lacks is None."""
    found: Counter[tuple[Any, ...]] = Counter()
    with pq.ParquetFile(path) as file:
        there = [name for name in columns if name in file.schema_arrow.names]
        for batch in file.iter_batches(columns=there):
            groups = pa.Table.from_batches([batch]).group_by(there).aggregate([([], "count_all")])
            for row in groups.to_pylist():
                found[tuple(row.get(name) for name in columns)] += row["count_all"]
    return found


def read_rows(path: Path, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a small file, reduced to those of these columns that it has. Raises like `footer_of`."""
    with _reading(path), pq.ParquetFile(path) as file:
        rows: list[dict[str, Any]] = file.read(columns=list(columns)).to_pylist()
        return rows


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as why:
        raise missing_file(str(path)) from why
    except (OSError, pa.ArrowInvalid) as why:
        raise unreadable_file(f"{path}: {str(why).splitlines()[0]}") from why


def _writer(sink: HashingWriter, table: Table, tuning: Tuning, order: Sequence[str]) -> pq.ParquetWriter:
    schema = table.schema
    metadata = {"collector.table": table.name, "collector.schema": table.fingerprint, "collector.version": __version__}
    return pq.ParquetWriter(
        sink,
        schema.with_metadata(metadata),
        sorting_columns=pq.SortingColumn.from_ordering(schema, [(name, "ascending") for name in order]),
        compression="zstd",
        compression_level=tuning.level,
        dictionary_pagesize_limit=8 << 20,
        # A page ends by its bytes alone: the compressor begins again with each.
        data_page_size=1 << 20,
        max_rows_per_page=tuning.group_rows,
        **column_options(schema, encoded=tuning.encoded),
    )


def _groups(batches: Iterable[pa.RecordBatch], tuning: Tuning) -> Iterator[pa.Table]:
    """Collect batches into row groups, which end with the batch that reaches a bound of the tuning."""
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= tuning.group_rows or size >= tuning.group_bytes:
            yield pa.Table.from_batches(group)
            group, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(group)

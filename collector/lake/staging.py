"""Staging: the rows of a run in progress, as rolling Parquet parts.

Staging holds nothing that the journal does not, so a resumed run wipes it and fills it again. It knows
nothing of the event loop: the run's sink calls it, from a worker thread if it likes, one call at a time.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from collector.lake import layout, parquet
from collector.lake.storage import Storage, make_directory, translating
from collector.lake.tables import ALL, Column, Table

PART_ROWS = 20_000
PART_BYTES = 8 << 20
# Rows wait as tuples until there are this many, or this much text: enough for Arrow to be cheap per row.
CHUNK_ROWS = 512
CHUNK_TEXT = 4 << 20

Row = tuple[Any, ...]

_NOTHING = type(None)
_WELCOME_LIST: frozenset[type] = frozenset({list, tuple, _NOTHING})
_WELCOME: dict[pa.DataType, frozenset[type]] = {
    pa.string(): frozenset({str, _NOTHING}),
    pa.int64(): frozenset({int, _NOTHING}),
    pa.float64(): frozenset({float, int, _NOTHING}),
    pa.bool_(): frozenset({bool, _NOTHING}),
    pa.date32(): frozenset({dt.date, _NOTHING}),
    pa.timestamp("us"): frozenset({dt.datetime, _NOTHING}),
}


class Staging:
    """Gathers the rows of every table and writes them to <directory>/<table>/part-00000.parquet and so on.

    The directory is wiped first. Raises NotPublished when the disk is full.
    """

    def __init__(
        self,
        directory: Path,
        tables: Mapping[str, Table] = ALL,
        *,
        part_rows: int = PART_ROWS,
        part_bytes: int = PART_BYTES,
    ) -> None:
        with translating(directory):
            if directory.exists():
                shutil.rmtree(directory)
            make_directory(directory)
        storage = Storage(directory)
        self._parts = {name: _Parts(storage, table, part_rows, part_bytes) for name, table in tables.items()}

    def append(self, table_name: str, rows: Sequence[Row]) -> None:
        """Add rows, each a tuple in the order of the table's columns.

        Raises ValueError naming table and column, never the value, when one does not fit.
        """
        self._parts[table_name].append(rows)

    @property
    def rows(self) -> dict[str, int]:
        """Rows appended so far, by table."""
        return {name: parts.rows for name, parts in self._parts.items()}

    def close(self) -> dict[str, list[Path]]:
        """Write what is left and return the parts of every table, in order; a table without rows has none."""
        return {name: parts.close() for name, parts in self._parts.items()}


class _Parts:
    """The rolling parts of one table."""

    def __init__(self, storage: Storage, table: Table, part_rows: int, part_bytes: int) -> None:
        self._storage = storage
        self._table = table
        self._part_rows = part_rows
        self._part_bytes = part_bytes
        self._waiting: list[Row] = []
        self._waiting_text = 0
        self._batches: list[pa.RecordBatch] = []
        self._batched_rows = 0
        self._batched_bytes = 0
        self._paths: list[Path] = []
        self.rows = 0

    def append(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._waiting.append(row)
            self._waiting_text += sum([len(value) for value in row if value.__class__ is str])
            if len(self._waiting) >= CHUNK_ROWS or self._waiting_text >= CHUNK_TEXT:
                self._gather()
        self.rows += len(rows)

    def close(self) -> list[Path]:
        self._gather()
        self._write()
        return self._paths

    def _gather(self) -> None:
        if not self._waiting:
            return
        batch = record_batch(self._table, self._waiting)
        self._waiting, self._waiting_text = [], 0
        self._batches.append(batch)
        self._batched_rows += batch.num_rows
        self._batched_bytes += batch.nbytes
        if self._batched_rows >= self._part_rows or self._batched_bytes >= self._part_bytes:
            self._write()

    def _write(self) -> None:
        if not self._batches:
            return
        path = f"{self._table.name}/part-{len(self._paths):05d}.parquet"
        parquet.write(self._storage, path, self._table, self._batches, tuning=layout.STAGING, order=())
        self._paths.append(self._storage.locate(path))
        self._batches, self._batched_rows, self._batched_bytes = [], 0, 0


def record_batch(table: Table, rows: Sequence[Row]) -> pa.RecordBatch:
    """Rows as one batch of the table's schema. Raises ValueError naming table and column, never the value."""
    width = len(table.columns)
    if any(len(row) != width for row in rows):
        found = next(len(row) for row in rows if len(row) != width)
        raise ValueError(f"a row for table {table.name} has {found} values, and its columns are {width}")
    columns = [
        _array(table, column, values)
        for column, values in zip(table.columns, zip(*rows, strict=True), strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _array(table: Table, column: Column, values: Sequence[Any]) -> pa.Array:
    # Arrow would quietly cut 1.5 to 1 for an integer column, or a text into its letters for a list.
    if pa.types.is_list(column.arrow):
        strangers = set(map(type, values)) - _WELCOME_LIST
        elements = {
            type(element) for value in values if value.__class__ is not str for element in value or ()
        }
        strangers |= elements - _WELCOME[column.arrow.value_type]
    else:
        strangers = set(map(type, values)) - _WELCOME[column.arrow]
    if strangers:
        names = ", ".join(sorted(stranger.__name__ for stranger in strangers))
        raise ValueError(f"{table.name}.{column.name} is {column.arrow} and was given {names}")
    try:
        return pa.array(values, column.arrow)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        # The library's message quotes the value, which may be a secret.
        raise ValueError(
            f"{table.name}.{column.name} is {column.arrow}; a value does not fit it ({type(error).__name__})"
        ) from None

"""Staging: the rows of a run in progress, as rolling Parquet parts.

Staging holds nothing that the journal does not, so a resumed run wipes it and fills it again. Rows are gathered where they
come from, which is the event loop: a thread that builds Arrow arrays fights the crawl for the interpreter's lock and costs
more than it spares. A full part waits for `write_full`, which may run in a thread: encoding Parquet holds no lock.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from collector.lake import encoding, parquet
from collector.lake.storage import Storage, make_directory, translating
from collector.lake.tables import ALL, Column, Table

PART_ROWS = 20_000
PART_BYTES = 8 << 20

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


class _Part(NamedTuple):
    """One part, ready to be written."""

    path: str
    table: Table
    batches: list[pa.RecordBatch]


class Staging:
    """Gathers the rows of every table and writes them to <directory>/<table>/part-00000.parquet and so on.

    The directory is wiped first. `append` and `close` are for one caller at a time; `write_full` may run beside `append`.
    Raises NotPublished when the disk is full.
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
        self._storage = Storage(directory)
        self._full: deque[_Part] = deque()
        self._gathered = {name: _Gathered(table) for name, table in tables.items()}
        self._part_rows = part_rows
        self._part_bytes = part_bytes

    def append(self, table_name: str, rows: Sequence[Row]) -> None:
        """Gather rows, each a tuple in the order of the table's columns; nothing is written.

        Raises ValueError naming table and column, never the value, when one does not fit.
        """
        gathered = self._gathered[table_name]
        gathered.add(rows)
        if gathered.waiting_rows >= self._part_rows or gathered.waiting_bytes >= self._part_bytes:
            self._full.append(gathered.part())

    def append_all(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Gather rows of several tables, by table name."""
        for table_name, lot in rows.items():
            self.append(table_name, lot)

    @property
    def full(self) -> bool:
        """Whether parts wait to be written."""
        return bool(self._full)

    def write_full(self) -> None:
        """Write the parts that are full."""
        while self._full:
            part = self._full.popleft()
            parquet.write(self._storage, part.path, part.table, part.batches, tuning=encoding.STAGING, order=())

    @property
    def rows(self) -> dict[str, int]:
        """Rows appended so far, by table."""
        return {name: gathered.rows for name, gathered in self._gathered.items()}

    def close(self) -> dict[str, list[Path]]:
        """Write what is left and return the parts of every table, in order; a table without rows has none."""
        self._full += [gathered.part() for gathered in self._gathered.values() if gathered.waiting_rows]
        self.write_full()
        return {
            name: [self._storage.locate(gathered.path(number)) for number in range(gathered.parts)]
            for name, gathered in self._gathered.items()
        }


class _Gathered:
    """The rows of one table that no part holds yet, and the parts so far."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._batches: list[pa.RecordBatch] = []
        self.rows = self.parts = 0
        self.waiting_rows = self.waiting_bytes = 0

    def add(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        batch = record_batch(self._table, rows)
        self._batches.append(batch)
        self.rows += len(rows)
        self.waiting_rows += len(rows)
        self.waiting_bytes += batch.nbytes

    def part(self) -> _Part:
        """Return what waits as the next part."""
        part = _Part(self.path(self.parts), self._table, self._batches)
        self.parts += 1
        self._batches = []
        self.waiting_rows = self.waiting_bytes = 0
        return part

    def path(self, number: int) -> str:
        return f"{self._table.name}/part-{number:05d}.parquet"


def record_batch(table: Table, rows: Sequence[Row]) -> pa.RecordBatch:
    """Rows as one batch of the table's schema. Raises ValueError naming table and column, never the value."""
    width = len(table.columns)
    if any(len(row) != width for row in rows):
        found = next(len(row) for row in rows if len(row) != width)
        raise ValueError(f"a row for table {table.name} has {found} values, and its columns are {width}")
    columns = [
        _array(table, column, values) for column, values in zip(table.columns, zip(*rows, strict=True), strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=table.schema)


def _array(table: Table, column: Column, values: Sequence[Any]) -> pa.Array:
    # Arrow would quietly cut 1.5 to 1 for an integer column, or a text into its letters for a list.
    if pa.types.is_list(column.arrow):
        strangers = set(map(type, values)) - _WELCOME_LIST
        elements = {type(element) for value in values if value.__class__ is not str for element in value or ()}
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

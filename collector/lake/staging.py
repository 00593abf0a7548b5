"""Staging: the rows of a run in progress, as Parquet parts.

Staging holds nothing that the journal does not, so a resumed run deletes it and fills it again. Arrow arrays are built
where rows are appended, in the event loop: a thread would compete with the crawl for the interpreter's lock and cost
more than it saves. A full part waits for `write_full`, which may run in a thread: encoding Parquet holds no lock.
"""

import datetime as dt
import shutil
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from collector.lake import parquet
from collector.lake.local_files import make_directory
from collector.lake.local_storage import LocalStorage
from collector.lake.storage import translating
from collector.lake.table import Column, Table
from collector.lake.tables import ALL

PART_ROWS = 20_000
PART_BYTES = 8 << 20

Row = tuple[Any, ...]

_PYTHON_TYPES: dict[pa.DataType, frozenset[type]] = {
    pa.string(): frozenset({str}),
    pa.int64(): frozenset({int}),
    pa.float64(): frozenset({float, int}),
    pa.bool_(): frozenset({bool}),
    pa.date32(): frozenset({dt.date}),
    pa.timestamp("us"): frozenset({dt.datetime}),
}
_NONE = frozenset({type(None)})


class Staging:
    """Collects the rows of every table and writes them to <directory>/<table>/part-00000.parquet and so on.

    The directory is emptied first. `append` and `close` are for one caller at a time; `write_full` may run beside
    `append`. Raises NotPublished when the disk is full.
    """

    def __init__(self, directory: Path) -> None:
        with translating(directory):
            if directory.exists():
                shutil.rmtree(directory)
            make_directory(directory)
        self._storage = LocalStorage(directory)
        self._waiting: dict[str, list[pa.RecordBatch]] = {name: [] for name in ALL}
        self._parts: dict[str, list[str]] = {name: [] for name in ALL}
        self._full: deque[tuple[str, Table, list[pa.RecordBatch]]] = deque()

    def append(self, table_name: str, rows: Sequence[Row]) -> None:
        """Add rows, each a tuple in the order of the table's columns; nothing is written.

        Raises ValueError naming table and column, never the value, when one does not fit.
        """
        if not rows:
            return
        batches = self._waiting[table_name]
        batches.append(record_batch(ALL[table_name], rows))
        if sum(b.num_rows for b in batches) >= PART_ROWS or sum(b.nbytes for b in batches) >= PART_BYTES:
            self._end_part(table_name)

    def append_all(self, rows: Mapping[str, Sequence[Row]]) -> None:
        """Add rows of several tables, by table name."""
        for table_name, table_rows in rows.items():
            self.append(table_name, table_rows)

    @property
    def full(self) -> bool:
        """Whether parts wait to be written."""
        return bool(self._full)

    def write_full(self) -> None:
        """Write the parts that are full."""
        while self._full:
            path, table, batches = self._full.popleft()
            parquet.write(self._storage, path, table, batches, tuning=parquet.STAGING, order=())

    def close(self) -> dict[str, list[Path]]:
        """Write the remaining rows and return the parts of every table, in order; a table without rows has none."""
        for table_name, batches in self._waiting.items():
            if batches:
                self._end_part(table_name)
        self.write_full()
        return {name: [self._storage.locate(path) for path in paths] for name, paths in self._parts.items()}

    def _end_part(self, table_name: str) -> None:
        """Move the waiting rows of a table to the parts that are full."""
        paths = self._parts[table_name]
        paths.append(f"{table_name}/part-{len(paths):05d}.parquet")
        self._full.append((paths[-1], ALL[table_name], self._waiting[table_name]))
        self._waiting[table_name] = []


def record_batch(table: Table, rows: Sequence[Row]) -> pa.RecordBatch:
    """Return rows as one batch of the table's schema. Raises ValueError naming table and column, never the value."""
    columns = zip(table.columns, zip(*rows, strict=True), strict=True)
    return pa.RecordBatch.from_arrays([_array(table, *column) for column in columns], schema=table.schema)


def _array(table: Table, column: Column, values: Sequence[Any]) -> pa.Array:
    kind = column.arrow
    # Arrow would cut 1.5 to 1 for an integer column, and a text into its letters for a list.
    if pa.types.is_list(kind):
        elements = {type(element) for value in values if value.__class__ is not str for element in value or ()}
        unfit = set(map(type, values)) - {list, tuple} - _NONE | elements - _PYTHON_TYPES[kind.value_type] - _NONE
    else:
        unfit = set(map(type, values)) - _PYTHON_TYPES[kind] - _NONE
    if unfit:
        names = ", ".join(sorted(each.__name__ for each in unfit))
        raise ValueError(f"{table.name}.{column.name} is {kind} and does not accept {names}")
    try:
        return pa.array(values, kind)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        # The library's message quotes the value, which may be a secret.
        raise ValueError(
            f"{table.name}.{column.name} is {kind}; a value does not fit it ({type(error).__name__})"
        ) from None

"""Sorting more rows than memory holds: an external merge sort of record batches.

duckdb's own ORDER BY keeps whole rows in memory when they are wide and fails where it should spill, so wide
rows are sorted here. Chunks of bounded size are sorted and written down as Arrow IPC, then merged: every step
takes from all runs the rows up to the smallest last key at hand, which are final, and sorts just those.

NULL sorts last and text by its UTF-8 bytes, as in duckdb. Equal keys keep the order in which they came.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa

# A chunk in memory and its sorted copy are the cost of the first step, one batch of every run that of the
# second.
CHUNK_BYTES = 8 << 20
_BATCH_BYTES = 1 << 19
_MOST_ROWS = 5_000
_WRITE_BYTES = 1 << 18

Key = tuple[tuple[bool, object], ...]


class Sorter:
    """Takes rows in any order and gives them back in order of `key`, once.

    What doesn't fit into one chunk waits in files under `spill`, which `close` removes.
    """

    def __init__(self, key: Sequence[str], spill: Path, *, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._key = tuple(key)
        self._folder = spill / f"sort-{uuid4().hex}"
        self._chunk_bytes = chunk_bytes
        self._chunk: list[pa.RecordBatch] = []
        self._size = 0
        self._written: list[Path] = []

    def add(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take rows in."""
        for batch in batches:
            self._chunk.append(batch)
            self._size += batch.nbytes
            if self._size >= self._chunk_bytes:
                self._write_chunk()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows in order; the files are gone when the iterator ends, however it ends."""
        try:
            if self._written:
                if self._chunk:
                    self._write_chunk()
                yield from merged([read_run(path) for path in self._written], self._key)
            elif self._chunk:
                chunk, self._chunk = self._chunk, []
                yield from _sorted(chunk, self._key).to_batches(max_chunksize=_MOST_ROWS)
        finally:
            self.close()

    def close(self) -> None:
        """Forget the rows."""
        self._chunk = []
        for path in self._written:
            path.unlink(missing_ok=True)
        if self._written:
            self._folder.rmdir()
        self._written = []

    def _write_chunk(self) -> None:
        chunk, self._chunk, self._size = self._chunk, [], 0
        rows = _sorted(chunk, self._key)
        del chunk
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{len(self._written)}.arrow"
        self._written.append(path)
        write_run(rows.to_batches(), path)
        del rows
        pa.default_memory_pool().release_unused()


def write_run(batches: Iterable[pa.RecordBatch], path: Path) -> None:
    """Write rows to be read again by `read_run`, in batches of at most half a MB: a merge holds one of every run."""
    source = iter(batches)
    first = next(source, None)
    if first is None:
        path.touch()
        return
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    # Each of a batch's buffers would be a write of its own.
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.BufferedOutputStream(file, _WRITE_BYTES) as sink,
        pa.ipc.new_stream(sink, first.schema, options=options) as writer,
    ):
        for batch in chain((first,), source):
            share = max(1, batch.num_rows * _BATCH_BYTES // max(batch.nbytes, 1))
            writer.write_table(pa.Table.from_batches([batch]), max_chunksize=min(share, _MOST_ROWS))


def read_run(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a file that `write_run` wrote, in their order."""
    if path.stat().st_size:
        with pa.OSFile(str(path), "rb") as source, pa.ipc.open_stream(source) as reader:
            yield from reader


def merged(runs: Sequence[Iterator[pa.RecordBatch]], key: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of several runs, each already in order of `key`, as one run in that order."""
    heads = [head for head in (_Head(run, key) for run in runs) if head.refill()]
    while heads:
        bound = min(head.last for head in heads)
        final = [rows for rows in (head.through(bound) for head in heads) if rows.num_rows]
        yield from _sorted(final, key).to_batches(max_chunksize=_MOST_ROWS)
        heads = [head for head in heads if head.refill()]


class _Head:
    """The rows at hand of one run."""

    def __init__(self, run: Iterator[pa.RecordBatch], key: Sequence[str]) -> None:
        self._run = run
        self._key = key
        self._rows: Any = None  # a RecordBatch, or None when all were taken
        self.last: Key = ()

    def refill(self) -> bool:
        """Have rows at hand; False when the run is over."""
        while self._rows is None or not self._rows.num_rows:
            self._rows = next(self._run, None)
            if self._rows is None:
                return False
            if self._rows.num_rows:
                self.last = self._at(self._rows, self._rows.num_rows - 1)
        return True

    def through(self, bound: Key) -> pa.RecordBatch:
        """Take the rows at hand whose key is at most `bound`."""
        rows = self._rows
        if self.last <= bound:
            self._rows = None
            return rows
        count = bisect_right(range(rows.num_rows), bound, key=lambda row: self._at(rows, row))
        self._rows = rows.slice(count)
        return rows.slice(0, count)

    def _at(self, rows: pa.RecordBatch, row: int) -> Key:
        values = (rows.column(name)[row].as_py() for name in self._key)
        return tuple((value is None, value if value is not None else 0) for value in values)


def _sorted(batches: Sequence[pa.RecordBatch], key: Sequence[str]) -> pa.Table:
    return pa.Table.from_batches(batches).sort_by([(name, "ascending") for name in key])

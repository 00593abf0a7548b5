"""Sorting more rows than memory holds: an external merge sort of record batches.

duckdb's own ORDER BY keeps whole rows in memory when they are wide and fails where it should spill, so it
only sorts narrow things here. Chunks of bounded size are sorted, written down as Arrow IPC, and merged: every
step takes from all runs the rows up to the smallest last key at hand, which are final, and sorts just those.

NULL sorts last and text by its UTF-8 bytes, as in duckdb. Equal keys keep the order in which they came.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

# A chunk in memory and its sorted copy are the cost of the first step, one batch of every run that of the
# second.
CHUNK_BYTES = 16 << 20
_BATCH_BYTES = 1 << 20
_MOST_ROWS = 5_000

Key = tuple[tuple[bool, object], ...]


def sorted_batches(
    batches: Iterable[pa.RecordBatch], key: Sequence[str], spill: Path, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[pa.RecordBatch]:
    """The rows of `batches` in order of `key`; what doesn't fit into one chunk passes through files in
    `spill`.

    The files are removed when the iterator ends, however it ends.
    """
    folder = spill / f"sort-{uuid4().hex}"
    written: list[Path] = []
    chunk: list[pa.RecordBatch] = []
    size = 0
    try:
        for batch in batches:
            chunk.append(batch)
            size += batch.nbytes
            if size >= chunk_bytes:
                written.append(_write(_sorted(chunk, key), folder, len(written)))
                chunk, size = [], 0
        last = _sorted(chunk, key) if chunk else None
        if not written:
            yield from last.to_batches(max_chunksize=_MOST_ROWS) if last is not None else ()
            return
        if last is not None:
            written.append(_write(last, folder, len(written)))
        del chunk, last
        yield from merged([_read(path) for path in written], key)
    finally:
        for path in written:
            path.unlink(missing_ok=True)
        if written:
            folder.rmdir()


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
        self._rows: pa.RecordBatch | None = None
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
        assert rows is not None
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


def _write(rows: pa.Table, folder: Path, number: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{number}.arrow"
    # Small batches, because the merge holds one of every run.
    share = max(1, rows.num_rows * _BATCH_BYTES // max(rows.nbytes, 1))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows, max_chunksize=min(share, _MOST_ROWS))
    return path


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path), "rb") as source, pa.ipc.open_stream(source) as reader:
        yield from reader

"""Sort more rows than memory holds: an external merge sort of record batches.

DuckDB's ORDER BY holds 122,880 rows in memory when it merges what it spilled: with a limit of 400 MB it fails on
100,000 rows of 3 kB. So rows are sorted here, in memory that does not depend on their number or width.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from collector.lake.storage import translating

# What is sorted in memory at a time. A merge holds one batch of every chunk.
CHUNK_BYTES = 32 << 20
BATCH_BYTES = 1 << 20
BATCH_ROWS = 20_000


def external_sort(
    batches: Iterable[pa.RecordBatch], key: Sequence[str], spill: Path, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[pa.RecordBatch]:
    """Yield all rows in order of `key`: text by its UTF-8 bytes, NULL last, equal keys in any order.

    Chunks are kept in files below `spill` until the iterator ends. Raises NotPublished when the disk is full.
    """
    with TemporaryDirectory(prefix="sort-", dir=spill) as folder:
        runs: list[Iterator[pa.RecordBatch]] = []
        chunk: list[pa.RecordBatch] = []
        for batch in batches:
            chunk.append(batch)
            if sum(each.nbytes for each in chunk) >= chunk_bytes:
                path = Path(folder) / f"{len(runs)}.arrow"
                _write(_sorted(chunk, key), path)
                runs.append(_read(path))
                chunk = []
        if chunk:
            runs.append(iter(_sorted(chunk, key)))
        yield from _merge(runs, key)


def _sorted(batches: Sequence[pa.RecordBatch], key: Sequence[str]) -> list[pa.RecordBatch]:
    rows = pa.Table.from_batches(batches).sort_by([(name, "ascending") for name in key])
    share = rows.num_rows * BATCH_BYTES // max(rows.nbytes, 1)
    sorted_batches: list[pa.RecordBatch] = rows.to_batches(max_chunksize=min(max(share, 1), BATCH_ROWS))
    return sorted_batches


def _write(batches: Sequence[pa.RecordBatch], path: Path) -> None:
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with translating(path), pa.ipc.new_stream(str(path), batches[0].schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path)) as source, pa.ipc.open_stream(source) as reader:
        yield from reader


def _merge(runs: Iterable[Iterator[pa.RecordBatch]], key: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Merge sorted runs: rows up to the smallest last key of all batches in memory are final."""
    heads = [head for head in (_Head(run, key) for run in runs) if head.refill()]
    while heads:
        bound = min(head.last for head in heads)
        yield from _sorted([rows for rows in (head.take_through(bound) for head in heads) if rows.num_rows], key)
        heads = [head for head in heads if head.refill()]


class _Head:
    """The batch of a sorted run whose rows come next."""

    def __init__(self, run: Iterator[pa.RecordBatch], key: Sequence[str]) -> None:
        self._run = run
        self._key = key
        self._rows: Any = None

    def refill(self) -> bool:
        """Read the next batch when there are no rows left; return False at the end of the run."""
        while self._rows is None or not self._rows.num_rows:
            self._rows = next(self._run, None)
            if self._rows is None:
                return False
            self.last = self._key_of(self._rows.num_rows - 1) if self._rows.num_rows else ()
        return True

    def take_through(self, bound: tuple[Any, ...]) -> pa.RecordBatch:
        """Remove and return the rows whose key is at most `bound`."""
        rows = self._rows
        count = bisect_right(range(rows.num_rows), bound, key=self._key_of)
        self._rows = rows.slice(count)
        return rows.slice(0, count)

    def _key_of(self, row: int) -> tuple[Any, ...]:
        values = [self._rows.column(name)[row].as_py() for name in self._key]
        return tuple((value is None, value if value is not None else 0) for value in values)

"""Publishing a night: write its files, then swap the manifest.

Whatever fails before the swap leaves the old manifest as it was and some files that no manifest names, which
the next run sweeps.
"""

from __future__ import annotations

import datetime as dt
from bisect import insort
from collections.abc import Iterable, Mapping

import msgspec
import pyarrow as pa

from collector.lake import encoding, parquet
from collector.lake.inventory import path_of
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry, Manifest, RunEntry
from collector.lake.parquet import WrittenFile
from collector.lake.tables import ALL, SNAPSHOTS


def publish(
    lake: Lake, run: RunEntry, batches: Mapping[str, Iterable[pa.RecordBatch]], *, now: dt.datetime
) -> Manifest:
    """Make a run visible, all of it in one step, and return the manifest that names it.

    `batches` gives, by table, the run's rows sorted by the table's key (a RecordBatchReader is one); a table
    without rows gets no file, a snapshot that is not given stays as it was. A run that is published already
    is left alone. Raises NotPublished when the disk is full, LakeError when rows do not have their table's
    columns.
    """
    lake.require_held()
    if lake.manifest.run(run.run_id) is not None:
        return lake.manifest
    tables = dict(lake.manifest.tables)
    entries = {name: _write(lake, run, name, rows) for name, rows in batches.items()}
    lake.storage.settle(*(entry.path for entry in entries.values() if entry is not None))
    for name, entry in entries.items():
        kept = [] if name in SNAPSHOTS else tables.get(name, [])
        tables[name] = kept if entry is None else [*kept, entry]
    runs = list(lake.manifest.runs)
    insort(runs, run, key=lambda known: known.run_id)
    changed = msgspec.structs.replace(lake.manifest, published_at=now, runs=runs, tables=tables)
    return lake.commit(changed, now)


def _write(lake: Lake, run: RunEntry, name: str, rows: Iterable[pa.RecordBatch]) -> FileEntry | None:
    month = f"{run.run_date:%Y-%m}"
    path = path_of(name, month, run.run_id)
    table = ALL[name]
    written = parquet.write(lake.storage, path, table, rows, tuning=encoding.NIGHTLY, order=table.key)
    return None if written is None else file_entry(written, [run.run_id], month)


def file_entry(written: WrittenFile, runs: list[str], month: str) -> FileEntry:
    """What the manifest says of a file just written."""
    return FileEntry(
        path=written.path,
        rows=written.rows,
        bytes=written.bytes,
        sha256=written.sha256,
        schema=written.schema,
        runs=runs,
        run_month=month,
    )

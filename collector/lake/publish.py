"""Publishing a run: write its files, then replace the manifest.

What fails before that leaves the old manifest as it was, and files that no manifest names, which the next run sweeps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict

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
    """Make all of a run visible in one step, and return the manifest that names it.

    `batches` are the run's rows by table, sorted by the table's key. A table without rows gets no file; a snapshot that
    is not given stays as it was. A run that is published already stays as it is. Raises NotPublished when the disk is
    full, LakeError when rows do not have their table's columns.
    """
    lake.require_lock()
    if lake.manifest.run(run.run_id) is not None:
        return lake.manifest
    tables = dict(lake.manifest.tables)
    entries = {name: _write(lake, run, name, rows) for name, rows in batches.items()}
    lake.storage.sync(*(entry.path for entry in entries.values() if entry is not None))
    for name, entry in entries.items():
        before = [] if name in SNAPSHOTS else tables.get(name, [])
        tables[name] = before if entry is None else [*before, entry]
    runs = sorted([*lake.manifest.runs, run], key=lambda known: known.run_id)
    changed = msgspec.structs.replace(lake.manifest, published_at=now, runs=runs, tables=tables)
    return lake.commit(changed, now)


def _write(lake: Lake, run: RunEntry, name: str, rows: Iterable[pa.RecordBatch]) -> FileEntry | None:
    month, table = f"{run.run_date:%Y-%m}", ALL[name]
    path = path_of(name, month, run.run_id)
    written = parquet.write(lake.storage, path, table, rows, tuning=encoding.NIGHTLY, order=table.key)
    return None if written is None else file_entry(written, [run.run_id], month)


def file_entry(written: WrittenFile, runs: list[str], month: str) -> FileEntry:
    """Return the manifest entry of a file just written."""
    return FileEntry(**asdict(written), runs=runs, run_month=month)

"""Publishing a run: write its files, then replace the manifest.

What fails before that leaves the old manifest as it was, and files that no manifest names, which the next run sweeps.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from secrets import token_hex

import msgspec
import pyarrow as pa

from collector.lake import parquet
from collector.lake.inventory import path_of
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry, Manifest, RunEntry
from collector.lake.table import Table
from collector.lake.tables import ALL, SNAPSHOTS


def publish(
    lake: Lake,
    run: RunEntry,
    batches: Mapping[str, Iterable[pa.RecordBatch]],
    *,
    now: dt.datetime,
    written: Mapping[str, FileEntry | None] = {},
) -> Manifest:
    """Make all of a run visible in one step, and return the manifest that names it.

    `batches` are the run's rows by table, sorted by the table's key; `written` are the tables that `write_tables` has
    written already. A table without rows gets no file; a snapshot that is not given stays as it was. A run that is
    published already stays as it is. Raises NotPublished when the disk is full, Outdated when another machine has
    published meanwhile.
    """
    lake.require_lock()
    if lake.manifest.run(run.run_id) is not None:
        return lake.manifest
    tables = dict(lake.manifest.tables)
    entries = {**written, **write_tables(lake, run, batches)}
    lake.storage.sync(*(entry.path for entry in entries.values() if entry is not None))
    for name, entry in entries.items():
        before = [] if name in SNAPSHOTS else tables.get(name, [])
        tables[name] = before if entry is None else [*before, entry]
    runs = sorted([*lake.manifest.runs, run], key=lambda known: known.run_id)
    changed = msgspec.structs.replace(lake.manifest, published_at=now, runs=runs, tables=tables)
    return lake.commit(changed, now)


def write_tables(
    lake: Lake, run: RunEntry, batches: Mapping[str, Iterable[pa.RecordBatch]]
) -> dict[str, FileEntry | None]:
    """Write rows of a run as `publish` does, and return the files, which nobody sees before it.

    Nothing is written for a run that is published already.
    """
    lake.require_lock()
    if lake.manifest.run(run.run_id) is not None:
        return {}
    month = f"{run.run_date:%Y-%m}"
    return {
        name: write_file(lake, ALL[name], month, [run.run_id], rows, order=ALL[name].key)
        for name, rows in batches.items()
    }


def write_file(
    lake: Lake,
    table: Table,
    month: str,
    runs: list[str],
    rows: Iterable[pa.RecordBatch],
    *,
    order: tuple[str, ...],
    tuning: parquet.Tuning = parquet.NIGHTLY,
    sequence: int = 0,
) -> FileEntry | None:
    """Write the rows of these runs, sorted by `order`, as a new file of a table; return None without rows.

    `sequence` is that of the manifest that will name a rewritten file.
    """
    unique = ""
    if lake.storage.shared:
        # What an attempt that lost has written is never written over: a delayed manifest may still name it.
        sequence, unique = lake.manifest.sequence + 1, token_hex(4)
    path = path_of(table.name, month, runs[0], sequence, unique)
    written = parquet.write(lake.storage, path, table, rows, tuning=tuning, order=order)
    if written is None:
        return None
    return FileEntry(path=path, schema=table.fingerprint, runs=runs, run_month=month, **written._asdict())

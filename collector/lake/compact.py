"""Compaction: the nights of a month merged into one file per table, sorted by key and then by run.

Side by side, the nights of an action that rarely changes cost next to nothing. A month is one swap of the
manifest: dying before it leaves orphans, dying after it leaves the next months for the next time. The
superseded files stay readable for the grace period, so a reader never notices.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from collector.errors import LakeError
from collector.lake import encoding, parquet
from collector.lake.inventory import path_of
from collector.lake.lake import Lake, with_files
from collector.lake.manifest import FileEntry
from collector.lake.publish import file_entry
from collector.lake.tables import ALL, SNAPSHOTS, Table
from collector.lake.verify import verify_file

# Given a table and files of it, all their rows sorted by `merged_order(table)`, in bounded memory.
Merge = Callable[[Table, Sequence[Path]], pa.RecordBatchReader]
Read = Callable[[], pa.RecordBatchReader]


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of one table of one month: files before (after: one), and bytes before and after."""

    table: str
    run_month: str
    files_before: int
    rows: int
    bytes_before: int
    bytes_after: int


def merged_order(table: Table) -> tuple[str, ...]:
    """The order of a merged file: the table's key without the run, then the run."""
    return (*(name for name in table.key if name != "run_id"), "run_id")


def compact(lake: Lake, merge: Merge, *, now: dt.datetime, current_month: bool = False) -> list[Compacted]:
    """Merge the nights of every past month (UTC), and of the current one if asked.

    Raises LakeError, with nothing lost, when a file has columns that this collector does not know or a merge
    does not give every row back; NotPublished when the disk is full. Must be called inside `lake.writing`.
    """
    lake.require_lock()
    this_month = f"{now.astimezone(dt.UTC):%Y-%m}"
    done = []
    for month in _months(lake):
        if month < this_month or (current_month and month == this_month):
            done += _compact_month(lake, merge, month, now)
    return done


def _months(lake: Lake) -> list[str]:
    return sorted({entry.run_month for entries in lake.manifest.tables.values() for entry in entries})


def _compact_month(lake: Lake, merge: Merge, month: str, now: dt.datetime) -> list[Compacted]:
    changed, done = lake.manifest, []
    for name, entries in lake.manifest.tables.items():
        nights = [entry for entry in entries if entry.run_month == month]
        if name in SNAPSHOTS or len(nights) < 2:
            continue
        if name not in ALL:
            raise unknown_to_this_version(f"the table {name}")
        runs = sorted({run for entry in nights for run in entry.runs})
        paths = [lake.storage.locate(entry.path) for entry in nights]
        merged = rewrite(lake, ALL[name], nights, runs, partial(merge, ALL[name], paths))
        others = [entry for entry in entries if entry.run_month != month]
        changed = with_files(changed, name, sorted([*others, merged], key=lambda entry: entry.run_month))
        before = sum(entry.bytes for entry in nights)
        done.append(Compacted(name, month, len(nights), merged.rows, before, merged.bytes))
    if done:
        lake.commit(changed, now)
    return done


def rewrite(lake: Lake, table: Table, nights: Sequence[FileEntry], runs: Sequence[str], read: Read) -> FileEntry:
    """Write one file that stands for what `nights`, all of one month, hold of `runs`, and return its entry.

    Raises LakeError when one of them is damaged or has columns not known here, and when `read` does not give
    exactly as many rows as they hold: what replaces them must hold all of them.
    """
    for entry in nights:
        _check_whole(lake, table, entry)
    month = nights[0].run_month
    # The sequence makes the name new: a path that a reader may still hold is never written again.
    path = path_of(table.name, month, min(runs), lake.manifest.sequence + 1)
    order = merged_order(table)
    written = parquet.write(lake.storage, path, table, read(), tuning=encoding.COMPACT, order=order)
    rows = 0 if written is None else written.rows
    expected = sum(parquet.count_rows(lake.storage, entry.path, runs) for entry in nights)
    if written is None or rows != expected:
        raise LakeError(
            f"rewriting {table.name} of {month} gave {rows} rows where its files hold {expected}",
            advice="Nothing was changed. This is a fault of the collector: please report it.",
        )
    lake.storage.sync(path)
    return file_entry(written, sorted(runs), month)


def _check_whole(lake: Lake, table: Table, entry: FileEntry) -> None:
    damage = next(verify_file(lake, table.name, entry), None)
    if damage is not None:
        raise LakeError(
            f"{entry.path} is damaged: {damage.message}",
            advice="Nothing was changed. Restore the file from a copy of the lake (see `collector verify`).",
        )
    strange = set(parquet.read_footer(lake.storage, entry.path).columns) - set(table.column_names)
    if strange:
        raise unknown_to_this_version(f"the column {table.name}.{min(strange)}")


def unknown_to_this_version(what: str) -> LakeError:
    """The error for rewriting what a newer collector wrote, which would lose the part not known here."""
    return LakeError(
        f"the lake holds {what}, which this version of the collector does not know",
        advice="Nothing was changed. Upgrade the collector to the version that wrote this lake, or later.",
    )

"""Compaction: merge the files of a month into one file per table, sorted by key and then by run.

Rows of an action that rarely changes cost next to nothing when its runs stand side by side. The manifest is swapped
once a month: a death before it leaves orphans, a death after it the other months for the next compaction. Superseded
files stay readable for the grace period, so that no reader is disturbed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from collector.errors import LakeError
from collector.lake import parquet
from collector.lake.lake import Lake
from collector.lake.lost_race import until_won
from collector.lake.manifest import FileEntry
from collector.lake.merge import merged_order, merged_rows
from collector.lake.publish import write_file
from collector.lake.table import Table
from collector.lake.tables import ALL, SNAPSHOTS
from collector.lake.verify import damage_of


@dataclass(frozen=True, slots=True)
class Compacted:
    """One table of one month after its compaction into one file: files before, rows, and bytes before and after."""

    table: str
    run_month: str
    files_before: int
    rows: int
    bytes_before: int
    bytes_after: int


def compact(lake: Lake, *, now: dt.datetime, current_month: bool = False) -> list[Compacted]:
    """Merge the files of every past month (UTC), and of the current month if asked.

    A month is merged again when another machine has published meanwhile. Raises LakeError, with nothing lost, when a
    file is damaged or has columns that this collector does not know; NotPublished when the disk is full; Outdated when
    others have published in every attempt. Must be called inside `lake.writing`.
    """
    lake.require_lock()
    this_month = f"{now.astimezone(dt.UTC):%Y-%m}"
    done = []
    for month in sorted({entry.run_month for entries in lake.manifest.tables.values() for entry in entries}):
        if month < this_month or (current_month and month == this_month):
            done += until_won(lake, partial(_compact_month, lake, month, now))
    return done


def _compact_month(lake: Lake, month: str, now: dt.datetime) -> list[Compacted]:
    tables, done = dict(lake.manifest.tables), []
    for name, entries in lake.manifest.tables.items():
        of_month = [entry for entry in entries if entry.run_month == month]
        if name in SNAPSHOTS or len(of_month) < 2:
            continue
        merged = rewrite(lake, name, of_month, {run for entry in of_month for run in entry.runs})
        others = [entry for entry in entries if entry.run_month != month]
        tables[name] = sorted([*others, merged], key=lambda entry: entry.run_month)
        bytes_before = sum(entry.bytes for entry in of_month)
        done.append(Compacted(name, month, len(of_month), merged.rows, bytes_before, merged.bytes))
    if done:
        lake.commit(msgspec.structs.replace(lake.manifest, tables=tables), now)
    return done


def rewrite(lake: Lake, name: str, entries: Sequence[FileEntry], run_ids: Collection[str]) -> FileEntry:
    """Write the rows of these runs in `entries`, files of one table and month, into one new file; return its entry.

    Raises LakeError when a file is damaged, when table or columns are not known here, and when the new file does not
    hold exactly the rows of these runs.
    """
    if name not in ALL:
        raise unknown_to_this_version(f"the table {name}")
    table, month, runs = ALL[name], entries[0].run_month, sorted(run_ids)
    paths = lake.storage.copies(entries)
    for path, entry in zip(paths, entries, strict=True):
        _require_intact(path, table, entry)
    rows = merged_rows(table, paths, runs)
    # The sequence makes the name new: a path that a reader may still use is never written again.
    sequence, order = lake.manifest.sequence + 1, merged_order(table)
    written = write_file(lake, table, month, runs, rows, order=order, tuning=parquet.COMPACT, sequence=sequence)
    expected = sum(_rows_of(path, entry, runs) for path, entry in zip(paths, entries, strict=True))
    if written is None or written.rows != expected:
        raise LakeError(
            f"rewriting {name} of {month} gave {written.rows if written else 0} rows where its files hold {expected}",
            advice="Nothing was changed. This is a fault of the collector: please report it.",
        )
    lake.storage.sync(written.path)
    return written


def _rows_of(path: Path, entry: FileEntry, run_ids: Collection[str]) -> int:
    """Return how many rows of these runs an intact file holds; it is read only where it holds other runs too."""
    if set(entry.runs) <= set(run_ids):
        return entry.rows
    count = parquet.count_by(path, ["run_id"])
    return sum(count[(run_id,)] for run_id in run_ids)


def _require_intact(path: Path, table: Table, entry: FileEntry) -> None:
    for _, message in damage_of(path, table.name, entry):
        raise LakeError(
            f"{entry.path} is damaged: {message}",
            advice="Nothing was changed. Restore the file from a copy of the lake (see `collector verify`).",
        )
    unknown = set(parquet.read_footer(path).schema.names) - set(table.column_names)
    if unknown:
        raise unknown_to_this_version(f"the column {table.name}.{min(unknown)}")


def unknown_to_this_version(what: str) -> LakeError:
    """Return the error for rewriting what a newer collector wrote: the part that is not known here would be lost."""
    return LakeError(
        f"the lake holds {what}, which this version of the collector does not know",
        advice="Nothing was changed. Upgrade the collector to the version that wrote this lake, or later.",
    )

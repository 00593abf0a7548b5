"""Pruning: dropping the nights older than is wanted, in one swap of the manifest.

What is known of every action now (last_known_actions, action_state) stays, and so does the newest night,
however old: an empty lake answers nothing. The manifest remembers where history begins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa

from collector.errors import UsageError
from collector.lake.compact import rewrite, unknown_to_this_version
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry
from collector.lake.tables import ALL, SNAPSHOTS, Table

# Given a table, files of it and run ids, the rows of those runs sorted by `compact.merged_order(table)`.
Filter = Callable[[Table, Sequence[Path], Collection[str]], pa.RecordBatchReader]


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was dropped: run ids oldest first, rows and files; and the run with which history now begins."""

    runs: tuple[str, ...]
    rows: int
    files: int
    history_begins: str | None


def prune(lake: Lake, keep_rows_of: Filter, *, keep_days: int, now: dt.datetime) -> Pruned:
    """Drop the nights whose run_date (UTC) is more than `keep_days` days ago.

    A file that holds dropped and kept nights is rewritten through `keep_rows_of`. Raises UsageError for a
    negative `keep_days`, LakeError or NotPublished as `compact` does. Must be called inside `lake.writing`.
    """
    lake.require_held()
    if keep_days < 0:
        raise UsageError(f"cannot keep {keep_days} days", advice="Say a number of days that is 0 or more.")
    before = lake.manifest
    oldest = now.astimezone(dt.UTC).date() - dt.timedelta(days=keep_days)
    kept = [run for run in before.runs if run.run_date >= oldest] or before.runs[-1:]
    keep = {run.run_id for run in kept}
    dropped = tuple(run.run_id for run in before.runs if run.run_id not in keep)
    if not dropped:
        return Pruned((), 0, 0, before.history_begins)
    tables = dict(before.tables)
    for name in [name for name in tables if name not in SNAPSHOTS]:
        tables[name] = [
            left for entry in tables[name] for left in _left(lake, keep_rows_of, name, entry, keep)
        ]
    begins = kept[0].run_id
    changed = msgspec.structs.replace(before, runs=kept, tables=tables, history_begins=begins)
    lake.commit(changed, now)
    gone = before.live_paths() - lake.manifest.live_paths()
    return Pruned(dropped, _rows(before.tables) - _rows(tables), len(gone), begins)


def _left(lake: Lake, keep_rows_of: Filter, name: str, entry: FileEntry, keep: set[str]) -> list[FileEntry]:
    staying = sorted(keep.intersection(entry.runs))
    if len(staying) == len(entry.runs):
        return [entry]
    if not staying:
        return []
    if name not in ALL:
        raise unknown_to_this_version(f"the table {name}")
    read = partial(keep_rows_of, ALL[name], [lake.storage.locate(entry.path)], staying)
    return [rewrite(lake, ALL[name], [entry], staying, read)]


def _rows(tables: dict[str, list[FileEntry]]) -> int:
    return sum(entry.rows for entries in tables.values() for entry in entries)

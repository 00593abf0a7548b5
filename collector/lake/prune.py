"""Pruning: dropping the nights older than is wanted, in one swap of the manifest.

What is known of every action now (last_known_actions, action_state) stays, and so does the newest night,
however old: an empty lake answers nothing. The manifest remembers where history begins.

A clock that is years ahead makes every run look old. So age is measured from the newest run where that began long
before now, and nothing is dropped while only a few runs follow a long gap.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import pyarrow as pa

from collector.errors import LakeError, UsageError
from collector.lake.compact import rewrite, unknown_to_this_version
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry, RunEntry
from collector.lake.tables import ALL, SNAPSHOTS, Table

# Given a table, files of it and run ids, the rows of those runs sorted by `compact.merged_order(table)`.
Filter = Callable[[Table, Sequence[Path], Collection[str]], pa.RecordBatchReader]

# More time than this between two runs, or from the newest run to now, may be the fault of a clock.
LONG_GAP = dt.timedelta(days=31)
# Once this many runs follow such a gap, their dates are believed.
BELIEVED = 7


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was dropped: run ids oldest first, rows and files; and the run with which history now begins."""

    runs: tuple[str, ...]
    rows: int
    files: int
    history_begins: str | None


def prune(lake: Lake, keep_rows_of: Filter, *, keep_days: int, now: dt.datetime) -> Pruned:
    """Drop the nights whose run_date (UTC) is more than `keep_days` days before now.

    Days are counted from the newest night instead where that began more than `LONG_GAP` before `now`. A file that holds
    dropped and kept nights is rewritten through `keep_rows_of`. Raises UsageError for a negative `keep_days`, LakeError
    when the dates of the runs cannot be believed, LakeError or NotPublished as `compact` does. Must be called inside
    `lake.writing`.
    """
    lake.require_lock()
    if keep_days < 0:
        raise UsageError(f"cannot keep {keep_days} days", advice="Say a number of days that is 0 or more.")
    before = lake.manifest
    oldest = _today(before.latest, now) - dt.timedelta(days=keep_days)
    kept = [run for run in before.runs if run.run_date >= oldest or run is before.latest]
    keep = {run.run_id for run in kept}
    dropped = tuple(run.run_id for run in before.runs if run.run_id not in keep)
    if not dropped:
        return Pruned((), 0, 0, before.history_begins)
    _require_believable(before.runs, kept, keep_days)
    tables = dict(before.tables)
    for name in [name for name in tables if name not in SNAPSHOTS]:
        tables[name] = [left for entry in tables[name] for left in _left(lake, keep_rows_of, name, entry, keep)]
    begins = kept[0].run_id
    changed = msgspec.structs.replace(before, runs=kept, tables=tables, history_begins=begins)
    lake.commit(changed, now)
    gone = before.live_paths() - lake.manifest.live_paths()
    return Pruned(dropped, _rows(before.tables) - _rows(tables), len(gone), begins)


def _today(newest: RunEntry | None, now: dt.datetime) -> dt.date:
    far = newest is not None and now - newest.started_at > LONG_GAP
    return newest.run_date if newest is not None and far else now.astimezone(dt.UTC).date()


def _require_believable(runs: Sequence[RunEntry], kept: Sequence[RunEntry], keep_days: int) -> None:
    """Raise LakeError when the kept runs are few and dated long after all others, as under a wrong clock."""
    first = min(kept, key=lambda run: run.run_date)
    others = [run for run in runs if run.run_date < first.run_date]
    if not others or len(kept) >= BELIEVED:
        return
    last = max(others, key=lambda run: (run.run_date, run.run_id))
    gap = first.run_date - last.run_date
    if gap > max(LONG_GAP, dt.timedelta(days=keep_days)):
        raise LakeError(
            f"nothing was dropped: run {first.run_id} is dated {first.run_date}, {gap.days:,} days after {last.run_id}, "
            f"and only {len(kept)} of {len(runs)} runs would be left",
            advice="If this machine's clock is or was wrong, correct it. If the dates are right, old runs are dropped once "
            f"{BELIEVED} runs follow the gap.",
        )


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

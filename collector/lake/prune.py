"""Pruning: drop the runs that are older than wanted, in one swap of the manifest.

The last known state of every action (last_known_actions, action_state) stays, and so does the newest run, whatever its
age: an empty lake answers nothing. The manifest says where history begins.

A clock that is years ahead makes every run look old. So age is counted from the newest run where that began long before
now, and nothing is dropped while only a few runs follow a long gap.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from collector.errors import LakeError, UsageError
from collector.lake.compact import rewrite
from collector.lake.lake import Lake
from collector.lake.lost_race import until_won
from collector.lake.manifest import FileEntry, RunEntry
from collector.lake.tables import SNAPSHOTS

# A longer time between two runs, or from the newest run to now, may come from a wrong clock.
LONG_GAP = dt.timedelta(days=31)
# When this many runs follow such a gap, their dates are trusted.
TRUSTED_RUNS = 7


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was dropped: run ids (oldest first), rows and files; and the run with which history now begins."""

    runs: tuple[str, ...]
    rows: int
    files: int
    history_begins: str | None


def prune(lake: Lake, *, keep_days: int, now: dt.datetime) -> Pruned:
    """Drop the runs whose run_date (UTC) is more than `keep_days` days before now.

    Days are counted from the newest run instead where that began more than `LONG_GAP` before `now`. A file that holds
    dropped and kept runs is rewritten. It is done again when another machine has published meanwhile. Raises UsageError
    for a negative `keep_days`, LakeError when the dates of the runs cannot be trusted, and LakeError, NotPublished or
    Outdated as `compact` does. Must be called inside `lake.writing`.
    """
    lake.require_lock()
    return until_won(lake, partial(_prune, lake, keep_days, now))


def _prune(lake: Lake, keep_days: int, now: dt.datetime) -> Pruned:
    before = lake.manifest
    dropped = runs_to_drop(lake, keep_days=keep_days, now=now)
    if not dropped:
        return Pruned((), 0, 0, before.history_begins)
    kept = [run for run in before.runs if run.run_id not in dropped]
    keep = {run.run_id for run in kept}
    tables = dict(before.tables)
    for name in [name for name in tables if name not in SNAPSHOTS]:
        tables[name] = [left for entry in tables[name] for left in _remaining(lake, name, entry, keep)]
    begins = kept[0].run_id
    changed = msgspec.structs.replace(before, runs=kept, tables=tables, history_begins=begins)
    lake.commit(changed, now)
    gone = before.live_paths() - lake.manifest.live_paths()
    return Pruned(dropped, _rows(before.tables) - _rows(tables), len(gone), begins)


def runs_to_drop(lake: Lake, *, keep_days: int, now: dt.datetime) -> tuple[str, ...]:
    """Return the ids of the runs that `prune` would drop, oldest first; raises UsageError and LakeError like it."""
    if keep_days < 0:
        raise UsageError(f"cannot keep {keep_days} days", advice="Give a number of days that is 0 or more.")
    runs, newest, today = lake.manifest.runs, lake.manifest.latest, now.astimezone(dt.UTC).date()
    if newest is not None and now - newest.started_at > LONG_GAP:
        today = newest.run_date
    oldest = today - dt.timedelta(days=keep_days)
    kept = [run for run in runs if run.run_date >= oldest or run is newest]
    if len(kept) < len(runs):
        _require_plausible_dates(runs, kept, keep_days)
    return tuple(run.run_id for run in runs if run not in kept)


def _require_plausible_dates(runs: Sequence[RunEntry], kept: Sequence[RunEntry], keep_days: int) -> None:
    """Raise LakeError when the kept runs are few and dated long after all others, as under a wrong clock."""
    first = min(kept, key=lambda run: run.run_date)
    others = [run for run in runs if run.run_date < first.run_date]
    if not others or len(kept) >= TRUSTED_RUNS:
        return
    last = max(others, key=lambda run: (run.run_date, run.run_id))
    gap = first.run_date - last.run_date
    if gap > max(LONG_GAP, dt.timedelta(days=keep_days)):
        raise LakeError(
            f"nothing was dropped: run {first.run_id} is dated {first.run_date}, {gap.days:,} days after "
            f"{last.run_id}, and only {len(kept)} of {len(runs)} runs would be left",
            advice="If this machine's clock is or was wrong, correct it. If the dates are right, old runs are dropped "
            f"once {TRUSTED_RUNS} runs follow the gap.",
        )


def _remaining(lake: Lake, name: str, entry: FileEntry, keep: set[str]) -> list[FileEntry]:
    """Return the file that holds what is kept of `entry`, if anything is."""
    run_ids = keep.intersection(entry.runs)
    if len(run_ids) == len(entry.runs):
        return [entry]
    return [rewrite(lake, name, [entry], run_ids)] if run_ids else []


def _rows(tables: dict[str, list[FileEntry]]) -> int:
    return sum(entry.rows for entries in tables.values() for entry in entries)

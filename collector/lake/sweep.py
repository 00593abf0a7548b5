"""Sweeping: removing what nothing needs any more, left by runs that died or superseded long ago.

Only files that are named as the collector names them, in directories that it makes, are ever removed; no symbolic link
is followed. What cannot be removed is reported and does not stop a run.
"""

from __future__ import annotations

import datetime as dt
import stat
from collections.abc import Collection
from pathlib import Path

from collector.errors import CollectorError
from collector.lake import inventory
from collector.lake.lake import Lake
from collector.lake.manifest import GRACE


def leftover_temporaries(root: Path, now: dt.datetime) -> list[str]:
    """Return the temporary files at the root that are older than the grace period, so that their writer is dead.

    The age matters because readers, who hold no lock, may rebuild the catalog during a sweep.
    """
    found = [path for path in root.iterdir() if inventory.TEMPORARY.fullmatch(path.name)]
    oldest = (now - GRACE).timestamp()
    return [path.name for path in found if stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_mtime < oldest]


def sweep(lake: Lake, *, now: dt.datetime, keep_runs: Collection[str]) -> list[str]:
    """Remove the leftover files, and the directories of runs other than `keep_runs`; return what failed, and why.

    The raw replies of a published run stay. Must be called inside `lake.writing`, so never while another run works.
    """
    lake.require_lock()
    found = inventory.take_inventory(lake.storage)
    # A journal shows that the files of its run are leftovers, so it stays as long as one of them does.
    kept = {*keep_runs, *inventory.unknown_runs(found, lake.manifest)}
    failures: list[str] = []
    runs_of_leftovers = {file.path: file.run_id for file in inventory.leftovers(found, lake.manifest, now)}
    temporaries = [] if lake.storage.shared else leftover_temporaries(lake.path, now)
    for path in (*runs_of_leftovers, *temporaries, *inventory.stale_claims(found, lake.manifest, now)):
        try:
            lake.storage.delete(path)
        except CollectorError as error:
            failures.append(str(error))
            kept.add(runs_of_leftovers.get(path, ""))
    lake.storage.delete_empty_directories(inventory.FOLDER, inventory.DIRECTORY.fullmatch)
    for run_id in lake.runs.all():
        if run_id not in kept:
            try:
                lake.runs.remove(run_id, keep_raw=lake.manifest.run(run_id) is not None)
            except CollectorError as error:
                failures.append(str(error))
    return failures

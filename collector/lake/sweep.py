"""Sweeping: removing what nothing needs any more, left by runs that died or superseded long ago.

Only files that are named as the collector names them, in directories that it makes, are ever removed; no symbolic link
is followed. What cannot be removed is reported and does not stop a run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from collector.errors import CollectorError
from collector.lake import consistency, inventory
from collector.lake.lake import Lake
from collector.lake.manifest import GRACE
from collector.lake.storage import StoredFile


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: relative paths of files, and ids of runs whose directory is gone.

    `failures` says what could not be removed, and why.
    """

    files: tuple[str, ...]
    runs: tuple[str, ...]
    failures: tuple[str, ...]


def leftover_temporaries(found: Iterable[StoredFile], now: dt.datetime) -> list[StoredFile]:
    """Return the temporary files at the root that are older than the grace period, so that their writer is dead.

    The age matters because readers, who hold no lock, may rebuild the catalog during a sweep.
    """
    oldest = (now - GRACE).timestamp()
    return [
        file for file in found if file.regular and inventory.TEMPORARY.fullmatch(file.path) and file.modified < oldest
    ]


def sweep(lake: Lake, *, now: dt.datetime, keep_runs: Collection[str]) -> Swept:
    """Remove the leftover files, and the directories of runs other than `keep_runs`.

    The raw replies of a published run stay. Must be called inside `lake.writing`, so never while another run works.
    """
    lake.require_lock()
    found = inventory.take_inventory(lake.storage)
    leftovers = consistency.leftovers(found, lake.manifest, now)
    temporaries = leftover_temporaries(lake.storage.list(recursive=False), now)
    removed: list[str] = []
    failures: list[str] = []
    for path in (*(file.path for file in leftovers), *(file.path for file in temporaries)):
        try:
            lake.storage.delete(path)
            removed.append(path)
        except CollectorError as error:
            failures.append(str(error))
    lake.storage.delete_empty_directories(inventory.FOLDER, inventory.is_own_directory)
    # A journal shows that the files of its run are leftovers, so it stays as long as one of them does.
    kept = {*keep_runs, *consistency.unknown_runs(found, lake.manifest)}
    kept |= {file.run_id for file in leftovers if file.path not in removed}
    published = {run.run_id for run in lake.manifest.runs}
    runs = [run_id for run_id in lake.runs.all() if run_id not in kept]
    for run_id in runs:
        try:
            lake.runs.remove(run_id, keep_raw=run_id in published)
        except CollectorError as error:
            failures.append(str(error))
    gone = (run_id for run_id in runs if not lake.runs.path(run_id).exists())
    return Swept(tuple(removed), tuple(gone), tuple(failures))

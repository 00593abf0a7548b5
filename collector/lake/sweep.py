"""Sweeping: removing what nobody needs any more, left by runs that died or superseded long ago.

Only files that are named as the collector names them, in directories that it makes, are ever removed; no symbolic
link is followed. What cannot be removed is reported and does not stop a run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from collector.errors import CollectorError
from collector.lake import accounting, inventory
from collector.lake.inventory import TEMPORARY
from collector.lake.lake import Lake
from collector.lake.manifest import GRACE
from collector.lake.storage import StoredFile


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: relative paths of files, and ids of runs whose directory went.

    `stuck` says of each thing that could not be removed what it is, and why.
    """

    files: tuple[str, ...]
    runs: tuple[str, ...]
    stuck: tuple[str, ...]


def leftover_temporaries(found: Iterable[StoredFile], now: dt.datetime) -> list[StoredFile]:
    """Half-written files of the collector at the root whose writer is surely dead: older than the grace period. Pure.

    The age matters because readers, who hold no lock, may be rebuilding the catalog beside this sweep.
    """
    oldest = (now - GRACE).timestamp()
    return [item for item in found if item.regular and TEMPORARY.fullmatch(item.path) and item.modified < oldest]


def sweep(lake: Lake, *, now: dt.datetime, keep_runs: Collection[str]) -> Swept:
    """Remove the files that are left over, and the directories of runs other than `keep_runs`.

    Of a published run the raw replies stay. Must be called inside `lake.writing`, so never while another run works.
    """
    lake.require_held()
    there = inventory.take(lake.storage, lake.runs)
    left = accounting.leftovers(there, lake.manifest, now)
    temporaries = leftover_temporaries(lake.storage.list(recursive=False), now)
    files: list[str] = []
    stuck: list[str] = []
    for path in (*(file.path for file in left), *(item.path for item in temporaries)):
        try:
            lake.storage.delete(path)
            files.append(path)
        except CollectorError as error:
            stuck.append(str(error))
    lake.storage.delete_empty_directories(inventory.FOLDER, inventory.is_own_directory)
    # The journal is what shows that a file is left over: as long as one of its files is there, it stays.
    kept = {*keep_runs, *accounting.unknown_runs(there, lake.manifest)}
    kept |= {file.run_id for file in left if file.path not in files}
    runs: list[str] = []
    published = {run.run_id for run in lake.manifest.runs}
    for run_id in lake.runs.all():
        if run_id in kept:
            continue
        try:
            lake.runs.remove(run_id, keep_raw=run_id in published)
        except CollectorError as error:
            stuck.append(str(error))
        if not lake.runs.path(run_id).exists():
            runs.append(run_id)
    return Swept(tuple(files), tuple(runs), tuple(stuck))

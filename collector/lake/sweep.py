"""Sweeping: removing the files that nobody names any more, left by runs that died or retired long ago."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from collector.lake.lake import GRACE, Lake, in_grace
from collector.lake.manifest import Manifest
from collector.lake.storage import Stored


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: relative paths of files, their bytes, and ids of runs whose directory went."""

    files: tuple[str, ...]
    runs: tuple[str, ...]
    bytes: int


def unnamed(manifest: Manifest, found: Iterable[Stored], now: dt.datetime) -> list[Stored]:
    """The files that are neither live nor retired within the grace period. Pure."""
    retired = {item.path for item in manifest.retired if in_grace(item.retired_at, now)}
    named = manifest.live_paths() | retired
    return [item for item in found if item.path not in named]


def leftover_temporaries(found: Iterable[Stored], now: dt.datetime) -> list[Stored]:
    """Half-written files at the root whose writer is surely dead: `*.tmp` older than the grace period, and the logs that
    DuckDB wrote beside them. Pure.

    The age matters because readers, who hold no lock, may be rebuilding the catalog beside this sweep.
    """
    oldest = (now - GRACE).timestamp()
    return [item for item in found if item.path.endswith((".tmp", ".tmp.wal")) and item.modified < oldest]


def sweep(lake: Lake, *, now: dt.datetime, keep_runs: Collection[str]) -> Swept:
    """Remove what no manifest names, and the directories of runs other than `keep_runs`.

    Of a published run the raw replies stay. Must be called inside `lake.writing`, so never while another run
    works.
    """
    lake.require_held()
    files = unnamed(lake.manifest, lake.storage.list("tables"), now)
    files += leftover_temporaries(lake.storage.list(recursive=False), now)
    for item in files:
        lake.storage.delete(item.path)
    lake.storage.delete_empty_directories("tables")
    published = {run.run_id for run in lake.manifest.runs}
    runs = [run_id for run_id in lake.runs.all() if run_id not in keep_runs]
    gone = []
    for run_id in runs:
        lake.runs.remove(run_id, keep_raw=run_id in published)
        if not lake.runs.path(run_id).exists():
            gone.append(run_id)
    return Swept(tuple(item.path for item in files), tuple(gone), sum(item.bytes for item in files))

"""The lake's tables as Delta Lake tables, for Spark, Databricks, Trino, Polars and others: logs over the same files.

The manifest stays the one commit point. The logs follow it, the one of `runs` last, and no file of rows is written for
them: `follow` adds to each log what makes it name the files that the manifest names. What a crash leaves undone is done
by the next command that writes, because it is found by reading the logs and not remembered.

`tables/versions.json` says which version of each table belongs to which run, so that all tables can be read as of one
run. A lake has logs from the first time that they are wanted; to end this, remove that file and every `_delta_log`.
"""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from collector.errors import LakeError
from collector.lake import delta_log, parquet
from collector.lake.delta_log import DeltaState, FileStatistics
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry, Manifest
from collector.lake.storage import Storage, outdated
from collector.lake.table import Table
from collector.lake.tables import RUNS, SNAPSHOTS, TABLES

VERSIONS: Final = "tables/versions.json"
_LAST_CHECKPOINT: Final = "_last_checkpoint"

Versions = dict[str, Any]


def follow(lake: Lake, now: dt.datetime, *, wanted: bool = False) -> bool:
    """Make the Delta logs name what the manifest names, where they exist or are `wanted`; return whether they do now.

    Raises NotPublished or SettingsError when they cannot be written, LakeError when a new file cannot be read; what is
    missing is done the next time. Must be called inside `lake.writing`.
    """
    lake.require_lock()
    before = _read_versions(lake.storage)
    if before is None and not wanted:
        return False
    if before and before["manifest_sequence"] == lake.manifest.sequence:
        return True
    known = (before or {}).get("tables", {})
    versions: dict[str, int] = {}
    rewritten: set[str] = set()
    # Whoever sees a run in `runs` finds its rows in every other table.
    for table in sorted(TABLES.values(), key=lambda each: each is RUNS):
        state = read_state(lake.storage, table.name)
        is_behind = state.version != known.get(table.name, -1)
        if _commit(lake, table, state, round(now.timestamp() * 1000)) or is_behind:
            rewritten.add(table.name)
        versions[table.name] = state.version
    content = json.dumps(versions_of_runs(before, lake.manifest, versions, rewritten), indent=1)
    lake.storage.replace(VERSIONS, content.encode())
    return True


def read_state(storage: Storage, table: str) -> DeltaState:
    """Return what the log of a table says: its last checkpoint, and every commit after that."""
    state = DeltaState()
    with suppress(FileNotFoundError):
        last = json.loads(storage.read(_path(table, _LAST_CHECKPOINT)))["version"]
        with storage.fetched(_path(table, f"{last:020}.checkpoint.parquet")) as path:
            rows = parquet.read_rows(path, delta_log.CHECKPOINT_SCHEMA.names)
        state.apply(last, rows)
    with suppress(FileNotFoundError):
        while True:
            lines = storage.read(_path(table, f"{state.version + 1:020}.json")).splitlines()
            state.apply(state.version + 1, map(json.loads, lines))
    return state


def versions_of_runs(
    before: Versions | None, manifest: Manifest, versions: dict[str, int], rewritten: set[str]
) -> Versions:
    """Return what `versions.json` says: for each run the version of each table from which it can be read.

    A version whose files were replaced (`rewritten`) loses them soon. Of a table that keeps every run the newest
    version takes its place: its rows of later runs have a greater run_id. Of a snapshot nothing can.
    """
    known: dict[str, dict[str, int]] = {run["run_id"]: run["tables"] for run in (before or {}).get("runs", [])}
    newest = manifest.latest.run_id if manifest.latest else None
    runs = []
    for run in manifest.runs:
        kept = {name: old for name, old in known.get(run.run_id, {}).items() if name not in rewritten}
        tables = {
            name: kept.get(name, version)
            for name, version in versions.items()
            if name in kept or name not in SNAPSHOTS or run.run_id == newest
        }
        runs.append({"run_id": run.run_id, "tables": tables})
    return {
        "about": "Read each table at the version named for a run and keep the rows with run_id <= that run's.",
        "manifest_sequence": manifest.sequence,
        "tables": versions,
        "runs": runs,
    }


def _commit(lake: Lake, table: Table, state: DeltaState, at_ms: int) -> bool:
    """Add the commit that a log lacks, if it lacks one, and return whether that removes files."""
    entries = lake.manifest.tables.get(table.name, [])
    new = delta_log.new_files(state, table.name, entries)
    copies = lake.storage.copies(new)
    found = {entry.path: _statistics(path, entry) for path, entry in zip(copies, new, strict=True)}
    run_id = lake.manifest.latest.run_id if lake.manifest.latest else None
    sequence = lake.manifest.sequence
    commit = delta_log.next_commit(state, table, entries, found, sequence=sequence, run_id=run_id, at_ms=at_ms)
    if commit is None:
        return False
    version = state.version + 1
    if not lake.storage.create(_path(table.name, f"{version:020}.json"), commit.lines()):
        raise outdated(lake.where)
    state.apply(version, commit.actions)
    if version and version % delta_log.CHECKPOINT_EVERY == 0:
        path = _path(table.name, f"{version:020}.checkpoint.parquet")
        rows = delta_log.checkpoint(state, sequence, at_ms)
        parquet.write_checkpoint(lake.storage, path, rows)
        lake.storage.sync(path)
        last = json.dumps({"version": version, "size": len(rows)})
        lake.storage.replace(_path(table.name, _LAST_CHECKPOINT), last.encode())
    return commit.removes


def _statistics(path: Path, entry: FileEntry) -> FileStatistics:
    try:
        return parquet.statistics(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise LakeError(
            f"{entry.path} cannot be read, so the Delta logs stay as they were: {str(error).splitlines()[0]}",
            advice="Restore the file from a copy of the lake (see `collector verify`).",
        ) from error


def _path(table: str, name: str) -> str:
    return f"tables/{table}/_delta_log/{name}"


def _read_versions(storage: Storage) -> Versions | None:
    """Return versions.json; an empty value where it cannot be read, None where there is none."""
    try:
        found: Versions = json.loads(storage.read(VERSIONS))
        return found
    except FileNotFoundError:
        return None
    except ValueError:
        return {}

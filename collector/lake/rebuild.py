"""Rebuilding the manifest from the files: for a lake whose manifest is lost, damaged, or older than they are.

No file is changed or removed. The rows of a run in a table come from one file. Files overlap when one was rewritten
from others that are not swept yet: then the one that was rewritten last counts, and of the others only the runs that it
does not hold.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from collector.errors import CollectorError, LakeError
from collector.lake import inventory, parquet
from collector.lake import manifest as manifests
from collector.lake.compact import rewrite, unknown_to_this_version
from collector.lake.inventory import TableFile
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry, Manifest, RetiredFile, RunEntry
from collector.lake.missing_tables import has_current_actions, is_pruned, missing_tables
from collector.lake.run_directories import started_at
from collector.lake.tables import ALL, SNAPSHOTS, schema_fingerprint

# How many damaged files a message names; the rest are counted.
_NAMED = 3
_RUN_COLUMNS = ("run_id", "run_date", "status", "started_at", "finished_at", "collector_version", "api_url")

Tables = dict[str, list[FileEntry]]
Files = dict[TableFile, FileEntry]


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run that the files hold, whether it is `whole`, and the tables whose rows are missing."""

    run_id: str
    whole: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuilt manifest names: the runs, and the number of files.

    `superseded` are files whose rows are in others, `unfinished` are runs that `collect` continues.
    """

    runs: tuple[FoundRun, ...]
    files: int
    superseded: tuple[str, ...]
    unfinished: tuple[str, ...]


def is_needed(lake: Lake) -> bool:
    """Return whether the manifest on disk is damaged or does not fit the files; no file of a table is read."""
    try:
        lake.require_consistent()
    except LakeError:
        return True
    manifest = _readable_manifests(lake).get(manifests.FILE_NAME)
    files = {file.path for file in inventory.take_inventory(lake.storage).files}
    return manifest is None or not manifest.live_paths() <= files


def rebuild(lake: Lake, *, now: dt.datetime) -> Rebuilt:
    """Write a manifest that names what the files hold, and keep the one before as the first of the earlier ones.

    Where two files hold a part of the same runs, one of them is rewritten without these. Raises LakeError, with nothing
    changed, when there are no files, one is damaged, or a newer collector wrote tables that are not known here. Must be
    called inside `lake.locked`.
    """
    lake.require_lock()
    found = inventory.take_inventory(lake.storage)
    if unknown := sorted(file.table for path in found.foreign if (file := inventory.table_file(path)) is not None):
        raise unknown_to_this_version(f"the table {unknown[0]}")
    # The file of `runs` is written last, so a run that has one has all its files.
    unfinished = found.unfinished - {file.run_id for file in found.files if file.table == "runs" and not file.sequence}
    files = _read_files(lake, [file for file in found.files if file.run_id not in unfinished])
    earlier = _readable_manifests(lake).values()
    sequence = max([*(manifest.sequence for manifest in earlier), *(file.sequence for file in files)])
    lake.manifest = Manifest(sequence=sequence)  # rewritten files are named after the next one
    tables, run_ids = _tables(lake, files)
    missing = missing_tables(lake.storage, tables, run_ids, earlier)
    runs = _run_entries(lake, tables, run_ids, missing)
    live = {entry.path for entries in tables.values() for entry in entries}
    superseded = tuple(sorted({file.path for file in files} - live))
    changed = Manifest(
        sequence=sequence + 1,
        published_at=max(run.finished_at for run in runs),
        # A pruned lake knows actions that were first seen by runs which it does not hold.
        history_begins=run_ids[0] if is_pruned(lake.storage, tables, run_ids[0]) else None,
        runs=runs,
        tables=tables,
        retired=[RetiredFile(path=path, retired_at=now) for path in superseded],
    )
    manifests.decode(manifests.encode(changed))  # raises unless the next command can read it
    lake.replace_manifest(changed)
    return Rebuilt(
        tuple(FoundRun(run_id, not missing[run_id], tuple(missing[run_id])) for run_id in run_ids),
        len(live),
        superseded,
        tuple(sorted(unfinished)),
    )


def _readable_manifests(lake: Lake) -> dict[str, Manifest]:
    """Return the manifests on disk that are not damaged, by file name."""
    found = {}
    for name in (manifests.FILE_NAME, *manifests.EARLIER):
        with suppress(OSError, CollectorError):
            found[name] = manifests.decode(lake.storage.read(name))
    return found


def _read_files(lake: Lake, files: Iterable[TableFile]) -> Files:
    found, damaged = {}, []
    for file in files:
        try:
            found[file] = _read_file(lake, file)
        except (OSError, pa.ArrowException, CollectorError) as error:
            damaged.append(f"{file.path} ({str(error).splitlines()[0]})")
    if damaged:
        more = f" and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
        raise LakeError(
            f"{len(damaged)} files cannot be read: {'; '.join(damaged[:_NAMED])}{more}",
            advice="Nothing was changed. Restore them from a copy of the lake, at the same paths; or move them out of "
            "the lake and run this again, which then says what is missing of their runs.",
        )
    if all(file.table in SNAPSHOTS for file in found):
        raise LakeError(
            f"there are no files of published runs below {lake.path} to rebuild a manifest from",
            advice="Check whether everything is mounted, or restore the lake from a copy.",
        )
    return found


def _read_file(lake: Lake, file: TableFile) -> FileEntry:
    stored = lake.storage.stat(file.path)
    if stored is None:
        raise FileNotFoundError(file.path)
    rows, schema = parquet.read_footer(lake.storage, file.path)
    runs = [file.run_id]
    if file.table not in SNAPSHOTS:  # their rows carry the ids of the runs that saw each action last
        runs = sorted(str(run_id) for (run_id,) in parquet.count_by(lake.storage, file.path, ["run_id"]))
    return FileEntry(
        path=file.path,
        rows=rows,
        bytes=stored.bytes,
        sha256=lake.storage.sha256(file.path),
        schema=schema_fingerprint(schema),
        runs=runs,
        run_month=file.run_month,
    )


def _tables(lake: Lake, files: Files) -> tuple[Tables, list[str]]:
    """Return the entries of every table, and the runs in order."""
    snapshots = sorted((file for file in files if file.table in SNAPSHOTS), key=lambda file: file.run_id)
    names = {file.table for file in files} - SNAPSHOTS
    tables = {name: _without_overlaps(lake, name, files) for name in ALL if name in names}
    run_ids = sorted({run for entries in tables.values() for entry in entries for run in entry.runs})
    # Also a run of which only the snapshots are left is the newest.
    if snapshots and snapshots[-1].run_id > run_ids[-1]:
        run_ids.append(snapshots[-1].run_id)
    newest = {file.table: file for file in snapshots if file.run_id in run_ids}
    known, state = newest.get("last_known_actions"), newest.get("action_state")
    # No action is last known when all were removed since.
    if known and state and known.run_id < state.run_id and not has_current_actions(lake.storage, state.path):
        del newest["last_known_actions"]
    return tables | {name: [files[file]] for name, file in newest.items()}, run_ids


def _without_overlaps(lake: Lake, name: str, files: Files) -> list[FileEntry]:
    """Return the entries of one table, each run in one of them; a file of which only some runs count is rewritten."""
    entries: list[FileEntry] = []
    done: set[str] = set()
    of_table = (file for file in files if file.table == name)
    # The file that was rewritten last first, then the one with the most runs: it was made from the others.
    for file in sorted(of_table, key=lambda file: (-file.sequence, -len(files[file].runs), file.path)):
        entry = files[file]
        runs = set(entry.runs) - done
        done |= runs
        if runs:
            entries.append(entry if len(runs) == len(entry.runs) else rewrite(lake, name, [entry], runs))
    return sorted(entries, key=lambda entry: (entry.run_month, min(entry.runs)))


def _run_entries(
    lake: Lake, tables: Tables, run_ids: Sequence[str], missing: Mapping[str, Sequence[str]]
) -> list[RunEntry]:
    rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in tables.get("runs", ()):
        for row in parquet.read_rows(lake.storage, entry.path, _RUN_COLUMNS):
            rows[row["run_id"]].append(row)
    return [_run_entry(run_id, rows[run_id], complete=not missing[run_id]) for run_id in run_ids]


def _run_entry(run_id: str, rows: Sequence[dict[str, Any]], *, complete: bool) -> RunEntry:
    """Return a run as its rows in `runs` describe it; without rows, what its id says."""
    began = started_at(run_id)
    utc = {name: [row[name].replace(tzinfo=dt.UTC) for row in rows] for name in ("started_at", "finished_at")}
    return RunEntry(
        run_id=run_id,
        run_date=rows[0]["run_date"] if rows else began.date(),
        status="complete" if complete and all(row["status"] == "complete" for row in rows) else "partial",
        started_at=min(utc["started_at"], default=began),
        finished_at=max(utc["finished_at"], default=began),
        collector_version=rows[0]["collector_version"] if rows else "",
        api_urls=[row["api_url"] for row in rows],
    )

"""Rebuilding the manifest from the files: for a lake whose manifest is lost, damaged, or older than they are.

No file is changed or removed. The rows of a run in a table come from one file. Files overlap when one was rewritten
from others that are not swept yet: then the one that was rewritten last counts, and of the others only the runs that it
does not hold.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from collector.errors import CollectorError, LakeError
from collector.lake import manifest as manifests
from collector.lake import parquet
from collector.lake.compact import rewrite, unknown_to_this_version
from collector.lake.inventory import TableFile, table_file, take_inventory
from collector.lake.lake import Lake
from collector.lake.local_files import sha256_of
from collector.lake.manifest import FileEntry, Manifest, RetiredFile, RunEntry
from collector.lake.missing_tables import Tables, has_current_actions, is_pruned, missing_tables
from collector.lake.run_directories import started_at
from collector.lake.table import schema_fingerprint
from collector.lake.tables import ALL, SNAPSHOTS

_RUN_COLUMNS = (
    "run_id",
    "installation",
    "run_date",
    "status",
    "started_at",
    "finished_at",
    "collector_version",
    "api_url",
)
Files = dict[TableFile, FileEntry]


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run that the files hold, whether it is `whole`, and the tables whose rows are missing."""

    run_id: str
    whole: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The runs and the number of files that are named, files whose rows are in others, and runs to be continued."""

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
    return manifest is None or not manifest.live_paths() <= {file.path for file in take_inventory(lake.storage).files}


def rebuild(lake: Lake, *, now: dt.datetime) -> Rebuilt:
    """Write a manifest that names what the files hold, and keep the one before as the first of the earlier ones.

    Where two files hold a part of the same runs, one of them is rewritten without these. Raises LakeError, with nothing
    changed, when there are no files, one is damaged, or a newer collector wrote tables that are not known here. Must be
    called inside `lake.locked`.
    """
    lake.require_lock()
    found = take_inventory(lake.storage)
    if unknown := sorted(file.table for path in found.foreign if (file := table_file(path)) is not None):
        raise unknown_to_this_version(f"the table {unknown[0]}")
    # The file of `runs` is written last, so a run that has one has all its files.
    unfinished = found.unfinished - {file.run_id for file in found.files if file.table == "runs"}
    files = _read_files(lake, [file for file in found.files if file.run_id not in unfinished])
    earlier = _readable_manifests(lake).values()
    sequence = max([*(manifest.sequence for manifest in earlier), *(file.sequence for file in files)])
    lake.manifest = Manifest(sequence=sequence)  # rewritten files are named after the next one
    tables, run_ids = _tables(lake, files)
    missing = missing_tables(lake.storage, tables, run_ids, earlier)
    rows = defaultdict(list)
    for entry in tables.get("runs", ()):
        [path] = lake.storage.copies([entry])
        for row in parquet.read_rows(path, _RUN_COLUMNS):
            rows[row["run_id"]].append(row)
    runs = [_run_entry(run_id, rows[run_id], is_whole=not missing[run_id]) for run_id in run_ids]
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
    seen = None
    manifests.decode(manifests.encode(changed))  # raises unless the next command can read it
    with suppress(FileNotFoundError):
        seen = lake.storage.load(manifests.FILE_NAME)
    lake.replace_manifest(changed, seen)
    found_runs = tuple(FoundRun(run_id, not missing[run_id], tuple(missing[run_id])) for run_id in run_ids)
    return Rebuilt(found_runs, len(live), superseded, tuple(sorted(unfinished)))


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
        raise LakeError(
            f"{len(damaged)} files cannot be read, such as {'; '.join(damaged[:3])}",
            advice="Nothing was changed. Restore them from a copy of the lake, at the same paths; or move them out of "
            "the lake and run this again, which then says what is missing of their runs.",
        )
    if all(file.table in SNAPSHOTS for file in found):
        raise LakeError(
            f"there are no files of published runs below {lake.where} to rebuild a manifest from",
            advice="Check whether everything is mounted, or restore the lake from a copy.",
        )
    return found


def _read_file(lake: Lake, file: TableFile) -> FileEntry:
    with lake.storage.fetched(file.path) as path:
        footer = parquet.read_footer(path)
        runs = [file.run_id]
        if file.table not in SNAPSHOTS:  # their rows carry the ids of the runs that saw each action last
            runs = sorted(run_id for (run_id,) in parquet.count_by(path, ["run_id"]))
        return FileEntry(
            path=file.path,
            rows=footer.rows,
            bytes=path.stat().st_size,
            sha256=sha256_of(path),
            schema=schema_fingerprint(footer.schema),
            runs=runs,
            run_month=file.run_month,
        )


def _tables(lake: Lake, files: Files) -> tuple[Tables, list[str]]:
    """Return the entries of every table, and the runs in order."""
    snapshots = sorted(
        (file for file in files if file.table in SNAPSHOTS), key=lambda file: (file.sequence, file.run_id)
    )
    names = {file.table for file in files} - SNAPSHOTS
    tables = {name: _without_overlaps(lake, name, files) for name in ALL if name in names}
    run_ids = sorted({run for entries in tables.values() for entry in entries for run in entry.runs})
    # Also a run of which only the snapshots are left is the newest.
    if snapshots and snapshots[-1].run_id > run_ids[-1]:
        run_ids.append(snapshots[-1].run_id)
    newest = {file.table: file for file in snapshots if file.run_id in run_ids}
    tables |= {name: [files[file]] for name, file in newest.items()}
    known, state = newest.get("last_known_actions"), newest.get("action_state")
    # No action is last known when all were removed since.
    if known and state and known.run_id < state.run_id and not has_current_actions(lake.storage, tables):
        del tables[known.table]
    return tables, run_ids


def _without_overlaps(lake: Lake, name: str, files: Files) -> list[FileEntry]:
    """Return the entries of one table, each run in one of them; a file of which only some runs count is rewritten."""
    entries: list[FileEntry] = []
    done: set[str] = set()
    # The file that was rewritten last first, then the one with the most runs: it was made from the others.
    for file, entry in sorted(files.items(), key=lambda each: (-each[0].sequence, -len(each[1].runs), each[1].path)):
        runs = set(entry.runs) - done if file.table == name else set()
        done |= runs
        if runs:
            entries.append(entry if len(runs) == len(entry.runs) else rewrite(lake, name, [entry], runs))
    return sorted(entries, key=lambda entry: (entry.run_month, min(entry.runs)))


def _run_entry(run_id: str, rows: Sequence[dict[str, Any]], *, is_whole: bool) -> RunEntry:
    """Return a run as its rows in `runs` describe it; without rows, what its id says."""
    began = started_at(run_id)
    unknown: dict[str, Any] = {
        "run_date": began.date(),
        "collector_version": "",
        "started_at": began,
        "finished_at": began,
    }
    first = rows[0] if rows else unknown
    return RunEntry(
        run_id=run_id,
        run_date=first["run_date"],
        status="complete" if is_whole and all(row["status"] == "complete" for row in rows) else "partial",
        started_at=min(row["started_at"] for row in (*rows, first)).replace(tzinfo=dt.UTC),
        finished_at=max(row["finished_at"] for row in (*rows, first)).replace(tzinfo=dt.UTC),
        collector_version=first["collector_version"],
        api_urls=[row["api_url"] for row in rows],
        installations=[row["installation"] for row in rows],
    )

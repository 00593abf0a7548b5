"""What is in a lake's directories, and which of it the manifest accounts for.

The files that the collector wrote are recognised by their names. No file is opened here and no symbolic link is
followed. A file with any other name was not made by the collector, which therefore never deletes it.

Files that a manifest does not name although their run was published are history, not leftovers (consistency.py).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from collector.lake.manifest import RUN_ID, Manifest, in_grace
from collector.lake.run_directories import (
    CLAIM,
    JOURNAL_PREFIX,
    OWN_PREFIXES,
    RAW_PREFIX,
    REJECTED_PREFIX,
    RunDirectories,
)
from collector.lake.run_directories import FOLDER as RUNS_FOLDER
from collector.lake.storage import Storage, StoredFile
from collector.lake.tables import ALL, SNAPSHOTS

FOLDER = "tables"
_RUN_ID = RUN_ID.removeprefix("^").removesuffix(r"\Z")
_MONTH = r"run_month=(?P<month>\d{4}-\d{2})"
_NAME = rf"(?P<run_id>{_RUN_ID})(?:-s(?P<sequence>\d+)(?:-[0-9a-f]+)?)?"
_FILE = re.compile(rf"{FOLDER}/(?P<table>\w+)/{_MONTH}/{_NAME}\.parquet")
# A directory that the collector makes for files of tables.
DIRECTORY = re.compile(rf"{FOLDER}/(?:{'|'.join(ALL)})(?:/{_MONTH})?")
# What the collector leaves at the root when it is killed while it writes.
TEMPORARY = re.compile(r"(?:manifest\.json(?:\.\d+)?|catalog\.duckdb(?:\.\d+)?)\.tmp(?:\.wal)?")
# Where others write at the same time, a file that no manifest names may be one that is being published. It is left
# alone for longer than any publish takes.
PUBLISHED_WITHIN = dt.timedelta(days=1)
# What file systems and people put into a directory before it becomes a lake.
IGNORED = re.compile(r"\..*|lost\+found")
_CLAIM = re.compile(rf"{RUNS_FOLDER}/{_RUN_ID}/{re.escape(CLAIM)}")


@dataclass(frozen=True, slots=True)
class TableFile:
    """What the name of a table's file says.

    `run_id` is the run that wrote it; of a rewritten file, its first run, and `sequence` that of the first manifest
    which named it.
    """

    path: str
    table: str
    run_month: str
    run_id: str
    sequence: int = 0
    modified: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """The files below tables/ and runs/; `foreign` are the paths of those that the collector did not make.

    `unfinished` are the runs with a journal, `only_raw` those with raw replies alone, which were published, and
    `claims` those that show other machines a run.
    """

    files: tuple[TableFile, ...]
    foreign: tuple[str, ...]
    unfinished: frozenset[str]
    only_raw: frozenset[str]
    claims: tuple[StoredFile, ...] = ()


def path_of(table: str, run_month: str, run_id: str, sequence: int = 0, unique: str = "") -> str:
    """Return the path of a new file; `sequence` is that of the manifest that will name a rewritten file.

    Hexadecimal digits in `unique` keep apart the files that several machines write for one sequence.
    """
    suffix = f"-s{sequence}{unique and '-'}{unique}" if sequence else ""
    return f"{FOLDER}/{table}/run_month={run_month}/{run_id}{suffix}.parquet"


def table_file(path: str) -> TableFile | None:
    """Return what a path says of its file, None when the collector does not name files so."""
    found = _FILE.fullmatch(path)
    if found is None:
        return None
    return TableFile(path, found["table"], found["month"], found["run_id"], int(found["sequence"] or 0))


def take_inventory(storage: Storage) -> Inventory:
    """List tables/ and runs/. Raises NotPublished or SettingsError when the disk cannot be read."""
    files, foreign = [], []
    for file in storage.files(FOLDER):
        known = table_file(file.path) if file.regular else None
        if known is not None and known.table in ALL:
            files.append(replace(known, modified=file.modified))
        else:
            foreign.append(file.path)
    names = RunDirectories(storage.work_root).contents()
    own = tuple(f"{RUNS_FOLDER}/{run_id}/{prefix}" for run_id in names for prefix in OWN_PREFIXES)
    in_runs = storage.files(RUNS_FOLDER)
    claims = tuple(file for file in in_runs if storage.shared and _CLAIM.fullmatch(file.path))
    foreign += [file.path for file in in_runs if not file.path.startswith(own) and file not in claims]
    foreign = [path for path in foreign if not any(map(IGNORED.fullmatch, path.split("/")))]
    unfinished = _runs_with(names, (JOURNAL_PREFIX, REJECTED_PREFIX)) | set(map(claimed_run, claims))
    only_raw = _runs_with(names, (RAW_PREFIX,)) - unfinished
    return Inventory(tuple(files), tuple(foreign), unfinished, only_raw, claims)


def claim_of(run_id: str) -> str:
    """Return the path of the claim of a run."""
    return f"{RUNS_FOLDER}/{run_id}/{CLAIM}"


def claimed_run(claim: StoredFile) -> str:
    """Return the run that a claim is for."""
    return claim.path.split("/")[1]


def _runs_with(names: Mapping[str, Iterable[str]], prefixes: tuple[str, ...]) -> frozenset[str]:
    return frozenset(run_id for run_id, each in names.items() if any(name.startswith(prefixes) for name in each))


def leftovers(inventory: Inventory, manifest: Manifest, now: dt.datetime) -> list[TableFile]:
    """Return the files that nothing needs: of runs that died before publishing, and those superseded long ago."""
    kept = manifest.live_paths() | {item.path for item in manifest.retired if in_grace(item.retired_at, now)}
    kept.update(file.path for file in unknown_files(inventory, manifest))
    damaged = tables_of_missing_files(inventory, manifest)
    return [
        file
        for file in inventory.files
        if file.path not in kept and file.table not in damaged and _is_settled(file.modified, now)
    ]


def stale_claims(inventory: Inventory, manifest: Manifest, now: dt.datetime) -> list[str]:
    """Return the claims that no run needs: of runs published a day ago, and of runs that died and left no file."""
    with_files = {file.run_id for file in inventory.files}
    needed = with_files - {run.run_id for run in manifest.runs}
    return [
        claim.path
        for claim in inventory.claims
        if claimed_run(claim) not in needed and _is_settled(claim.modified, now)
    ]


def _is_settled(modified: dt.datetime | None, now: dt.datetime) -> bool:
    return modified is None or now - modified > PUBLISHED_WITHIN


def unknown_files(inventory: Inventory, manifest: Manifest) -> list[TableFile]:
    """Return the files of runs, or of rewrites, that the manifest does not know."""
    accounted_for = manifest.live_paths() | {item.path for item in manifest.retired}
    published = {run.run_id for run in manifest.runs}
    damaged = tables_of_missing_files(inventory, manifest)
    unfinished = inventory.unfinished - published
    live = {(table, run) for table, entries in manifest.tables.items() for entry in entries for run in entry.runs}

    def is_known(file: TableFile) -> bool:
        if file.path in accounted_for or file.run_id in unfinished or _is_pruned(manifest, file.run_id):
            return True
        # While named files of its table are missing, a file that is not named may hold their rows.
        if file.run_id not in published or file.table in damaged:
            return False
        if file.sequence:
            # One more than the manifest's: a rewrite that died before it committed its manifest.
            return file.sequence <= manifest.sequence + 1
        # Of a snapshot only the newest file is live. A file of another table whose run no live file holds was put back.
        superseded = file.table in SNAPSHOTS and file.run_id != manifest.runs[-1].run_id
        return superseded or (file.table, file.run_id) in live

    return [file for file in inventory.files if not is_known(file)]


def unknown_runs(inventory: Inventory, manifest: Manifest) -> list[str]:
    """Return the runs that the manifest does not know although they were published: their raw replies were kept."""
    published = {run.run_id for run in manifest.runs}
    return sorted(run for run in inventory.only_raw - published if not _is_pruned(manifest, run))


def _is_pruned(manifest: Manifest, run_id: str) -> bool:
    """Return whether a run is earlier than all that pruning has left."""
    return manifest.history_begins is not None and all(run_id < run.run_id for run in manifest.runs)


def tables_of_missing_files(inventory: Inventory, manifest: Manifest) -> list[str]:
    """Return the table of every live file that is missing, once for each file."""
    found = {file.path for file in inventory.files}
    return [table for table, entries in manifest.tables.items() for entry in entries if entry.path not in found]

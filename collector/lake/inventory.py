"""What is in a lake's directories, and whether the manifest accounts for it.

The files that the collector wrote are recognised by their names. No file is opened here and no symbolic link is
followed. A file with any other name was not made by the collector, which therefore never deletes it.

A manifest may be missing, or be older than the files, as after an incomplete restore. Files that such a manifest does
not name are history, not leftovers; every command that would write is refused until the manifest fits them again.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from collector.errors import LakeError
from collector.lake.manifest import EARLIER, FILE_NAME, RESTORE, RUN_ID, Manifest, in_grace
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
_IGNORED = re.compile(r"\..*|lost\+found")
_SETTINGS_OR_LOG = re.compile(r"collector\..+")
_CATALOG = "catalog.duckdb"
_CLAIM = re.compile(rf"{RUNS_FOLDER}/{_RUN_ID}/{re.escape(CLAIM)}")
# How many paths a message names.
_NAMED = 3


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
    foreign = [path for path in foreign if not any(map(_IGNORED.fullmatch, path.split("/")))]
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
    damaged = _tables_of_missing_files(inventory, manifest)
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
    damaged = _tables_of_missing_files(inventory, manifest)
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


def require_consistent(storage: Storage, manifest: Manifest | None, expected: frozenset[Path] = frozenset()) -> None:
    """Raise LakeError unless the manifest accounts for all files, or there is none and the directory fits a new lake.

    `expected` are files of others that may be in the directory of a new lake.
    """
    inventory = take_inventory(storage)
    if manifest is None:
        require_never_published(storage, inventory)
        _require_nothing_foreign(storage, inventory, expected)
        return
    if files := unknown_files(inventory, manifest):
        missing = len(_tables_of_missing_files(inventory, manifest))
        also = f", and names {missing} that are missing" if missing else ""
        newest = max(files, key=lambda file: file.run_id)
        raise LakeError(
            f"tables/ holds {_count(files)} of published runs that {FILE_NAME} does not name "
            f"(such as {newest.path}){also}: the manifest is older than the files, or they were put back",
            advice=RESTORE,
        )
    if runs := unknown_runs(inventory, manifest):
        raise LakeError(
            f"runs/ holds raw replies of published runs that {FILE_NAME} does not name (such as {runs[-1]}): "
            "the manifest is older than the replies",
            advice=RESTORE,
        )


def require_never_published(storage: Storage, inventory: Inventory) -> None:
    """Raise LakeError when a directory without a manifest shows that a run was published there.

    What a first run leaves when it dies, at whatever moment, does not show that.
    """
    if any(file.run_id not in inventory.unfinished for file in inventory.files):
        raise no_manifest(storage, "missing")
    present = {file.path for file in storage.names()}
    signs = [name for name in (*EARLIER, _CATALOG) if name in present]
    signs += [f"runs/{run_id} (raw replies of a published run)" for run_id in sorted(inventory.only_raw)]
    if signs:
        raise LakeError(
            f"{FILE_NAME} is missing in {storage.where}, where a run was published: "
            f"it holds {', '.join(signs[:_NAMED])}",
            advice=f"{RESTORE} If tables/ is empty as well, check first whether everything is mounted.",
        )


def no_manifest(storage: Storage, state: str) -> LakeError:
    """Return the error for a manifest that is missing or empty (`state`), with what else the directory holds."""
    files = take_inventory(storage).files
    tables = f"tables/ holds {_count(files)} and " if files else ""
    return LakeError(f"{tables}{FILE_NAME} is {state} in {storage.where}", advice=RESTORE)


def _require_nothing_foreign(storage: Storage, inventory: Inventory, expected: frozenset[Path]) -> None:
    if inventory.unfinished:
        return  # a first run was begun here, so this is a lake, whatever else is in it
    foreign = [*_foreign_at_root(storage, expected), *inventory.foreign]
    if foreign:
        raise LakeError(
            f"{storage.where} is not empty and no lake: it holds {', '.join(foreign[:_NAMED])}, and no {FILE_NAME}",
            advice="Nothing was changed. Name an empty or a new directory with --lake, or the lake itself.",
        )


def _is_pruned(manifest: Manifest, run_id: str) -> bool:
    """Return whether a run is earlier than all that pruning has left."""
    return manifest.history_begins is not None and all(run_id < run.run_id for run in manifest.runs)


def _count(files: Sequence[TableFile]) -> str:
    return f"{len(files)} file{'s' * (len(files) != 1)}"


def _tables_of_missing_files(inventory: Inventory, manifest: Manifest) -> list[str]:
    """Return the table of every live file that is missing, once for each file."""
    found = {file.path for file in inventory.files}
    return [table for table, entries in manifest.tables.items() for entry in entries if entry.path not in found]


def _foreign_at_root(storage: Storage, expected: frozenset[Path]) -> list[str]:
    """Return the names at a lake's root that are neither the collector's nor a file system's, nor `expected`."""
    root = storage.work_root
    named = {path.relative_to(root).parts[0] for path in expected if path.is_relative_to(root) and path != root}
    return sorted(
        item.path
        for item in storage.names()
        if item.path not in {FOLDER, RUNS_FOLDER, *named}
        and not TEMPORARY.fullmatch(item.path)
        and not _IGNORED.fullmatch(item.path)
        and not (_SETTINGS_OR_LOG.fullmatch(item.path) and item.regular)
    )

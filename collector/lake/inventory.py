"""What is in a lake's directories: the files that the collector wrote, recognised by their names, and everything else.

No file is opened here and no symbolic link is followed. A file with any other name was not made by the collector, which
therefore never deletes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from collector.lake.manifest import RUN_ID
from collector.lake.run_directories import FOLDER as RUNS_FOLDER
from collector.lake.run_directories import JOURNAL_PREFIX, OWN_PREFIXES, RAW_PREFIX, REJECTED_PREFIX, RunDirectories
from collector.lake.storage import Storage
from collector.lake.tables import ALL

FOLDER = "tables"
_RUN_ID = RUN_ID.removeprefix("^").removesuffix(r"\Z")
_MONTH = r"run_month=(?P<month>\d{4}-\d{2})"
_FILE = re.compile(rf"{FOLDER}/(?P<table>\w+)/{_MONTH}/(?P<run_id>{_RUN_ID})(?:-s(?P<sequence>\d+))?\.parquet")
_DIRECTORY = re.compile(rf"{FOLDER}/(?:{'|'.join(ALL)})(?:/{_MONTH})?")
# What the collector leaves at the root when it is killed while it writes.
TEMPORARY = re.compile(r"(?:manifest\.json(?:\.\d+)?|catalog\.duckdb(?:\.\d+)?)\.tmp(?:\.wal)?")
# What file systems and people put into a directory before it becomes a lake.
_IGNORED = re.compile(r"\..*|lost\+found")
_SETTINGS_OR_LOG = re.compile(r"collector\..+")


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


@dataclass(frozen=True, slots=True)
class Inventory:
    """The files below tables/ and runs/; `foreign` are the paths of those that the collector did not make.

    `unfinished` are the runs with a journal, `only_raw` those with raw replies alone, which were published.
    """

    files: tuple[TableFile, ...]
    foreign: tuple[str, ...]
    unfinished: frozenset[str]
    only_raw: frozenset[str]


def path_of(table: str, run_month: str, run_id: str, sequence: int = 0) -> str:
    """Return the path of a new file; `sequence` is that of the manifest that will name a rewritten file."""
    suffix = f"-s{sequence}" if sequence else ""
    return f"{FOLDER}/{table}/run_month={run_month}/{run_id}{suffix}.parquet"


def table_file(path: str) -> TableFile | None:
    """Return what a path says of its file, None when the collector does not name files so."""
    found = _FILE.fullmatch(path)
    if found is None:
        return None
    return TableFile(path, found["table"], found["month"], found["run_id"], int(found["sequence"] or 0))


def is_own_directory(path: str) -> bool:
    """Return whether the collector makes a directory of that name for files of tables."""
    return _DIRECTORY.fullmatch(path) is not None


def take_inventory(storage: Storage) -> Inventory:
    """List tables/ and runs/. Raises NotPublished or SettingsError when the disk cannot be read."""
    files, foreign = [], []
    for path, is_regular in storage.list(FOLDER):
        known = table_file(path) if is_regular else None
        if known is not None and known.table in ALL:
            files.append(known)
        else:
            foreign.append(path)
    names = RunDirectories(storage.root).contents()
    own = tuple(f"{RUNS_FOLDER}/{run_id}/{prefix}" for run_id in names for prefix in OWN_PREFIXES)
    foreign += [path for path, _ in storage.list(RUNS_FOLDER) if not path.startswith(own)]
    foreign = [path for path in foreign if not any(map(_IGNORED.fullmatch, path.split("/")))]
    unfinished = _runs_with(names, (JOURNAL_PREFIX, REJECTED_PREFIX))
    return Inventory(tuple(files), tuple(foreign), unfinished, _runs_with(names, (RAW_PREFIX,)) - unfinished)


def _runs_with(names: Mapping[str, Iterable[str]], prefixes: tuple[str, ...]) -> frozenset[str]:
    return frozenset(run_id for run_id, each in names.items() if any(name.startswith(prefixes) for name in each))


def foreign_at_root(root: Path, expected: frozenset[Path]) -> list[str]:
    """Return the names in a lake's directory that are neither the collector's nor a file system's, nor `expected`."""
    named = {path.relative_to(root).parts[0] for path in expected if path.is_relative_to(root) and path != root}
    return sorted(
        item.name
        for item in root.iterdir()
        if item.name not in {FOLDER, RUNS_FOLDER, *named}
        and not TEMPORARY.fullmatch(item.name)
        and not _IGNORED.fullmatch(item.name)
        and not (_SETTINGS_OR_LOG.fullmatch(item.name) and item.is_file())
    )

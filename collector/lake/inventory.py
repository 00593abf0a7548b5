"""What stands in a lake's directories: the files that the collector wrote, known by their names, and all other things.

No file is opened here and no symbolic link is followed. What is not named as below was not made by the collector, and
is never deleted by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from collector.lake.manifest import RUN_ID
from collector.lake.run_directories import RunDirectories, is_of_run
from collector.lake.storage import Storage
from collector.lake.tables import ALL

FOLDER = "tables"
_RUN_ID = RUN_ID.removeprefix("^").removesuffix(r"\Z")
_MONTH = r"run_month=(?P<month>\d{4}-\d{2})"
_FILE = re.compile(rf"{FOLDER}/(?P<table>\w+)/{_MONTH}/(?P<run_id>{_RUN_ID})(?:-s(?P<sequence>\d+))?\.parquet")
_DIRECTORY = re.compile(rf"{FOLDER}/(?:{'|'.join(ALL)})(?:/{_MONTH})?")
# What the collector leaves at the root when it dies while it writes.
TEMPORARY = re.compile(r"(?:manifest\.json(?:\.\d+)?|catalog\.duckdb(?:\.\d+)?)\.tmp(?:\.wal)?")
# What file systems and people put into a directory before it is used.
_EXPECTED = re.compile(r"\..*|lost\+found")
_SAME_NAME = re.compile(r"collector\..+")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file of a table by its name: the run that wrote it or, when rewritten, its first run and the manifest's sequence."""

    path: str
    table: str
    run_month: str
    run_id: str
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Inventory:
    """What stands below tables/ and runs/.

    `unfinished` are the runs that left a journal, `raw` those of which only raw replies are left, as after publishing.
    """

    files: tuple[TableFile, ...]
    foreign: tuple[str, ...]
    unfinished: frozenset[str]
    raw: frozenset[str]


def path_of(table: str, run_month: str, run_id: str, sequence: int = 0) -> str:
    """The path of a new file; `sequence` is that of the manifest that will name a rewritten file."""
    suffix = f"-s{sequence}" if sequence else ""
    return f"{FOLDER}/{table}/run_month={run_month}/{run_id}{suffix}.parquet"


def table_file(path: str) -> TableFile | None:
    """What a path says of its file, None when the collector names no file so."""
    found = _FILE.fullmatch(path)
    if found is None:
        return None
    return TableFile(path, found["table"], found["month"], found["run_id"], int(found["sequence"] or 0))


def is_own_directory(path: str) -> bool:
    """Whether the collector makes a directory of that name for files of tables."""
    return _DIRECTORY.fullmatch(path) is not None


def take(storage: Storage, runs: RunDirectories) -> Inventory:
    """List tables/ and runs/. Raises NotPublished or SettingsError when the disk does not answer."""
    files, foreign = [], []
    for item in storage.list(FOLDER):
        known = table_file(item.path) if item.regular else None
        if known is not None and known.table in ALL:
            files.append(known)
        elif not _expected(item.path):
            foreign.append(item.path)
    foreign += [
        item.path for item in storage.list(runs.folder.name) if not is_of_run(item.path) and not _expected(item.path)
    ]
    return Inventory(tuple(files), tuple(foreign), frozenset(runs.unfinished()), frozenset(runs.only_raw()))


def foreign_at_root(root: Path, besides: frozenset[Path]) -> list[str]:
    """The names in a lake's directory that neither the collector nor a file system puts there; `besides` are expected."""
    expected = {path.relative_to(root).parts[0] for path in besides if path.is_relative_to(root) and path != root}
    own = {FOLDER, "runs", *expected}
    return sorted(
        item.name
        for item in root.iterdir()
        if item.name not in own
        and not TEMPORARY.fullmatch(item.name)
        and not _EXPECTED.fullmatch(item.name)
        and not (_SAME_NAME.fullmatch(item.name) and item.is_file())
    )


def _expected(path: str) -> bool:
    return any(_EXPECTED.fullmatch(part) for part in path.split("/"))

"""Whether the manifest accounts for the files of a lake; every command that would write is refused where it does not.

A manifest may be missing, or be older than the files, as after an incomplete restore.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from collector.errors import LakeError
from collector.lake.inventory import (
    FOLDER,
    IGNORED,
    TEMPORARY,
    Inventory,
    TableFile,
    tables_of_missing_files,
    take_inventory,
    unknown_files,
    unknown_runs,
)
from collector.lake.manifest import EARLIER, FILE_NAME, RESTORE, Manifest, damaged, decode
from collector.lake.run_directories import FOLDER as RUNS_FOLDER
from collector.lake.storage import Loaded, Storage, translated

_SETTINGS_OR_LOG = re.compile(r"collector\..+")
_CATALOG = "catalog.duckdb"
# How many paths a message names.
_NAMED = 3


def read_manifest(storage: Storage) -> tuple[Manifest | None, Loaded | None]:
    """Return the manifest and what it was read from; None where there is none."""
    try:
        loaded = storage.load(FILE_NAME)
    except (FileNotFoundError, NotADirectoryError):
        return None, None
    except IsADirectoryError as error:
        raise damaged("it is not a file") from error
    except OSError as error:
        raise translated(error, f"{storage.where}/{FILE_NAME}") from error
    if not loaded.content.strip(b" \t\r\n\0"):
        raise no_manifest(storage, "empty")
    return decode(loaded.content), loaded


def require_consistent(storage: Storage, expected: frozenset[Path] = frozenset()) -> None:
    """Raise LakeError unless the stored manifest accounts for all files, or there is none and a new lake fits here.

    `expected` are files of others that may be in the directory of a new lake. Where others may publish meanwhile, both
    are read again when the manifest has changed in between.
    """
    while True:
        manifest, _ = read_manifest(storage)
        try:
            _require_accounted_for(storage, manifest, expected)
        except LakeError:
            if storage.shared and read_manifest(storage)[0] != manifest:
                continue
            raise
        return


def _require_accounted_for(storage: Storage, manifest: Manifest | None, expected: frozenset[Path]) -> None:
    inventory = take_inventory(storage)
    if manifest is None:
        require_never_published(storage, inventory)
        _require_nothing_foreign(storage, inventory, expected)
        return
    if files := unknown_files(inventory, manifest):
        missing = len(tables_of_missing_files(inventory, manifest))
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


def _count(files: Sequence[TableFile]) -> str:
    return f"{len(files)} file{'s' * (len(files) != 1)}"


def _foreign_at_root(storage: Storage, expected: frozenset[Path]) -> list[str]:
    """Return the names at a lake's root that are neither the collector's nor a file system's, nor `expected`."""
    root = storage.work_root
    named = {path.relative_to(root).parts[0] for path in expected if path.is_relative_to(root) and path != root}
    return sorted(
        item.path
        for item in storage.names()
        if item.path not in {FOLDER, RUNS_FOLDER, *named}
        and not TEMPORARY.fullmatch(item.path)
        and not IGNORED.fullmatch(item.path)
        and not (_SETTINGS_OR_LOG.fullmatch(item.path) and item.regular)
    )

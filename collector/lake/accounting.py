"""Whether a manifest accounts for the files of its lake: what is live, what is left over, and what is of unknown runs.

A manifest may be missing, or be older than the files, as after half a restore. Files that such a manifest does not name
are history, not leftovers; whoever would write is refused until the manifest fits them again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

from collector.errors import LakeError
from collector.lake import manifest as manifests
from collector.lake.inventory import Inventory, TableFile, foreign_at_root, take
from collector.lake.manifest import Manifest, in_grace
from collector.lake.run_directories import RunDirectories
from collector.lake.storage import Storage
from collector.lake.tables import SNAPSHOTS

RESTORE = (
    f"Nothing was changed. Restore {manifests.FILE_NAME} from a copy of the lake, or copy {manifests.FILE_NAME}.1, the "
    "one before the last change, over it; or `collector verify --rebuild-manifest` builds it anew from the files."
)
_CATALOG = "catalog.duckdb"
_MOST_NAMED = 3


def leftovers(inventory: Inventory, manifest: Manifest, now: dt.datetime) -> list[TableFile]:
    """The files that nothing needs: of runs that died before they were published, and those superseded long ago."""
    young = {item.path for item in manifest.retired if in_grace(item.retired_at, now)}
    unknown = set(unknown_files(inventory, manifest))
    harmed = set(_missing(inventory, manifest))
    return [
        file
        for file in _unnamed(inventory, manifest)
        if file.path not in young and file not in unknown and file.table not in harmed
    ]


def unknown_files(inventory: Inventory, manifest: Manifest) -> list[TableFile]:
    """The files of runs, or of rewritings, that the manifest knows nothing of."""
    retired = {item.path for item in manifest.retired}
    published = {run.run_id for run in manifest.runs}
    harmed = set(_missing(inventory, manifest))
    held = {(name, run) for name, entries in manifest.tables.items() for entry in entries for run in entry.runs}

    def known(file: TableFile) -> bool:
        if file.path in retired or file.run_id in inventory.unfinished - published:
            return True
        if pruned(manifest, file.run_id):
            return True
        # While named files of its table are missing, a file that is not named may hold their rows.
        if file.run_id not in published or file.table in harmed:
            return False
        if file.sequence:
            # One more than the manifest's: written by a rewriting that died before its manifest was.
            return file.sequence <= manifest.sequence + 1
        # A file of a run that no live file holds was put back. Of a snapshot only the newest is ever live.
        older = file.table in SNAPSHOTS and file.run_id != manifest.runs[-1].run_id
        return older or (file.table, file.run_id) in held

    return [file for file in _unnamed(inventory, manifest) if not known(file)]


def unknown_runs(inventory: Inventory, manifest: Manifest) -> list[str]:
    """The runs whose raw replies were kept, so that they were published, and that the manifest does not know."""
    published = {run.run_id for run in manifest.runs}
    return sorted(run for run in inventory.raw - published if not pruned(manifest, run))


def pruned(manifest: Manifest, run_id: str) -> bool:
    """Whether a run is earlier than all that pruning has left."""
    return manifest.history_begins is not None and all(run_id < run.run_id for run in manifest.runs)


def require_accounted(
    storage: Storage, runs: RunDirectories, manifest: Manifest | None, besides: frozenset[Path] = frozenset()
) -> None:
    """Raise LakeError unless the manifest accounts for all files, or there is none and the directory is fit for a new lake.

    `besides` are files of others that are expected in the directory.
    """
    inventory = take(storage, runs)
    if manifest is None:
        require_no_lake(storage, runs)
        _require_nothing_foreign(storage, inventory, besides)
        return
    files = unknown_files(inventory, manifest)
    if files:
        missing = len(_missing(inventory, manifest))
        also = f", and names {missing} that are missing" if missing else ""
        newest = max(files, key=lambda file: file.run_id)
        raise LakeError(
            f"tables/ holds {_count(files)} of published runs that {manifests.FILE_NAME} does not name "
            f"(as {newest.path}){also}: it is older than they are, or they were put back",
            advice=RESTORE,
        )
    if unknown := unknown_runs(inventory, manifest):
        raise LakeError(
            f"runs/ holds raw replies of published runs that {manifests.FILE_NAME} does not name (as {unknown[-1]}): "
            "it is older than they are",
            advice=RESTORE,
        )


def what_is_there(storage: Storage, runs: RunDirectories, state: str) -> LakeError:
    """The error for a manifest that is `state` (missing, empty), with what the directory holds besides."""
    files = take(storage, runs).files
    seen = f"tables/ holds {_count(files)} and " if files else ""
    return LakeError(f"{seen}{manifests.FILE_NAME} is {state} in {storage.root}", advice=RESTORE)


def require_no_lake(storage: Storage, runs: RunDirectories) -> None:
    """Raise LakeError when a directory without a manifest shows that a run was published there.

    A first run may have died at any moment: what it left is no such sign.
    """
    inventory = take(storage, runs)
    if any(file.run_id not in inventory.unfinished for file in inventory.files):
        raise LakeError(
            f"tables/ holds {_count(inventory.files)} and {manifests.FILE_NAME} is missing in {storage.root}",
            advice=RESTORE,
        )
    signs = [name for name in (*manifests.EARLIER, _CATALOG) if (storage.root / name).exists()]
    signs += [f"runs/{run_id} (raw replies of a published run)" for run_id in sorted(inventory.raw)]
    if signs:
        raise LakeError(
            f"{storage.root} holds {', '.join(signs[:_MOST_NAMED])}, which only a published lake has, and "
            f"{manifests.FILE_NAME} is missing",
            advice=f"{RESTORE} If tables/ is empty as well, look first whether everything is mounted.",
        )


def _require_nothing_foreign(storage: Storage, inventory: Inventory, besides: frozenset[Path]) -> None:
    if inventory.unfinished:
        return  # what a first run has begun is a lake, whatever was put beside it
    foreign = [*foreign_at_root(storage.root, besides), *inventory.foreign]
    if foreign:
        more = len(foreign) - _MOST_NAMED
        named = ", ".join(foreign[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        raise LakeError(
            f"{storage.root} is not empty and no lake: it holds {named}, and no {manifests.FILE_NAME}",
            advice="Nothing was changed. Name an empty or a new directory with --lake, or the lake itself.",
        )


def _count(files: Sequence[TableFile]) -> str:
    return f"{len(files)} file{'s' * (len(files) != 1)}"


def _unnamed(inventory: Inventory, manifest: Manifest) -> Iterator[TableFile]:
    live = manifest.live_paths()
    return (file for file in inventory.files if file.path not in live)


def _missing(inventory: Inventory, manifest: Manifest) -> list[str]:
    """The tables of the live files that are not there, each as often as it lacks one."""
    there = {file.path for file in inventory.files}
    return [name for name, entries in manifest.tables.items() for entry in entries if entry.path not in there]

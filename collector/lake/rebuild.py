"""Building the manifest anew from the files: for a lake whose manifest is lost, damaged, or older than they are.

No file is changed or removed. The rows of a run in a table come from one file: where files overlap, because one was
written from others and these were not swept yet, the one rewritten last counts, and of the others only the runs that it
does not hold.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from collector.errors import CollectorError, LakeError
from collector.lake import evidence, inventory, parquet
from collector.lake import manifest as manifests
from collector.lake.compact import rewrite, unknown_to_this_version
from collector.lake.evidence import Missing
from collector.lake.inventory import Inventory, TableFile
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry, Manifest, RetiredFile, RunEntry
from collector.lake.run_directories import started_at
from collector.lake.tables import ALL, SNAPSHOTS

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run that the files hold, and what they show to be missing of it."""

    run_id: str
    whole: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What the new manifest names; the rows of `superseded` files are in others, `unfinished` runs go on."""

    runs: tuple[FoundRun, ...]
    files: int
    superseded: tuple[str, ...]
    unfinished: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """A file that was read: by its name, as a manifest says it, and its rows by run."""

    file: TableFile
    entry: FileEntry
    rows: Mapping[str, int]


def is_needed(lake: Lake) -> bool:
    """Whether the manifest on disk cannot be believed, or does not fit the files; reads no file of a table."""
    try:
        lake.require_accounted()
    except LakeError:
        return True
    known = _readable(lake)
    there = {file.path for file in inventory.take(lake.storage, lake.runs).files}
    return manifests.FILE_NAME not in known or not known[manifests.FILE_NAME].live_paths() <= there


def rebuild(lake: Lake, *, now: dt.datetime) -> Rebuilt:
    """Make a manifest that names what the files hold, and keep the one before as the first of the earlier ones.

    Where two files hold a part of the same runs, one of them is written anew without these.
    Raises LakeError, with nothing changed, when there is nothing to build from, a file is damaged, or a newer collector
    wrote tables that are not known here. Must be called inside `lake.holding`.
    """
    lake.require_held()
    there = inventory.take(lake.storage, lake.runs)
    _require_known_tables(there)
    unfinished = there.unfinished - _published_by_files(there)
    found = _read_files(lake, [file for file in there.files if file.run_id not in unfinished])
    known = _readable(lake)
    sequences = [manifest.sequence for manifest in known.values()]
    lake.manifest = Manifest(sequence=max([*sequences, *(each.file.sequence for each in found)]))
    tables: dict[str, list[FileEntry]] = {}
    for name in ALL:
        of_table = [each for each in found if each.file.table == name]
        if of_table and name not in SNAPSHOTS:
            tables[name] = _without_overlaps(lake, of_table)
    run_ids = sorted({run for entries in tables.values() for entry in entries for run in entry.runs})
    # A run of which nothing but what it knew of every action is left still is the newest.
    known_by = max((each.file.run_id for each in found if each.file.table in SNAPSHOTS), default="")
    if known_by > run_ids[-1]:
        run_ids.append(known_by)
    tables |= _snapshots(lake, found, run_ids)
    missing = evidence.missing(lake.storage, tables, run_ids, list(known.values()))
    runs = _run_entries(lake, tables, run_ids, missing)
    named = {entry.path for entries in tables.values() for entry in entries}
    superseded = sorted(each.file.path for each in found if each.file.path not in named)
    # A pruned lake knows actions that were first seen by runs it does not hold.
    begins = run_ids[0] if evidence.is_pruned(lake.storage, tables, run_ids[0]) else None
    changed = Manifest(
        sequence=lake.manifest.sequence + 1,
        published_at=max(run.finished_at for run in runs),
        history_begins=begins,
        runs=runs,
        tables=tables,
        retired=[RetiredFile(path=path, retired_at=now) for path in superseded],
    )
    manifests.decode(manifests.encode(changed))  # it must be one that the next command believes
    lake.swap_manifest(changed)
    return Rebuilt(
        tuple(FoundRun(run_id, not missing[run_id], tuple(missing[run_id])) for run_id in run_ids),
        len(named),
        tuple(superseded),
        tuple(sorted(unfinished)),
    )


def _readable(lake: Lake) -> dict[str, Manifest]:
    """The manifests on disk that can be believed, by name: the one that counts, and those before it."""
    found = {}
    for name in (manifests.FILE_NAME, *manifests.EARLIER):
        with suppress(OSError, CollectorError):
            found[name] = manifests.decode(lake.storage.read(name))
    return found


def _published_by_files(there: Inventory) -> set[str]:
    """The runs whose file of `runs`, which is written last, is there: all their files are."""
    return {file.run_id for file in there.files if file.table == "runs" and not file.sequence}


def _require_known_tables(there: Inventory) -> None:
    strange = sorted(known.table for path in there.foreign if (known := inventory.table_file(path)) is not None)
    if strange:
        raise unknown_to_this_version(f"the table {strange[0]}")


def _read_files(lake: Lake, files: Sequence[TableFile]) -> list[_Found]:
    found, damaged = [], []
    for file in files:
        try:
            found.append(_read_file(lake, file))
        except (OSError, pa.ArrowException, CollectorError) as error:
            damaged.append(f"{file.path} ({str(error).splitlines()[0]})")
    if damaged:
        more = f" and {len(damaged) - _MOST_NAMED} more" if len(damaged) > _MOST_NAMED else ""
        raise LakeError(
            f"{len(damaged)} files cannot be read: {'; '.join(damaged[:_MOST_NAMED])}{more}",
            advice="Nothing was changed. Restore them from a copy of the lake, at the same paths; or move them out of the "
            "lake and run this again, which then says what is missing of their runs.",
        )
    if not any(each.file.table not in SNAPSHOTS for each in found):
        raise LakeError(
            f"there are no files of published runs below {lake.path} to build a manifest from",
            advice="Look whether everything is mounted, or restore the lake from a copy.",
        )
    return found


def _read_file(lake: Lake, file: TableFile) -> _Found:
    stored = lake.storage.stat(file.path)
    if stored is None:
        raise FileNotFoundError(file.path)
    footer = parquet.read_footer(lake.storage, file.path)
    if file.table in SNAPSHOTS:
        rows = {file.run_id: footer.rows}  # its rows are of the runs that saw each action last
    else:
        counted = parquet.count_by(lake.storage, file.path, ["run_id"])
        rows = {str(run_id): count for (run_id,), count in counted.items()}
    entry = FileEntry(
        path=file.path,
        rows=footer.rows,
        bytes=stored.bytes,
        sha256=lake.storage.sha256(file.path),
        schema=footer.schema,
        runs=sorted(rows),
        run_month=file.run_month,
    )
    return _Found(file, entry, rows)


def _without_overlaps(lake: Lake, found: Sequence[_Found]) -> list[FileEntry]:
    """The files of a table, each run in one of them; a file of which only some runs count is written anew."""
    entries: list[FileEntry] = []
    taken: set[str] = set()
    # What was rewritten last stands for what it was made from; nothing was made from a file with more runs but a pruning.
    for each in sorted(found, key=lambda f: (-f.file.sequence, -len(f.rows), f.file.path)):
        left = sorted(set(each.rows) - taken)
        taken.update(left)
        if len(left) == len(each.rows):
            entries.append(each.entry)
        elif left:
            entries.append(rewrite(lake, each.file.table, [each.entry], left))
    return sorted(entries, key=lambda entry: (entry.run_month, min(entry.runs)))


def _snapshots(lake: Lake, found: Sequence[_Found], run_ids: Iterable[str]) -> dict[str, list[FileEntry]]:
    """The newest file of each snapshot; of actions that are all removed since there are no last known ones."""
    newest: dict[str, _Found] = {}
    for each in sorted(found, key=lambda f: f.file.run_id):
        if each.file.table in SNAPSHOTS and each.file.run_id in run_ids:
            newest[each.file.table] = each
    known, state = newest.get("last_known_actions"), newest.get("action_state")
    older = known is not None and state is not None and known.file.run_id < state.file.run_id
    if older and state is not None and not evidence.has_living_actions(lake.storage, state.file.path):
        del newest["last_known_actions"]
    return {name: [each.entry] for name, each in newest.items()}


def _run_entries(
    lake: Lake, tables: Mapping[str, Sequence[FileEntry]], run_ids: Sequence[str], missing: Missing
) -> list[RunEntry]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for entry in tables.get("runs", ()):
        for row in parquet.read_rows(lake.storage, entry.path, _RUN_COLUMNS):
            rows.setdefault(row["run_id"], []).append(row)
    entries = [_run_entry(run_id, rows.get(run_id, [])) for run_id in run_ids]
    return [msgspec.structs.replace(entry, status="partial") if missing[entry.run_id] else entry for entry in entries]


_RUN_COLUMNS = ("run_id", "run_date", "status", "started_at", "finished_at", "collector_version", "api_url")


def _run_entry(run_id: str, rows: Sequence[dict[str, Any]]) -> RunEntry:
    """A run as its rows in `runs` say it, or its id alone, when it has none."""
    if not rows:
        began = started_at(run_id)
        return RunEntry(
            run_id=run_id, run_date=began.date(), status="partial", started_at=began, finished_at=began, collector_version=""
        )  # fmt: skip
    return RunEntry(
        run_id=run_id,
        run_date=rows[0]["run_date"],
        status="complete" if all(row["status"] == "complete" for row in rows) else "partial",
        started_at=min(row["started_at"] for row in rows).replace(tzinfo=dt.UTC),
        finished_at=max(row["finished_at"] for row in rows).replace(tzinfo=dt.UTC),
        collector_version=rows[0]["collector_version"],
        api_urls=[row["api_url"] for row in rows],
    )

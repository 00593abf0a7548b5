"""What the files of a lake show to be missing: tables of a run, and runs that pruning has dropped.

A table without rows has no file, so a missing file shows only where other rows refer to its rows: a project to its
workspace, a run to the number of its problems, an earlier manifest to the files that it named.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from collector.lake import parquet
from collector.lake.manifest import FileEntry, Manifest
from collector.lake.storage import Storage
from collector.lake.tables import ALL, SNAPSHOTS

# A run with rows of a table has rows of its parent.
_PARENTS = {"workspaces": "runs", **{name: table.parent for name, table in ALL.items() if table.parent is not None}}

Tables = dict[str, list[FileEntry]]


def missing_tables(
    storage: Storage, tables: Tables, run_ids: Sequence[str], earlier: Iterable[Manifest]
) -> dict[str, list[str]]:
    """Return the tables of each run whose rows are missing; `earlier` are manifests that may have named them."""
    # The number of rows by table and run: those that are there, and the least that there must have been.
    rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
    expected: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, entries in tables.items():
        counts = Counter() if name in SNAPSHOTS else _counts(storage, tables, name, "run_id")
        rows[name] = Counter({run_id: counts.get((run_id,), 1) for entry in entries for run_id in entry.runs})
    columns = ("run_id", "problems", "notices")
    for (run_id, problems, notices), count in _counts(storage, tables, "runs", *columns).items():
        expected["problems"][run_id] += count * ((problems or 0) + (notices or 0))
    for (run_id, coverage), count in _counts(storage, tables, "actions", "run_id", "coverage").items():
        expected["promote_image_actions"][run_id] += count if coverage in ("fetched", "carried") else 0
    for name, parent in _PARENTS.items():
        expected[parent] |= Counter(rows[name].keys())
    expected["runs"] |= Counter(run_ids)
    for manifest in earlier:
        for name in manifest.tables.keys() - SNAPSHOTS:
            expected[name] |= Counter({run_id for entry in manifest.tables[name] for run_id in entry.runs})
    newest, state, known = run_ids[-1], rows["action_state"], rows["last_known_actions"]
    # No snapshot is expected where no action was ever seen.
    expected["action_state"][newest] = int(bool(known or state or rows["promote_image_actions"]))
    expected["last_known_actions"][newest] = int(bool(known) or has_current_actions(storage, tables))
    names = sorted(expected)
    return {run_id: [name for name in names if rows[name][run_id] < expected[name][run_id]] for run_id in run_ids}


def has_current_actions(storage: Storage, tables: Tables) -> bool:
    """Return whether action_state knows an action that was not removed, so that it is a last known one."""
    return _counts(storage, tables, "action_state", "removed_run_id")[(None,)] > 0


def is_pruned(storage: Storage, tables: Tables, oldest: str) -> bool:
    """Return whether an action was first seen by a run before the `oldest` that is there."""
    column = "first_seen_run_id"
    of_actions = [name for name in SNAPSHOTS if any(each.name == column for each in ALL[name].columns)]
    first_seen = {run_id for name in of_actions for (run_id,) in _counts(storage, tables, name, column)}
    return min(first_seen - {None}, default=oldest) < oldest


def _counts(storage: Storage, tables: Tables, name: str, *columns: str) -> Counter[tuple[Any, ...]]:
    """Return how many rows of a table have each combination of values in some columns."""
    return sum((parquet.count_by(path, columns) for path in storage.copies(tables.get(name, ()))), Counter())

"""Which tables' rows are missing of a run, judged by the files themselves.

A table without rows has no file, so a missing file shows only where other rows refer to its rows: a project to its
workspace, a run to the number of its problems, an earlier manifest to the files that it named.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from collector.lake import parquet
from collector.lake.manifest import FileEntry, Manifest
from collector.lake.storage import Storage
from collector.lake.tables import SNAPSHOTS

Tables = Mapping[str, Sequence[FileEntry]]

# The parent of each table: a run with rows of the first has rows of the second.
_PARENTS = {
    "workspaces": "runs",
    "projects": "workspaces",
    "pipelines": "projects",
    "actions": "pipelines",
    "promote_image_actions": "actions",
    "trigger_conditions": "promote_image_actions",
    "variables": "promote_image_actions",
    "permissions": "promote_image_actions",
}


def missing_tables(
    storage: Storage, tables: Tables, run_ids: Sequence[str], earlier: Iterable[Manifest]
) -> dict[str, list[str]]:
    """Return the tables of each run whose rows are missing; `earlier` are manifests that may have named them."""
    rows = defaultdict(Counter, {name: _rows_by_run(storage, name, entries) for name, entries in tables.items()})
    expected = _expected_rows(storage, tables, rows)
    expected["runs"] |= Counter(run_ids)
    for manifest in earlier:
        for name in manifest.tables.keys() - SNAPSHOTS:
            expected[name] |= Counter({run_id for entry in manifest.tables[name] for run_id in entry.runs})
    newest, state, known = run_ids[-1], rows["action_state"], rows["last_known_actions"]
    # No snapshot is expected where no action was ever seen.
    expected["action_state"][newest] = int(bool(known or state or rows["promote_image_actions"]))
    has_current = any(has_current_actions(storage, entry.path) for entry in tables.get("action_state", ()))
    expected["last_known_actions"][newest] = int(bool(known) or has_current)
    return {
        run_id: [name for name in sorted(expected) if rows[name][run_id] < expected[name][run_id]] for run_id in run_ids
    }


def has_current_actions(storage: Storage, path: str) -> bool:
    """Return whether a file of action_state knows an action that was not removed, so that it is a last known one."""
    return parquet.count_by(storage, path, ["removed_run_id"])[(None,)] > 0


def is_pruned(storage: Storage, tables: Tables, oldest: str) -> bool:
    """Return whether an action was first seen by a run before the `oldest` that is there."""
    return any(
        first is not None and first < oldest
        for name in SNAPSHOTS
        for entry in tables.get(name, ())
        for (first,) in parquet.count_by(storage, entry.path, ["first_seen_run_id"])
    )


def _rows_by_run(storage: Storage, name: str, entries: Sequence[FileEntry]) -> Counter[str]:
    if name in SNAPSHOTS:
        return Counter(run_id for entry in entries for run_id in entry.runs)
    rows: Counter[str] = Counter()
    for entry in entries:
        for (run_id,), count in parquet.count_by(storage, entry.path, ["run_id"]).items():
            rows[str(run_id)] += count
    return rows


def _expected_rows(
    storage: Storage, tables: Tables, rows: defaultdict[str, Counter[str]]
) -> defaultdict[str, Counter[str]]:
    """Return the least number of rows by table and run that the rows of other tables require."""
    expected: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for entry in tables.get("runs", ()):
        for row in parquet.read_rows(storage, entry.path, ("run_id", "problems")):
            expected["problems"][row["run_id"]] += row["problems"] or 0
    for entry in tables.get("actions", ()):
        for (run_id, coverage), count in parquet.count_by(storage, entry.path, ["run_id", "coverage"]).items():
            if coverage == "fetched":
                expected["promote_image_actions"][str(run_id)] += count
    for name, parent in _PARENTS.items():
        expected[parent] |= Counter(rows[name].keys())
    return expected

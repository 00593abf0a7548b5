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
    rows = _rows_by_run(storage, tables)
    missing: dict[str, set[str]] = {}
    for run_id in run_ids:
        present = {name for name, counts in rows.items() if counts[run_id]}
        missing[run_id] = {"runs", *(_PARENTS[name] for name in present & _PARENTS.keys())} - present
    for name, expected in _expected_rows(storage, tables).items():
        for run_id in missing:
            if rows[name][run_id] < expected[run_id]:
                missing[run_id].add(name)
    for manifest in earlier:
        for name in manifest.tables.keys() - SNAPSHOTS:
            named = {run_id for entry in manifest.tables[name] for run_id in entry.runs}
            for run_id in named.intersection(missing):
                if not rows[name][run_id]:
                    missing[run_id].add(name)
    has_promotions = any(rows["promote_image_actions"].values())
    missing[run_ids[-1]] |= _missing_snapshots(storage, tables, run_ids[-1], has_promotions)
    return {run_id: sorted(names) for run_id, names in missing.items()}


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


def _rows_by_run(storage: Storage, tables: Tables) -> defaultdict[str, Counter[str]]:
    rows: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name in tables.keys() - SNAPSHOTS:
        for entry in tables[name]:
            counts = parquet.count_by(storage, entry.path, ["run_id"])
            rows[name].update({str(run_id): count for (run_id,), count in counts.items()})
    return rows


def _expected_rows(storage: Storage, tables: Tables) -> dict[str, Counter[str]]:
    """Return the number of rows by run that other tables say some tables have."""
    problems: Counter[str] = Counter()
    for entry in tables.get("runs", ()):
        for row in parquet.read_rows(storage, entry.path, ("run_id", "problems")):
            problems[row["run_id"]] += row["problems"] or 0
    fetched: Counter[str] = Counter()
    for entry in tables.get("actions", ()):
        for (run_id, coverage), count in parquet.count_by(storage, entry.path, ["run_id", "coverage"]).items():
            fetched[str(run_id)] += count if coverage == "fetched" else 0
    return {"problems": problems, "promote_image_actions": fetched}


def _missing_snapshots(storage: Storage, tables: Tables, newest: str, has_promotions: bool) -> set[str]:
    """Return the snapshots that the newest run lacks; none is expected where no action was ever seen."""
    state, known = tables.get("action_state", ()), tables.get("last_known_actions", ())
    missing = set()
    if (known or state or has_promotions) and not any(newest in entry.runs for entry in state):
        missing.add("action_state")
    expected = known or any(has_current_actions(storage, entry.path) for entry in state)
    if expected and not any(newest in entry.runs for entry in known):
        missing.add("last_known_actions")
    return missing

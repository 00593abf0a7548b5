"""What the files themselves show to be missing of a run.

A table without rows has no file, so that a file is missing only where other rows speak of its rows: a project of its
workspace, a run of the number of its problems, an earlier manifest of what it named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from collector.lake import parquet
from collector.lake.manifest import FileEntry, Manifest
from collector.lake.storage import Storage
from collector.lake.tables import SNAPSHOTS

Tables = Mapping[str, Sequence[FileEntry]]
# The tables that are missing, by run.
Missing = Mapping[str, Sequence[str]]

# Rows of the first are found below rows of the second.
_PARENTS = (
    ("workspaces", "runs"),
    ("projects", "workspaces"),
    ("pipelines", "projects"),
    ("actions", "pipelines"),
    ("promote_image_actions", "actions"),
    ("trigger_conditions", "promote_image_actions"),
    ("variables", "promote_image_actions"),
    ("permissions", "promote_image_actions"),
)


def missing(
    storage: Storage, tables: Tables, run_ids: Sequence[str], earlier: Iterable[Manifest]
) -> dict[str, list[str]]:
    """The tables of each run whose rows are missing; `earlier` are manifests that may have named them."""
    rows = _rows_by_run(storage, tables)
    found: dict[str, set[str]] = {run_id: set() for run_id in run_ids}
    for run_id in run_ids:
        has = {name for name, counts in rows.items() if counts[run_id]}
        found[run_id] |= {parent for child, parent in _PARENTS if child in has and parent not in has}
        found[run_id] |= {"runs"} - has
    for run_id, problems in _sums(storage, tables, "runs", "problems").items():
        if run_id in found and rows["problems"][run_id] < problems:
            found[run_id].add("problems")
    for run_id, fetched in _fetched(storage, tables).items():
        if run_id in found and rows["promote_image_actions"][run_id] < fetched:
            found[run_id].add("promote_image_actions")
    for manifest in earlier:
        for name, entries in manifest.tables.items():
            named = {run for entry in entries for run in entry.runs} if name not in SNAPSHOTS else set()
            for run_id in named.intersection(found):
                if not rows[name][run_id]:
                    found[run_id].add(name)
    found[run_ids[-1]] |= _missing_snapshots(storage, tables, run_ids[-1], any(rows["promote_image_actions"].values()))
    return {run_id: sorted(names) for run_id, names in found.items()}


def has_living_actions(storage: Storage, path: str) -> bool:
    """Whether a file of action_state knows an action that was not found removed, which is then a last known one."""
    return parquet.count_by(storage, path, ["removed_run_id"])[(None,)] > 0


def is_pruned(storage: Storage, tables: Tables, oldest: str) -> bool:
    """Whether an action is known from a run before the `oldest` that is there."""
    firsts = (
        first
        for name in SNAPSHOTS
        for entry in tables.get(name, ())
        for (first,) in parquet.count_by(storage, entry.path, ["first_seen_run_id"])
    )
    return any(first is not None and first < oldest for first in firsts)


def _rows_by_run(storage: Storage, tables: Tables) -> dict[str, Counter[str]]:
    rows: dict[str, Counter[str]] = {name: Counter() for name in (*tables, "problems", "promote_image_actions")}
    for name, entries in tables.items():
        for entry in entries if name not in SNAPSHOTS else ():
            for (run_id,), count in parquet.count_by(storage, entry.path, ["run_id"]).items():
                rows[name][str(run_id)] += count
    return _Rows(rows)


class _Rows(dict[str, "Counter[str]"]):
    def __missing__(self, name: str) -> Counter[str]:
        return Counter()


def _sums(storage: Storage, tables: Tables, table: str, column: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for entry in tables.get(table, ()):
        for row in parquet.read_rows(storage, entry.path, ("run_id", column)):
            found[row["run_id"]] += row[column] or 0
    return found


def _fetched(storage: Storage, tables: Tables) -> Counter[str]:
    found: Counter[str] = Counter()
    for entry in tables.get("actions", ()):
        for (run_id, coverage), count in parquet.count_by(storage, entry.path, ["run_id", "coverage"]).items():
            if coverage == "fetched":
                found[str(run_id)] += count
    return found


def _missing_snapshots(storage: Storage, tables: Tables, newest: str, any_promotions: bool) -> set[str]:
    """What the newest run lacks of what is known of every action; no action has been seen yet where there are none."""
    state, known = tables.get("action_state", ()), tables.get("last_known_actions", ())
    lacking = set()
    if (known or state or any_promotions) and not any(newest in entry.runs for entry in state):
        lacking.add("action_state")
    expected = known or any(has_living_actions(storage, entry.path) for entry in state)
    if expected and not any(newest in entry.runs for entry in known):
        lacking.add("last_known_actions")
    return lacking

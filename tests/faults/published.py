"""The rows of one run, read from exactly the files that the manifest names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from collector.lake.lake import Lake
from collector.lake.tables import ALL

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]
KEY = ("installation", "workspace", "project", "pipeline_id", "action_id")
# The cost of a run differs from run to run, and so do timestamps of a real clock.
COSTS = frozenset({
    "resumed_count", "requests", "retries", "refusals", "bytes_received", "paced_seconds", "paused_seconds",
    "problems", "status", "api_url",
})  # fmt: skip
MOMENTS = frozenset({
    "started_at", "finished_at", "fetched_at", "first_seen_at", "last_seen_at", "executions_from", "complete_from",
    "read_at", "asked_at",
})  # fmt: skip
RUN_IDS = frozenset(
    {"run_id", "first_seen_run_id", "last_seen_run_id", "previous_run_id", "removed_run_id", "source_run_id"}
)
CRAWLED = (
    "workspaces", "projects", "pipelines", "actions", "promote_image_actions", "trigger_conditions", "variables",
    "permissions", "executions", "action_executions",
)  # fmt: skip


@dataclass(frozen=True)
class Published:
    """The tables of one run, by name; each a list of rows in the order of its key."""

    run_id: str
    status: str
    tables: Mapping[str, Sequence[Row]]

    def __repr__(self) -> str:
        """Keep the message of a failing test short."""
        return f"Published({self.run_id}, {self.status})"

    def __getitem__(self, table: str) -> Sequence[Row]:
        return self.tables[table]

    def without(self, *, moments: bool = False, runs: Sequence[str] = ()) -> dict[str, list[Row]]:
        """Return the rows without what can differ between equal runs: costs and, with `moments`, timestamps.

        With `runs`, the ids of a lake's runs, each id is replaced by its number.
        """
        place = {run_id: f"run {number}" for number, run_id in enumerate(runs, start=1)}
        left_out = (MOMENTS if moments else frozenset()) | ({"run_date"} if runs else set())
        return {
            name: [
                {
                    column: place.get(value, value) if column in RUN_IDS else value
                    for column, value in row.items()
                    if column not in left_out and not (name in {"runs", "pipeline_state"} and column in COSTS)
                }
                for row in rows
            ]
            for name, rows in self.tables.items()
        }


def runs_of(lake: Path) -> list[str]:
    """Return the ids of the published runs, oldest first."""
    if not (lake / "manifest.json").exists():
        return []
    return [run.run_id for run in Lake.open(lake).manifest.runs]


def published(lake: Path, run_id: str | None = None) -> Published:
    """Return the rows of a run (default: the latest), and the snapshots in their current state."""
    opened = Lake.open(lake)
    manifest = opened.manifest
    run = manifest.latest if run_id is None else manifest.run(run_id)
    assert run is not None, f"{run_id or 'no run'} is published"
    tables = {}
    for name, table in ALL.items():
        rows: list[Row] = []
        for entry in manifest.tables.get(name, []):
            found = pq.read_table(opened.path / entry.path).to_pylist()
            rows += [row for row in found if name in SNAPSHOTS or row["run_id"] == run.run_id]
        tables[name] = _in_order(rows, table.key)
    return Published(run.run_id, run.status, tables)


# Tables of one state, which every run replaces.
SNAPSHOTS = frozenset({"last_known_actions", "action_state", "execution_state", "pipeline_state"})


def _in_order(rows: list[Row], key: Sequence[str]) -> list[Row]:
    return sorted(rows, key=lambda row: [_sortable(row[column]) for column in key])


def _sortable(value: Any) -> tuple[bool, str, Any]:
    return (value is not None, "" if value is None else type(value).__name__, value)


def count_differences(truth: Tables, seen: Tables) -> tuple[int, int]:
    """Return the number of missing rows and the number of unexpected rows."""
    expected, actual = (
        Counter(repr((name, row)) for name, rows in each.items() for row in rows) for each in (truth, seen)
    )
    return (expected - actual).total(), (actual - expected).total()


def key_of(row: Row) -> tuple[Any, ...]:
    """Return the key of a row from the installation down; None below its own level."""
    return tuple(row.get(name) for name in KEY)

"""A lake of a few runs made by hand: rows in, real Parquet, a `StagedRun` over it, rows out."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from collector.lake.state_tables import ACTION_STATE
from collector.lake.tables import ALL, CHILD_TABLES
from collector.query.changes import StagedRun
from tests.action_states import action_states

Row = dict[str, Any]
HOME = {"installation": "us", "workspace": "acme"}
KEY = ("installation", "workspace", "project", "pipeline_id", "action_id")


def run_of(number: int) -> tuple[str, date]:
    """The id and date of the n-th run."""
    start = datetime(2026, 1, 1, 2, 15) + timedelta(days=number)
    return f"{start:%Y%m%dT%H%M%S}Z-{number:06x}", start.date()


def write(path: Path, table: str, rows: Iterable[Row], *, without: Iterable[str] = ()) -> Path:
    """A Parquet file of that table; columns that a row doesn't give are NULL."""
    schema = pa.schema([field for field in ALL[table].schema if field.name not in set(without)])
    columns = {name: [row.get(name) for row in rows] for name in schema.names} if (rows := list(rows)) else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, schema=schema) if columns else schema.empty_table(), path)
    return path


def states(rows: Mapping[str, Iterable[Row]]) -> list[Row]:
    """The rows of action_state that flattening makes of these rows."""
    tables = ("promote_image_actions", *CHILD_TABLES)
    given = {name: [tuple(map(row.get, ALL[name].column_names)) for row in rows.get(name, ())] for name in tables}
    return [dict(zip(ACTION_STATE.column_names, row, strict=True)) for row in action_states(given)]


class StagedRuns:
    """Runs one after the other: each sees the state that the one before left."""

    def __init__(self, folder: Path, *, listed: Iterable[str] = ("us",)) -> None:
        self.folder = folder
        self.listed = tuple(listed)
        self.previous: dict[str, list[Path]] = {}
        self.number = 0

    def run(self, rows: Mapping[str, Iterable[Row]], **settings: Any) -> StagedRun:
        """The database of a run over staged `rows`."""
        run_id, run_date = run_of(self.number)
        stamp = {"run_id": run_id, "run_date": run_date}
        here = self.folder / f"staged-{self.number}"
        stamped = {table: [{**stamp, **row} for row in given] for table, given in rows.items()}
        if (name := ACTION_STATE.name) not in stamped:
            stamped[name] = states(stamped)
        staged = {table: [write(here / f"{table}.parquet", table, given)] for table, given in stamped.items()}
        options: dict[str, Any] = {"listed_installations": self.listed, "spill": here / "spill", **settings}
        run = StagedRun(staged, self.previous, run_id=run_id, run_date=run_date, **options)
        run.compute_changes()
        return run

    def collect(self, rows: Mapping[str, Iterable[Row]]) -> dict[str, list[Row]]:
        """One run: its changes and the two snapshots it leaves, which the next run starts from."""
        with self.run(rows) as run:
            made = {
                name: pa.Table.from_batches(run.sorted_rows(name), ALL[name].schema)
                for name in ("action_changes", "last_known_actions", "action_state")
            }
        for name in ("last_known_actions", "action_state"):
            path = self.folder / f"left-{self.number}" / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(made[name], path)
            self.previous[name] = [path]
        self.number += 1
        return {name: table.to_pylist() for name, table in made.items()}


def key_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Which action a row is about."""
    return tuple(row[name] for name in KEY)

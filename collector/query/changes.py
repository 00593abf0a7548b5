"""The database of a run that is not published yet: its checks, and what changed since each action was last seen.

The staged Parquet files appear under the names of their tables, the state of the lake under previous_*; sql/checks and
sql/changes do the rest. Files of a small run are read once, into memory. Of a large one a range of the key is compared
at a time.

The cost of the changes is that of the current actions and their last known rows: no earlier run is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Self

import msgspec
import pyarrow as pa

from collector.lake import parquet
from collector.lake.database import Database
from collector.lake.database_errors import run_too_large
from collector.lake.key_ranges import key_ranges
from collector.lake.local_storage import LocalStorage
from collector.lake.sorted_rows import order_by, rows_in_order, sorted_rows
from collector.lake.sql_text import base_view, by_schema, identifier, literal
from collector.lake.state_tables import ACTION_STATE, STATE_TABLES
from collector.lake.table import Table, schema_fingerprint
from collector.lake.tables import (
    ALL,
    CHILD_TABLES,
    COMPARED_COLUMNS,
    LAST_KNOWN_ACTIONS,
    PROMOTE_IMAGE_ACTIONS,
    SNAPSHOTS,
    TABLES,
)  # fmt: skip
from collector.query.carried import Carried, carried_by_installation
from collector.query.checks import Check, CheckRow
from collector.query.contract_views import change_views, check_views
from collector.query.run_status import RunStatus, status_query
from collector.query.sql_files import in_order, read_folder, sql_folder
from collector.query.views import statement_with, view_sources

MEMORY_LIMIT = "350MB"
# A second thread would save a sixth of the time of a large run, and hold 100 MiB more that DuckDB cannot spill.
_THREADS = 1
# In a run with files of such a size whose rows are wider on average, ranges and bounds are a quarter of the size.
WIDE_FILE_BYTES, WIDE_ROW_BYTES = 1 << 20, 8_000
_WIDE_SHARE = 4
# Known actions are computed in ranges of the key of about so many bytes.
RANGE_BYTES = 64 << 20
# Actions are compared, once for each column, in shares of about so many bytes.
COMPARED_BYTES = 16 << 20
# So many rows, of so many bytes before compression, are a run of which DuckDB keeps every table in memory.
SMALL_ROWS, SMALL_BYTES = 40_000, 16 << 20
# Made by sql/changes, not staged.
COMPUTED = frozenset({"action_changes", *SNAPSHOTS})
# What is read of a range of actions: what this run has seen, and what the run before left.
_READ_IN_RANGES = (
    "promote_image_actions", "read_action_state", "previous_last_known_actions", "previous_action_state",
)  # fmt: skip
_DIFFERING = """
from promote_image_actions
semi join (select * from known_actions where may_differ)
using (installation, workspace, project, pipeline_id, action_id)
"""
_PREVIOUS_COUNTS = """
select installation, run_id, count(*) as actions
from ({actions})
inner join last_complete_runs using (installation, run_id)
group by installation, run_id
"""


class StagedRun:
    """The database of a run. `staged` and `previous` are files by table; `spill` is a directory for temporary files.

    `previous` are those of the snapshots that the run before left. `last_complete_runs` are the last complete run of
    each installation, `counted` the files of promote_image_actions that hold them. `listed_installations` are those
    whose list of workspaces was requested and is complete. Raises QueryError or LakeError like `Database`.
    """

    def __init__(
        self,
        staged: Mapping[str, Sequence[Path]],
        previous: Mapping[str, Sequence[Path]],
        *,
        run_id: str,
        run_date: date,
        listed_installations: Iterable[str],
        spill: Path,
        last_complete_runs: Mapping[str, str] = {},
        counted: Sequence[Path] = (),
    ) -> None:
        self._staged = dict(staged)
        self._previous = previous
        self._spill = spill
        spill.mkdir(parents=True, exist_ok=True)
        files = {path for paths in (*staged.values(), *previous.values(), counted) for path in paths}
        footers = {path: parquet.footer_of(path) for path in files}
        self._schemas = {path: footer.schema for path, footer in footers.items()}
        rows = sum(each.rows for each in footers.values())
        plain_bytes = sum(each.plain_bytes for each in footers.values())
        is_wide = any(each.plain_bytes > max(WIDE_FILE_BYTES, WIDE_ROW_BYTES * each.rows) for each in footers.values())
        self._share = _WIDE_SHARE if is_wide else 1
        self._is_small = rows <= SMALL_ROWS and plain_bytes <= SMALL_BYTES // self._share
        folders = {spill, *(path.parent for path in files)}
        self._database = Database(
            folders, spill, memory_limit=MEMORY_LIMIT, threads=_THREADS, out_of_memory=run_too_large
        )
        self._define_staged_tables()
        for name in SNAPSHOTS:
            self._show(f"previous_{name}", self._rows(ALL[name], previous.get(name, ())))
        runs = {"installation": list(last_complete_runs), "run_id": list(last_complete_runs.values())}
        self._database.insert("last_complete_runs", runs)
        actions = self._rows(PROMOTE_IMAGE_ACTIONS, counted)
        self._show("previous_counts", _PREVIOUS_COUNTS.format(actions=actions))
        this_run = f"select {literal(run_id)} as run_id, date {literal(str(run_date))} as run_date"
        self._database.define("this_run", this_run)
        self._database.insert("listed_installations", {"installation": list(listed_installations)})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def offenders(self, checks: Iterable[Check]) -> list[CheckRow]:
        """Return the rows that the checks found."""
        checks = list(checks)
        for view in in_order(check_views(), {name for check in checks for name in check.references}):
            self._database.materialise(view.name, view.text)
        return [row for check in checks for row in check.offenders(self._database)]

    def run_changes(self) -> dict[str, Any]:
        """Return what changed in the run, as the view run_changes counts and says it."""
        run_changes = read_folder(sql_folder() / "facts")["run_changes"].sql
        return self._database.rows(f"select * exclude (run_id, run_date) from (\n{run_changes}\n)")[0]

    def carried(self) -> dict[str, Carried]:
        """Return what was carried into the run, by installation; none where nothing was."""
        return carried_by_installation(self._database)

    def status(self, run_id: str) -> RunStatus:
        """Return what `collector status` shows of the run."""
        query = status_query()
        views = {view.name: view.sql for view in in_order(view_sources(), query.references)}
        (row,) = self._database.rows(statement_with(views, query.sql), {"run_ids": [run_id]})
        return msgspec.convert(row, RunStatus)

    def add_rows(self, name: str, rows: Sequence[pa.RecordBatch], *, instead: bool = False) -> None:
        """Add rows with the exact schema of a staged table to it, or put them in place of its rows.

        Not more than once for a table.
        """
        if not rows:
            return
        storage, file = LocalStorage(self._spill), f"{name}-added.parquet"
        parquet.write(storage, file, ALL[name], rows, parquet.STAGING, order=())
        added = storage.locate(file)
        self._schemas[added] = ALL[name].schema
        self._staged[name] = [added] if instead else [*self._staged.get(name, ()), added]
        self._show(name, self._rows(ALL[name], self._staged[name]))

    def sorted_rows(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one table, sorted by its key. This may run beside the checks."""
        table, rows, folder = ALL[name], f"from {identifier(name)}", self._spill / f"sorted-{name}"
        if self._is_small:
            yield from rows_in_order(self._database, table, f"{rows} {order_by(table.key)}")
        elif name == ACTION_STATE.name:
            # known_actions is in the order of the key.
            yield from rows_in_order(self._database, table, rows)
        elif name in COMPUTED:
            yield from sorted_rows(rows_in_order(self._database, table, rows), table, table.key, folder)
        else:
            # Not by DuckDB, whose memory the checks use at the same time.
            staged = parquet.batches(self._staged.get(name, ()), table.column_names)
            yield from sorted_rows(staged, table, table.key, folder)

    def _rows(self, table: Table, paths: Iterable[Path]) -> str:
        """Return the select over these files of a table, which may have been written under different contracts."""
        return base_view(table, by_schema(table, [(path, schema_fingerprint(self._schemas[path])) for path in paths]))

    def _show(self, name: str, select: str) -> None:
        """Create `name` with the rows of a select: read once where the run is small, and at each use where it is not.

        To plan a read of Parquet files takes longer than to read the rows of a small run, which every check does.
        """
        if self._is_small:
            self._database.materialise(name, select)
        else:
            self._database.define(name, select)

    def _define_staged_tables(self) -> None:
        for name in ALL.keys() - COMPUTED:
            self._show(name, self._rows(ALL[name], self._staged.get(name, ())))
        for table in STATE_TABLES:
            self._show(f"read_{table.name}", self._rows(table, self._staged.get(table.name, ())))
        found = {
            (name, column)
            for name in TABLES
            for path in self._staged.get(name, ())
            for column in self._schemas[path].names
        }
        names = {"table_name": [name for name, _ in found], "column_name": [column for _, column in found]}
        self._database.insert("staged_columns", names)

    def compute_changes(self) -> None:
        """Make the tables and views of sql/changes, of a range of actions at a time where the run is not small."""
        database, files = self._database, change_views() | read_folder(sql_folder() / "changes")

        def in_each(ranges: Sequence[str], name: str, *tables: str) -> Iterator[str]:
            """Yield the select `name` with the rows of these tables that are in a range, for each range in order."""
            for condition in ranges:
                for table in tables:
                    database.define(f"{table}_in_range", f"select * from {table} where {condition}")
                # gone is a table already.
                for view in in_order(files, files[name].references - {"gone"}):
                    database.define(view.name, view.text)
                yield files[name].text

        last_known = [self._schemas[path] for path in self._previous.get(LAST_KNOWN_ACTIONS.name, ())]
        database.insert("comparable_columns", {"column_name": _comparable_columns(last_known)})
        database.materialise("gone", files["gone"].text)
        states = {"from read_action_state": ACTION_STATE, "from previous_action_state": ACTION_STATE}
        known = in_each(self._ranges(states, RANGE_BYTES), "known_actions", *_READ_IN_RANGES)
        if self._is_small:
            database.materialise("known_actions", next(known))
        else:
            database.copy_to_parquet("known_actions", known, self._spill)
        shares = self._ranges({_DIFFERING: PROMOTE_IMAGE_ACTIONS}, COMPARED_BYTES)
        database.copy_to_parquet(
            "changed_fields", in_each(shares, "changed_fields", "known_actions", *_READ_IN_RANGES), self._spill
        )
        for name in ("action_changes", *SNAPSHOTS):
            self._show(name, files[name].text)

    def _ranges(self, rows: Mapping[str, Table], range_bytes: int) -> list[str]:
        """Return ranges of actions of about so many bytes, made from the select that finds most of them."""
        if self._is_small:
            return ["true"]
        count = {select: self._database.rows(f"select count(*) as n {select}")[0]["n"] for select in rows}
        most = max(rows, key=lambda select: count[select])
        size = max(1, range_bytes // self._share)
        return key_ranges(self._database, rows[most], most, LAST_KNOWN_ACTIONS.key, size)


def _comparable_columns(last_known: Sequence[pa.Schema]) -> list[str]:
    """Return the columns in which an action can be compared with its row in files of these schemas.

    A column that was added to the contract after they were written has no known value. Its value may be in their
    `extra`, so `extra` is not compared in that run either.
    """
    known = set(COMPARED_COLUMNS).intersection(*(schema.names for schema in last_known))
    if len(known) < len(COMPARED_COLUMNS):
        known.discard("extra")
    return [*(name for name in COMPARED_COLUMNS if name in known), *CHILD_TABLES]

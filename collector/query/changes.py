"""The database of a run that is not published yet: its checks, and what changed since each action was last seen.

The staged Parquet files appear under the names of their tables, the state of the lake under previous_*; sql/checks and
sql/changes do the rest. The cost is that of the current actions and their last known rows: no earlier run is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Self

import pyarrow as pa

from collector.lake.base_views import CurrentSchemaFiles, base_view, read_parquet
from collector.lake.database import Database, identifier, literal
from collector.lake.external_sort import external_sort
from collector.lake.tables import ACTION_STATE, ALL, EXECUTION_STATE, LAST_KNOWN_ACTIONS, PROMOTE_IMAGE_ACTIONS, TABLES
from collector.query.checks import CheckRow, read_checks
from collector.query.contract_views import change_views, check_views, child_tables, compared_columns
from collector.query.sql_files import read_folder, sql_folder

FilesByTable = Mapping[str, Sequence[Path]]

# One thread: each holds rows in memory that DuckDB cannot spill, and two fail on 100,000 changed rows of 3 kB.
MEMORY_LIMIT = "400MB"
# DuckDB cannot join more rows of a few kB than fit into its memory.
ACTIONS_AT_A_TIME = 10_000
# The tables of the lake that a run is compared with.
PREVIOUS = (LAST_KNOWN_ACTIONS.name, ACTION_STATE.name, EXECUTION_STATE.name, "runs")
# The snapshots that sql/changes makes of this run and of the previous ones.
_SNAPSHOTS = (LAST_KNOWN_ACTIONS.name, ACTION_STATE.name, EXECUTION_STATE.name)
_COMPUTED = frozenset({"action_changes", *_SNAPSHOTS})
CHILD_TABLES = child_tables()
_PREVIOUS_COUNTS = """
select installation, run_id, count(*) as actions
from ({actions})
where run_id = (select max(run_id) from previous_runs where status = 'complete')
group by installation, run_id
"""


class StagedRun:
    """The database of a run. `staged` and `previous` are files by table; `spill` is a directory for temporary files.

    `previous` holds the tables of `PREVIOUS`; `counted` are the files of promote_image_actions with the last complete
    run. `listed_installations` are those whose list of workspaces was requested and is complete. Raises QueryError or
    LakeError like `Database`.
    """

    def __init__(
        self,
        staged: FilesByTable,
        previous: FilesByTable,
        *,
        run_id: str,
        run_date: date,
        listed_installations: Iterable[str],
        spill: Path,
        counted: Sequence[Path] = (),
        folder: Path | None = None,
    ) -> None:
        self._previous = previous
        self._spill = spill
        self._folder = folder or sql_folder()
        spill.mkdir(parents=True, exist_ok=True)
        files = (*staged.values(), *previous.values(), counted)
        folders = {spill, *(path.parent for paths in files for path in paths)}
        self._database = Database(folders, spill, memory_limit=MEMORY_LIMIT, threads=1)
        self._define_staged_tables(staged)
        self._define_previous_tables(counted)
        this_run = f"select {literal(run_id)} as run_id, date {literal(str(run_date))} as run_date"
        self._database.define("this_run", this_run)
        self._database.insert("listed_installations", {"installation": list(listed_installations)})
        self._compute_changes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def offenders(self) -> list[CheckRow]:
        """Return the rows that the checks found, those of blocking checks first."""
        for view in check_views().values():
            self._database.define(view.name, view.text)
        checks = sorted(read_checks(self._folder).values(), key=lambda check: not check.blocking)
        return [row for check in checks for row in check.offenders(self._database)]

    def change_counts(self) -> dict[str, int]:
        """Return the number of rows of action_changes by kind of change."""
        counts = "select change, count(*) as n from action_changes group by change order by change"
        return {row["change"]: row["n"] for row in self._database.rows(counts)}

    def sorted_rows(self, name: str, extra: Iterable[pa.RecordBatch] = ()) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one table and `extra` rows with its exact schema, sorted by its key."""
        table = ALL[name]
        columns = ", ".join(identifier(column) for column in table.column_names)
        stream = self._database.stream(f"select {columns} from {identifier(name)}")
        batches = (batch.cast(table.schema) for batch in stream)
        yield from external_sort(chain(batches, extra), table.key, self._spill)

    def _define_staged_tables(self, staged: FilesByTable) -> None:
        found = {
            name: self._database.columns(f"select * from {read_parquet(paths)}")
            for name, paths in staged.items()
            if paths
        }
        for name in ALL.keys() - _COMPUTED:
            current = found.get(name) == [(column.name, column.sql) for column in ALL[name].columns]
            paths = staged.get(name, ())
            self._database.define(name, base_view(ALL[name], [CurrentSchemaFiles(paths) if current else paths]))
        read = staged.get(EXECUTION_STATE.name, ())
        self._database.define("read_execution_state", base_view(EXECUTION_STATE, [read]))
        promised = {name: columns for name, columns in found.items() if name in TABLES}
        names = {
            "table_name": [name for name, columns in promised.items() for _ in columns],
            "column_name": [column for columns in promised.values() for column, _ in columns],
        }
        self._database.insert("staged_columns", names)

    def _define_previous_tables(self, counted: Sequence[Path]) -> None:
        for name in PREVIOUS:
            # Each file is its own group: they may have been written under different contracts.
            groups = [[path] for path in self._previous.get(name, ())]
            self._database.define(f"previous_{name}", base_view(ALL[name], groups))
        actions = base_view(PROMOTE_IMAGE_ACTIONS, [[path] for path in counted])
        self._database.define("previous_counts", _PREVIOUS_COUNTS.format(actions=actions))

    def _compute_changes(self) -> None:
        """Make the tables and views of sql/changes."""
        database = self._database
        comparable = comparable_columns(database, self._previous.get(LAST_KNOWN_ACTIONS.name, ()))
        database.insert("comparable_columns", {"column_name": comparable})
        selects = {name: source.text for name, source in read_folder(self._folder / "changes").items()}
        database.materialise("gone", selects["gone"])
        views = change_views()
        for name in CHILD_TABLES:
            database.define(f"{name}_of_action", views[f"{name}_of_action"].text)
        database.copy_to_parquet("children", [selects["children"]], self._spill)
        for name in ("compared_actions", "fingerprints"):
            database.define(name, selects[name])
        database.materialise("differing", selects["differing"])
        self._compare([selects["compared_sides"], views["compared_fields"].text], selects["changed_fields"])
        database.define("action_changes", selects["action_changes"])
        for name in _SNAPSHOTS:
            database.define(name, selects[name])

    def _compare(self, views: Sequence[str], changed_fields: str) -> None:
        """Make changed_fields, so many actions at a time that their wide rows fit into memory."""
        count = self._database.rows("select count(*) as n from differing")[0]["n"]

        def selects() -> Iterator[str]:
            for share in range(max(1, -(-count // ACTIONS_AT_A_TIME))):
                rows = f"select * from differing limit {ACTIONS_AT_A_TIME} offset {share * ACTIONS_AT_A_TIME}"
                self._database.define("differing_share", rows)
                for name, view in zip(("compared_sides", "compared_fields"), views, strict=True):
                    self._database.define(name, view)
                yield changed_fields

        self._database.copy_to_parquet("changed_fields", selects(), self._spill)


def comparable_columns(database: Database, last_known: Sequence[Path]) -> list[str]:
    """Return the columns in which an action can be compared with its row in these files.

    A column that was added to the contract after they were written has no known value. Its value may be in their
    `extra`, so `extra` is not compared in that run either.
    """
    compared = compared_columns()
    known = set(compared)
    for path in last_known:
        known &= {column for column, _ in database.columns(f"select * from {read_parquet([path])}")}
    if len(known) < len(compared):
        known.discard("extra")
    return [*(name for name in compared if name in known), *CHILD_TABLES]

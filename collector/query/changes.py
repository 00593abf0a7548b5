"""The database of a run that is not published yet: its checks, and what changed since each action was last seen.

The staged Parquet files appear under the names of their tables, the state of the lake under previous_*; sql/checks and
sql/changes do the rest. The first line of a check says what must never be. Its line `-- blocking`, `-- warning` or
`-- notice` says what a row means: a blocking row stops the publish, the others become problems or notices of the run.

The cost of the changes is that of the current actions and their last known rows: no earlier run is read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from collector.errors import QueryError
from collector.lake import parquet
from collector.lake.database import Database
from collector.lake.local_storage import LocalStorage
from collector.lake.sorted_rows import sorted_rows
from collector.lake.sql_text import base_view, identifier, literal, read_parquet
from collector.lake.state_tables import ACTION_STATE, EXECUTION_STATE, PIPELINE_STATE
from collector.lake.tables import ALL, LAST_KNOWN_ACTIONS, PROMOTE_IMAGE_ACTIONS, TABLES
from collector.query.carried import Carried, carried_by_installation
from collector.query.contract_views import CHILD_TABLES, COMPARED_COLUMNS, change_views, check_views
from collector.query.sql_files import SqlFile, read_folder, sql_folder

# One thread: each holds rows in memory that DuckDB cannot spill, and two fail on 100,000 changed rows of 3 kB.
MEMORY_LIMIT = "400MB"
# DuckDB cannot join more rows of a few kB than fit into its memory.
ACTIONS_AT_A_TIME = 10_000
# A fault is often the same in every row: so many rows of a check are shown, the others are counted.
MAX_ROWS = 100
# The snapshots that sql/changes makes of this run and of the previous ones.
_SNAPSHOTS = (LAST_KNOWN_ACTIONS.name, ACTION_STATE.name, EXECUTION_STATE.name, PIPELINE_STATE.name)
# The tables of the lake that a run is compared with.
PREVIOUS = (*_SNAPSHOTS, "runs")
# Made by sql/changes, not staged.
_COMPUTED = frozenset({"action_changes", *_SNAPSHOTS})
_PREVIOUS_COUNTS = """
select installation, run_id, count(*) as actions
from ({actions})
where
    installation in (select installation from runs)
    and (installation, run_id) in (
        select installation, max(run_id) from previous_runs where status = 'complete' group by installation
    )
group by installation, run_id
"""


@dataclass(frozen=True)
class CheckRow:
    """One row that a check found and its place, whose parts are None where they do not apply."""

    check: str
    blocking: bool
    message: str
    installation: str | None = None
    workspace: str | None = None
    project: str | None = None
    pipeline_id: int | None = None
    action_id: int | None = None
    severity: str = "problem"


class Check(SqlFile):
    """A file of sql/checks."""

    @property
    def meaning(self) -> str:
        """What a row means: blocking, warning or notice. Raises QueryError when the header does not say it."""
        kinds = [line for line in self.header if line in ("blocking", "warning", "notice")]
        if len(kinds) != 1:
            raise QueryError(f"the check {self.name} must say -- blocking, -- warning or -- notice")
        return kinds[0]

    @property
    def blocking(self) -> bool:
        """Whether its rows stop the publish. Raises QueryError when the header does not say what a row means."""
        return self.meaning == "blocking"

    def offenders(self, database: Database) -> Iterator[CheckRow]:
        """Yield the first rows that the check finds, message and place, and one that counts the others."""
        counted = f"select *, count(*) over () as found from (\n{self.sql}\n) limit {MAX_ROWS}"
        found, severity = 0, "notice" if self.meaning == "notice" else "problem"
        for row in database.rows(counted):
            found = row.pop("found")
            yield CheckRow(self.name, self.blocking, severity=severity, **row)
        if found > MAX_ROWS:
            more = f"and {found - MAX_ROWS:,} more rows of the same kind"
            yield CheckRow(self.name, self.blocking, more, severity=severity)


def read_checks() -> list[Check]:
    """Return the checks of sql/checks, the blocking ones first."""
    checks = [Check(each.name, each.text) for each in read_folder(sql_folder() / "checks").values()]
    return sorted(checks, key=lambda check: not check.blocking)


class StagedRun:
    """The database of a run. `staged` and `previous` are files by table; `spill` is a directory for temporary files.

    `previous` holds the tables of `PREVIOUS`; `counted` are the files of promote_image_actions with the last complete
    run of each installation. `listed_installations` are those whose list of workspaces was requested and is complete.
    Raises QueryError or LakeError like `Database`.
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
        counted: Sequence[Path] = (),
    ) -> None:
        self._staged = staged
        self._previous = previous
        self._spill = spill
        spill.mkdir(parents=True, exist_ok=True)
        files = (*staged.values(), *previous.values(), counted)
        folders = {spill, *(path.parent for paths in files for path in paths)}
        self._database = Database(folders, spill, memory_limit=MEMORY_LIMIT, threads=1)
        self._define_staged_tables()
        self._define_previous_tables(counted)
        this_run = f"select {literal(run_id)} as run_id, date {literal(str(run_date))} as run_date"
        self._database.define("this_run", this_run)
        self._database.insert("listed_installations", {"installation": list(listed_installations)})
        self._compute_changes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def offenders(self, checks: Iterable[Check]) -> list[CheckRow]:
        """Return the rows that the checks found."""
        for view in check_views().values():
            self._database.define(view.name, view.text)
        return [row for check in checks for row in check.offenders(self._database)]

    def run_changes(self) -> dict[str, Any]:
        """Return what changed in the run, as the view run_changes counts and says it."""
        self._database.define("run_changes", read_folder(sql_folder() / "facts")["run_changes"].text)
        return self._database.rows("select * exclude (run_id, run_date) from run_changes")[0]

    def carried(self) -> dict[str, Carried]:
        """Return what was carried into the run, by installation; none where nothing was."""
        return carried_by_installation(self._database)

    def add_rows(self, name: str, rows: Sequence[pa.RecordBatch]) -> None:
        """Add rows with the exact schema of a staged table to it; not more than once for a table."""
        if not rows:
            return
        added = LocalStorage(self._spill)
        parquet.write(added, f"{name}-added.parquet", ALL[name], rows, parquet.STAGING, order=())
        paths = (*self._staged.get(name, ()), added.locate(f"{name}-added.parquet"))
        self._database.define(name, base_view(ALL[name], [paths]))

    def sorted_rows(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one table, sorted by its key."""
        table = ALL[name]
        yield from sorted_rows(self._database, table, f"from {identifier(name)}", table.key)

    def _define_staged_tables(self) -> None:
        staged = self._staged
        columns = {
            name: [column for column, _ in self._database.columns(f"select * from {read_parquet(paths)}")]
            for name, paths in staged.items()
            if paths
        }
        for name in ALL.keys() - _COMPUTED:
            self._database.define(name, base_view(ALL[name], [staged.get(name, ())]))
        for table in (EXECUTION_STATE, PIPELINE_STATE):
            self._database.define(f"read_{table.name}", base_view(table, [staged.get(table.name, ())]))
        promised = {name: found for name, found in columns.items() if name in TABLES}
        names = {
            "table_name": [name for name, found in promised.items() for _ in found],
            "column_name": [column for found in promised.values() for column in found],
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
        database, files = self._database, change_views() | read_folder(sql_folder() / "changes")

        def define(*names: str) -> None:
            for name in names:
                database.define(name, files[name].text)

        def changed_fields() -> Iterator[str]:
            """Yield a select for so many actions at a time that their wide rows fit into memory."""
            count = database.rows("select count(*) as n from differing")[0]["n"]
            for offset in range(0, max(1, count), ACTIONS_AT_A_TIME):
                rows = f"select * from differing limit {ACTIONS_AT_A_TIME} offset {offset}"
                database.define("differing_share", rows)
                define("compared_sides", "compared_fields")
                yield files["changed_fields"].text

        comparable = _comparable_columns(database, self._previous.get(LAST_KNOWN_ACTIONS.name, ()))
        database.insert("comparable_columns", {"column_name": comparable})
        database.materialise("gone", files["gone"].text)
        define(*(f"{name}_of_action" for name in CHILD_TABLES))
        database.copy_to_parquet("children", [files["children"].text], self._spill)
        define("compared_actions", "fingerprints")
        database.materialise("differing", files["differing"].text)
        database.copy_to_parquet("changed_fields", changed_fields(), self._spill)
        define("action_changes", *_SNAPSHOTS)


def _comparable_columns(database: Database, last_known: Sequence[Path]) -> list[str]:
    """Return the columns in which an action can be compared with its row in these files.

    A column that was added to the contract after they were written has no known value. Its value may be in their
    `extra`, so `extra` is not compared in that run either.
    """
    known = set(COMPARED_COLUMNS)
    for path in last_known:
        known &= {column for column, _ in database.columns(f"select * from {read_parquet([path])}")}
    if len(known) < len(COMPARED_COLUMNS):
        known.discard("extra")
    return [*(name for name in COMPARED_COLUMNS if name in known), *CHILD_TABLES]

"""One night between the crawl and the publish: its checks, and what changed since each action was last seen.

The staged Parquet appears under the names of the twelve tables, the previous state under previous_*, and sql/
does the rest: checks return offenders, sql/changes makes action_changes, last_known_actions and action_state.
The cost is that of the current actions and their last known rows; no earlier night is read. Wide rows are
only ever streamed, and sorted outside duckdb (sorting.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from collector.lake.tables import ALL, LAST_KNOWN_ACTIONS, PROMOTE_IMAGE_ACTIONS, Table
from collector.query.checks import Offender, read_checks
from collector.query.engine import Database, identifier, literal
from collector.query.sorting import sorted_batches
from collector.query.sources import in_order, read_folder, sql_folder
from collector.query.views import base_view

# duckdb's share of the night's memory; what needs more spills. Two threads: the crawl has ended, the lock is
# held.
MEMORY_LIMIT = "120MB"
_THREADS = 2
_PREVIOUS = ("last_known_actions", "action_state", "runs")
# Computed by sql/changes, not staged.
_COMPUTED = ("action_changes", "last_known_actions", "action_state")
# Read more than once, and narrow.
_MATERIALISED = frozenset({"children", "gone", "action_changes"})
# Columns of promote_image_actions that no comparison looks at: which action it is, and how we came to know.
NOT_COMPARED = frozenset({*PROMOTE_IMAGE_ACTIONS.key, "run_date", "fetched_at"})
# Compared like columns though they are tables of their own.
CHILD_TABLES = ("trigger_conditions", "variables", "permissions")


class Night:
    """The night's database. `staged` and `previous` are files by table; `spill` is a directory it may fill.

    `previous` holds last_known_actions, action_state and runs of the lake as it stands; `counted` the files
    of promote_image_actions that hold the last complete run. `listed_installations` are those whose list of
    workspaces was asked and is complete. `extra` rows are added to staged tables (runs, problems). Raises
    QueryError or LakeError like `Database`.
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
        known_enum_values: Iterable[tuple[str, str, str]] = (),
        documented_fields: Iterable[tuple[str, str]] = (),
        memory_limit: str = MEMORY_LIMIT,
        folder: Path | None = None,
    ) -> None:
        self._staged = staged
        self._previous = previous
        self._counted = counted
        self._spill = spill
        self._folder = folder or sql_folder()
        self._made: set[str] = set()
        spill.mkdir(parents=True, exist_ok=True)
        paths = [*counted, *(p for files in (*staged.values(), *previous.values()) for p in files)]
        self._database = Database(
            sorted({path.parent for path in paths}), spill, memory_limit=memory_limit, threads=_THREADS
        )
        self._define_tables()
        self._define_facts(run_id, run_date, listed_installations, known_enum_values, documented_fields)
        self._define_changes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def offenders(self) -> list[Offender]:
        """What the checks found, the blocking ones first."""
        checks = sorted(read_checks(self._folder).values(), key=lambda check: not check.blocking)
        return [offender for check in checks for offender in check.offenders(self._database)]

    def change_counts(self) -> dict[str, int]:
        """Rows of action_changes by kind of change."""
        rows = self._database.rows(
            "select change, count(*) as n from action_changes group by change order by change"
        )
        return {row["change"]: row["n"] for row in rows}

    def reader(self, table: str, extra: pa.Table | None = None) -> pa.RecordBatchReader:
        """The rows of one table, with its exact schema and in order of its key; `extra` rows join them."""
        contract = ALL[table]
        columns = ", ".join(identifier(name) for name in contract.column_names)
        found = self._database.stream(f"select {columns} from {identifier(table)}")
        batches = sorted_batches(_exact(found, extra, contract), contract.key, self._spill)
        return pa.RecordBatchReader.from_batches(contract.schema, batches)

    def _define_tables(self) -> None:
        for name, table in ALL.items():
            if name not in _COMPUTED:
                self._database.define(name, base_view(table, [self._staged.get(name, ())]))
        for name in _PREVIOUS:
            # Each file is its own group: they may have been written under different contracts.
            groups = [[path] for path in self._previous.get(name, ())]
            self._database.define(f"previous_{name}", base_view(ALL[name], groups))
        counted = base_view(PROMOTE_IMAGE_ACTIONS, [[path] for path in self._counted])
        self._database.define("previous_counts", _PREVIOUS_COUNTS.format(actions=counted))

    def _define_facts(
        self,
        run_id: str,
        run_date: date,
        listed_installations: Iterable[str],
        known_enum_values: Iterable[tuple[str, str, str]],
        documented_fields: Iterable[tuple[str, str]],
    ) -> None:
        self._database.define(
            "this_run",
            f"select {literal(run_id)} as run_id, date {literal(run_date.isoformat())} as run_date",
        )
        expected = [
            (table.name, column, column in table.key[:2] or column in table.key)
            for table in ALL.values()
            for column in table.column_names
        ]
        staged = [
            (name, column)
            for name, paths in self._staged.items()
            for path in paths[:1]
            for column, _ in self._database.columns(f"select * from {_one_file(path)}")
        ]
        facts: tuple[tuple[str, dict[str, pa.DataType], Iterable[tuple[object, ...]]], ...] = (
            ("listed_installations", {"installation": _TEXT}, ((name,) for name in listed_installations)),
            ("comparable_columns", {"column_name": _TEXT}, ((name,) for name in self._comparable_columns())),
            ("expected_columns", {**_COLUMN, "required": pa.bool_()}, expected),
            ("staged_columns", _COLUMN, staged),
            ("known_enum_values", {**_COLUMN, "value": _TEXT}, known_enum_values),
            ("documented_fields", {"object": _TEXT, "field": _TEXT}, documented_fields),
        )
        for name, columns, rows in facts:
            self._database.insert(name, _arrow(columns, rows))

    def _comparable_columns(self) -> list[str]:
        """The columns that the last known rows can be compared in.

        A column that the contract gained since they were written has no known value; what Buddy said in it is
        in their `extra`, so `extra` is not compared on that night either.
        """
        compared = [name for name in PROMOTE_IMAGE_ACTIONS.column_names if name not in NOT_COMPARED]
        known: set[str] = set(LAST_KNOWN_ACTIONS.column_names)
        for path in self._previous.get(LAST_KNOWN_ACTIONS.name, ()):
            known &= {column for column, _ in self._database.columns(f"select * from {_one_file(path)}")}
        lacking = {name for name in compared if name not in known}
        return [name for name in compared if name not in lacking and not (lacking and name == "extra")] + [
            *CHILD_TABLES
        ]

    def _define_changes(self) -> None:
        for source in in_order(read_folder(self._folder / "changes")):
            make = self._database.materialise if source.name in _MATERIALISED else self._database.define
            make(source.name, source.text.rstrip(";"))


_TEXT = pa.string()
_COLUMN = {"table_name": _TEXT, "column_name": _TEXT}
_PREVIOUS_COUNTS = """
select installation, run_id, count(*) as actions
from ({actions})
where run_id = (select max(run_id) from previous_runs where status = 'complete')
group by installation, run_id
"""


def _one_file(path: Path) -> str:
    return f"read_parquet({literal(str(path))}, hive_partitioning = false)"


def _arrow(columns: Mapping[str, pa.DataType], rows: Iterable[tuple[object, ...]]) -> pa.Table:
    listed = list(rows)
    arrays = [pa.array([row[i] for row in listed], kind) for i, kind in enumerate(columns.values())]
    return pa.table(arrays, schema=pa.schema(list(columns.items())))


def _exact(found: pa.RecordBatchReader, extra: pa.Table | None, table: Table) -> Iterator[pa.RecordBatch]:
    for batch in found:
        yield from pa.Table.from_batches([batch]).cast(table.schema).to_batches()
    if extra is not None:
        yield from extra.select(list(table.column_names)).cast(table.schema).to_batches()

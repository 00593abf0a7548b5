"""One night between the crawl and the publish: its checks, and what changed since each action was last seen.

The staged Parquet appears under the names of its tables, the lake as it stands under previous_*, and sql/
does the rest: checks return offenders, sql/changes makes action_changes, last_known_actions and action_state.
The cost is that of the current actions and their last known rows; no earlier night is read. duckdb doesn't
keep to its memory limit when it sorts, joins or lists wide rows, so sql/changes joins narrow ones, `children`
is made for a share of the actions at a time, and what leaves is sorted by `sorting`.
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
from collector.query.sorting import Sorter
from collector.query.sources import in_order, read_folder, sql_folder
from collector.query.views import base_view, read_parquet

Paths = Mapping[str, Sequence[Path]]

# duckdb's share of the night's memory, for any number of actions. One thread: a second is no faster within so
# little, and fails where one gets by with half of it.
MEMORY_LIMIT = "96MB"
_THREADS = 1
_PREVIOUS = ("last_known_actions", "action_state", "runs")
# Computed by sql/changes, not staged.
_COMPUTED = frozenset({"action_changes", "last_known_actions", "action_state"})
# Compared like columns though they are tables of their own.
CHILD_TABLES = ("trigger_conditions", "variables", "permissions")
# Columns of promote_image_actions that no comparison looks at: which action it is, and how we came to know.
NOT_COMPARED = frozenset({*PROMOTE_IMAGE_ACTIONS.key, "run_date", "fetched_at"})
# Rows of sql/changes that others read more than once; narrow, or few.
_MATERIALISED = frozenset({"gone", "differing", "action_changes"})
# Child rows that are gathered into lists at a time: some 50 MB of them.
CHILD_ROWS_AT_A_TIME = 100_000


class Night:
    """The night's database. `staged` and `previous` are files by table; `spill` is a directory it may fill.

    `previous` holds last_known_actions, action_state and runs of the lake as it stands; `counted` the files
    of promote_image_actions that hold the last complete run. `listed_installations` are those whose list of
    workspaces was asked and is complete. Raises QueryError or LakeError like `Database`.
    """

    def __init__(
        self,
        staged: Paths,
        previous: Paths,
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
        self._spill = spill
        self._folder = folder or sql_folder()
        self._computed = False
        spill.mkdir(parents=True, exist_ok=True)
        paths = [*counted, *(p for files in (*staged.values(), *previous.values()) for p in files)]
        folders = sorted({path.parent for path in paths})
        self._database = Database(folders, spill, memory_limit=memory_limit, threads=_THREADS)
        self._define_tables(counted)
        self._define_facts(run_id, run_date)
        for name, columns, rows in (
            ("listed_installations", ["installation"], ((name,) for name in listed_installations)),
            ("known_enum_values", ["table_name", "column_name", "value"], known_enum_values),
            ("documented_fields", ["object", "field"], documented_fields),
        ):
            self._database.insert(name, _texts(columns, rows))

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
        self._compute()
        checks = sorted(read_checks(self._folder).values(), key=lambda check: not check.blocking)
        return [offender for check in checks for offender in check.offenders(self._database)]

    def change_counts(self) -> dict[str, int]:
        """Rows of action_changes by kind of change."""
        self._compute()
        rows = self._database.rows(
            "select change, count(*) as n from action_changes group by change order by change"
        )
        return {row["change"]: row["n"] for row in rows}

    def reader(self, table: str, extra: pa.Table | None = None) -> pa.RecordBatchReader:
        """The rows of one table, with its exact schema and in order of its key; `extra` rows join them."""
        if table in _COMPUTED:
            self._compute()
        return pa.RecordBatchReader.from_batches(ALL[table].schema, self._sorted(ALL[table], extra))

    def _sorted(self, table: Table, extra: pa.Table | None) -> Iterator[pa.RecordBatch]:
        sorter = Sorter(table.key, self._spill)
        columns = ", ".join(identifier(name) for name in table.column_names)
        sorter.add(_exact(self._database.stream(f"select {columns} from {identifier(table.name)}"), table))
        if extra is not None:
            sorter.add(_exact(extra.to_batches(), table))
        yield from sorter.batches()

    def _define_tables(self, counted: Sequence[Path]) -> None:
        for name, table in ALL.items():
            if name not in _COMPUTED:
                self._database.define(name, base_view(table, [self._staged.get(name, ())]))
        for name in _PREVIOUS:
            # Each file is its own group: they may have been written under different contracts.
            groups = [[path] for path in self._previous.get(name, ())]
            self._database.define(f"previous_{name}", base_view(ALL[name], groups))
        actions = base_view(PROMOTE_IMAGE_ACTIONS, [[path] for path in counted])
        self._database.define("previous_counts", _PREVIOUS_COUNTS.format(actions=actions))

    def _define_facts(self, run_id: str, run_date: date) -> None:
        run = f"select {literal(run_id)} as run_id, date {literal(run_date.isoformat())} as run_date"
        self._database.define("this_run", run)
        comparable = comparable_columns(self._database, self._previous.get(LAST_KNOWN_ACTIONS.name, ()))
        self._database.insert("comparable_columns", _texts(["column_name"], ((name,) for name in comparable)))
        column = ["table_name", "column_name"]
        expected = [
            (t.name, name, str(name in t.key).lower()) for t in ALL.values() for name in t.column_names
        ]
        self._database.insert("declared_columns", _texts([*column, "required"], expected))
        self._database.define(
            "expected_columns",
            "select table_name, column_name, required::BOOLEAN as required from declared_columns",
        )
        staged = (
            (name, column)
            for name, paths in self._staged.items()
            if paths
            for column, _ in self._database.columns(f"select * from {read_parquet(paths)}")
        )
        self._database.insert("staged_columns", _texts(column, staged))

    def _compute(self) -> None:
        """Make what sql/changes describes, once."""
        if self._computed:
            return
        for source in in_order(read_folder(self._folder / "changes")):
            if source.name == "children":
                self._gather_children(source.text)
            elif source.name in _MATERIALISED:
                self._database.materialise(source.name, source.text)
            else:
                self._database.define(source.name, source.text)
        self._computed = True

    def _gather_children(self, select: str) -> None:
        views = {
            n: base_view(ALL[n], [self._staged.get(n, ())])
            for n in (*CHILD_TABLES, PROMOTE_IMAGE_ACTIONS.name)
        }
        counts = [self._database.rows(f"select count(*) as n from {name}")[0]["n"] for name in CHILD_TABLES]
        shares = max(1, -(-sum(counts) // CHILD_ROWS_AT_A_TIME))
        for share in range(shares):
            for name, view in views.items():
                self._database.define(name, f"select * from ({view}) where action_id % {shares} = {share}")
            self._database.materialise("children", select, more=share > 0)
        for name, view in views.items():
            self._database.define(name, view)


def comparable_columns(database: Database, last_known: Sequence[Path]) -> list[str]:
    """The columns in which an action can be compared with the rows of these files.

    A column that the contract gained since they were written has no known value; what Buddy said in it is in
    their `extra`, so `extra` is not compared on that night either.
    """
    compared = [name for name in PROMOTE_IMAGE_ACTIONS.column_names if name not in NOT_COMPARED]
    known = set(compared)
    for path in last_known:
        known &= {column for column, _ in database.columns(f"select * from {read_parquet([path])}")}
    if len(known) < len(compared):
        known.discard("extra")
    return [name for name in compared if name in known] + [*CHILD_TABLES]


_PREVIOUS_COUNTS = """
select installation, run_id, count(*) as actions
from ({actions})
where run_id = (select max(run_id) from previous_runs where status = 'complete')
group by installation, run_id
"""


def _exact(batches: Iterable[pa.RecordBatch], table: Table) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield from pa.Table.from_batches([batch]).select(table.column_names).cast(table.schema).to_batches()


def _texts(columns: Sequence[str], rows: Iterable[tuple[str, ...]]) -> dict[str, list[str]]:
    listed = list(rows)
    return {name: [row[i] for row in listed] for i, name in enumerate(columns)}

"""One night between the crawl and the publish: its checks, and what changed since each action was last seen.

The staged Parquet appears under the names of its tables, the lake as it stands under previous_*, and sql/
does the rest: checks return offenders, sql/changes makes action_changes, last_known_actions and action_state.
The cost is that of the current actions and their last known rows; no earlier night is read. duckdb doesn't
keep to its memory limit when it sorts, joins or lists wide rows, so sql/changes joins narrow ones, `children`
is made for a share of the actions at a time and kept in files, and what leaves is sorted by `sorting`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import pyarrow as pa

from collector.lake.base_views import CurrentSchemaFiles, base_view, read_parquet
from collector.lake.database import Database, MemoryLimitReached, identifier, literal
from collector.lake.external_sort import Sorter
from collector.lake.tables import ACTION_STATE, ALL, LAST_KNOWN_ACTIONS, PROMOTE_IMAGE_ACTIONS, Table
from collector.query.checks import Check, CheckRow, read_checks
from collector.query.contract_views import change_views, check_views, child_tables, compared_columns
from collector.query.sql_files import read_folder, sql_folder

Paths = Mapping[str, Sequence[Path]]
T = TypeVar("T")

# duckdb's share of the night's memory, enough for 100,000 actions of 2 kB; a night that needs more is begun again
# with the second. One thread: two are no faster within so little.
MEMORY_LIMIT = "80MB"
LARGER_MEMORY_LIMIT = "600MB"
_THREADS = 1
_PREVIOUS = ("last_known_actions", "action_state", "runs")
# Computed by sql/changes, not staged.
_COMPUTED = frozenset({"action_changes", "last_known_actions", "action_state"})
CHILD_TABLES = child_tables()
# What is handled at a time where rows are wide: child rows gathered into lists, actions compared field by
# field (json_merge_patch() takes 60 MB for two thousand rows of 2 kB).
CHILD_ROWS_AT_A_TIME = 20_000
ACTIONS_AT_A_TIME = 1_000


class StagedRun:
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
        memory_limit: str = MEMORY_LIMIT,
        folder: Path | None = None,
    ) -> None:
        self._staged = staged
        self._previous = previous
        self._counted = counted
        self._run_id = run_id
        self._run_date = run_date
        self._spill = spill
        self._folder = folder or sql_folder()
        self._memory_limit = memory_limit
        self._given = {"listed_installations": _texts(["installation"], ((name,) for name in listed_installations))}
        spill.mkdir(parents=True, exist_ok=True)
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def offenders(self) -> list[CheckRow]:
        """What the checks found, the blocking ones first."""
        checks = sorted(read_checks(self._folder).values(), key=lambda check: not check.blocking)
        return self._with_memory(lambda: list(self._check(checks)))

    def _check(self, checks: Iterable[Check]) -> Iterator[CheckRow]:
        for view in check_views().values():
            self._database.define(view.name, view.text)
        for check in checks:
            yield from check.offenders(self._database)

    def change_counts(self) -> dict[str, int]:
        """Rows of action_changes by kind of change."""
        counts = "select change, count(*) as n from action_changes group by change order by change"
        return self._with_memory(lambda: {row["change"]: row["n"] for row in self._database.rows(counts)})

    def reader(self, table: str, extra: pa.Table | None = None) -> pa.RecordBatchReader:
        """The rows of one table, with its exact schema and in order of its key; `extra` rows join them."""
        return pa.RecordBatchReader.from_batches(ALL[table].schema, self._batches(ALL[table], extra))

    def _batches(self, table: Table, extra: pa.Table | None) -> Iterator[pa.RecordBatch]:
        sorter = self._with_memory(lambda: self._sort(table))
        if extra is not None:
            sorter.add(_exact(extra.to_batches(), table))
        yield from sorter.batches()

    def _sort(self, table: Table) -> Sorter:
        # What the last table took and let go, duckdb's too: the allocator keeps it, up to 60 MB, until it is told.
        pa.default_memory_pool().release_unused()
        sorter = Sorter(table.key, self._spill)
        columns = ", ".join(identifier(name) for name in table.column_names)
        sorter.add(_exact(self._database.stream(f"select {columns} from {identifier(table.name)}"), table))
        return sorter

    def _with_memory(self, work: Callable[[], T]) -> T:
        """What `work` gives once the changes are computed; where memory runs out, again with more of it."""
        try:
            self._compute()
            return work()
        except MemoryLimitReached:
            self._database.close()
            self._memory_limit = LARGER_MEMORY_LIMIT
            self._open()
            self._compute()
            return work()

    def _open(self) -> None:
        files = (*self._staged.values(), *self._previous.values(), self._counted)
        folders = sorted({self._spill, *(path.parent for paths in files for path in paths)})
        self._database = Database(folders, self._spill, memory_limit=self._memory_limit, threads=_THREADS)
        self._computed = False
        self._define_tables()
        self._define_facts()
        for name, columns in self._given.items():
            self._database.insert(name, columns)

    def _define_tables(self) -> None:
        self._found = {
            name: self._database.columns(f"select * from {read_parquet(paths)}")
            for name, paths in self._staged.items()
            if paths
        }
        for name in ALL.keys() - _COMPUTED:
            self._database.define(name, self._staged_view(name))
        for name in _PREVIOUS:
            # Each file is its own group: they may have been written under different contracts.
            groups = [[path] for path in self._previous.get(name, ())]
            self._database.define(f"previous_{name}", base_view(ALL[name], groups))
        actions = base_view(PROMOTE_IMAGE_ACTIONS, [[path] for path in self._counted])
        self._database.define("previous_counts", _PREVIOUS_COUNTS.format(actions=actions))

    def _staged_view(self, name: str) -> str:
        whole = self._found.get(name) == [(column.name, column.sql) for column in ALL[name].columns]
        paths = self._staged.get(name, ())
        return base_view(ALL[name], [CurrentSchemaFiles(paths) if whole else paths])

    def _define_facts(self) -> None:
        run = f"select {literal(self._run_id)} as run_id, date {literal(str(self._run_date))} as run_date"
        self._database.define("this_run", run)
        comparable = comparable_columns(self._database, self._previous.get(LAST_KNOWN_ACTIONS.name, ()))
        self._database.insert("comparable_columns", _texts(["column_name"], ((name,) for name in comparable)))
        staged = ((name, column) for name, found in self._found.items() for column, _ in found)
        self._database.insert("staged_columns", _texts(["table_name", "column_name"], staged))

    def _compute(self) -> None:
        """Make what sql/changes describes, once."""
        if self._computed:
            return
        database, selects = (self._database, {n: s.text for n, s in read_folder(self._folder / "changes").items()})
        database.materialise("gone", selects["gone"])
        for name in CHILD_TABLES:
            database.define(f"{name}_of_action", change_views()[f"{name}_of_action"].text)
        tables = (*CHILD_TABLES, PROMOTE_IMAGE_ACTIONS.name)
        views = {name: self._staged_view(name) for name in tables}
        rows = sum(self._count(name) for name in CHILD_TABLES)
        shares = self._shares(-(-rows // CHILD_ROWS_AT_A_TIME), views)
        database.copy_to_parquet("children", (selects["children"] for _ in shares), self._spill)
        for name, view in views.items():
            database.define(name, view)
        if self._previous.get(ACTION_STATE.name):
            self._compare(selects)
        else:
            database.materialise("changed_fields", _NOTHING_CHANGED)
        database.materialise("action_changes", selects["action_changes"])
        database.define("last_known_actions", selects["last_known_actions"])
        database.define("action_state", selects["action_state"])
        self._computed = True

    def _compare(self, selects: Mapping[str, str]) -> None:
        """Make changed_fields, of the actions whose fingerprints differ."""
        database = self._database
        for name in ("fingerprints", "differing"):
            database.materialise(name, selects[name])
        database.define("differing_share", "select * from differing")
        database.define("compared_sides", selects["compared_sides"])
        database.define("compared_fields", change_views()["compared_fields"].text)
        differing = -(-self._count("differing") // ACTIONS_AT_A_TIME)
        for share in self._shares(differing, {"differing_share": "select * from differing"}):
            database.materialise("changed_fields", selects["changed_fields"], more=share > 0)

    def _count(self, name: str) -> int:
        return int(self._database.rows(f"select count(*) as n from {identifier(name)}")[0]["n"])

    def _shares(self, count: int, of: Mapping[str, str]) -> Iterator[int]:
        """Number the shares of the actions, the views `of` showing one of them at a time."""
        for share in range(max(1, count)):
            for view, everything in of.items():
                part = f"select * from ({everything}) where action_id % {max(1, count)} = {share}"
                self._database.define(view, part)
            yield share


def comparable_columns(database: Database, last_known: Sequence[Path]) -> list[str]:
    """The columns in which an action can be compared with the rows of these files.

    A column that the contract gained since they were written has no known value; what Buddy said in it is in
    their `extra`, so `extra` is not compared on that night either.
    """
    compared = compared_columns()
    known = set(compared)
    for path in last_known:
        known &= {column for column, _ in database.columns(f"select * from {read_parquet([path])}")}
    if len(known) < len(compared):
        known.discard("extra")
    return [name for name in compared if name in known] + [*CHILD_TABLES]


# On a first night there is nothing to compare with, and planning the comparison would be a tenth of closing it.
_NOTHING_CHANGED = """
select *, null::VARCHAR as column_name, null::VARCHAR as old_value, null::VARCHAR as new_value
from (select * exclude (last_seen_run_id) from gone)
where false
"""
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

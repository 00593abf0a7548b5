"""Views over the files of one manifest: the tables, `selected_run`, then sql/clean and sql/facts.

A base view reads an explicit list of files, never a pattern: a file that the manifest does not name does not exist.
A file of sql/ becomes one statement, which holds what it needs as common table expressions. Views are made for SQL of
users, and only those that it needs, because to bind forty views takes longer than most answers.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from pathlib import Path

from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.manifest import FileEntry, RunEntry
from collector.lake.sql_text import base_view, by_schema, identifier, literal
from collector.lake.tables import SNAPSHOTS, TABLES
from collector.query.carried import CARRIED_TABLES, FRESH_TABLES, without_carried
from collector.query.contract_views import contract_views
from collector.query.derived_views import derived_views
from collector.query.sql_files import SqlFile, in_order, read_folder, sql_folder

# Paths of files by table, grouped by equal schema.
Files = Mapping[str, Sequence[Sequence[Path | str]]]
# Returns the files of the named tables: only those that a query uses are fetched from where the lake is.
FindFiles = Callable[[Collection[str]], Files]

SELECTED_RUN = "selected_run"
# How the rows of a common table expression are read: as often as it is named, like those of a view, but for tables of
# which all runs are wanted. Of these duckdb decides, and reads the smallest once. What several views read is made once.
_READ_AS = {
    **dict.fromkeys(("action_changes", "action_executions", "executions", "last_known_actions"), ""),
    **dict.fromkeys(("directed_elements", "runs"), "materialized "),
}
# A query with one of these words lists or runs views by name, so all of them must exist.
_NEEDS_ALL_VIEWS = frozenset(
    ("show", "information_schema", "duckdb_views", "duckdb_columns", "duckdb_tables", "pg_class", "pg_tables",
     "pg_views", "sqlite_master", "query", "query_table", "pragma_show", "pragma_table_info")
)  # fmt: skip


@dataclass(frozen=True)
class Views:
    """The views over some files: the tables, the selected run, and the SQL files of `sources`.

    With `fresh`, the tables lack the rows that were carried into the selected run.
    """

    find_files: FindFiles
    run: RunEntry | None
    sources: Mapping[str, SqlFile] = field(default_factory=dict)
    fresh: bool = False

    @property
    def names(self) -> list[str]:
        """The names of all views, the tables first."""
        return [*TABLES, SELECTED_RUN, *self.sources]

    def define(self, database: Database, wanted: Collection[str] | None = None) -> None:
        """Create the views that a query with the `wanted` words needs; None means all views."""
        for name, select in self.selects(wanted).items():
            database.define(name, select)

    def define_empty(self, database: Database, wanted: Collection[str] | None = None) -> None:
        """Create an empty table in place of each of these views, for names and types: each select is planned once."""
        for name, select in self.selects(wanted).items():
            database.materialise(name, f"from ({select}) limit 0")

    def selects(self, wanted: Collection[str] | None = None) -> dict[str, str]:
        """Return the views that a query with the `wanted` words needs, each after those it refers to, as name → select.

        None means all views.
        """
        wanted = _all_or(wanted)
        sources, tables = in_order(self.sources, wanted), self.tables(wanted)
        files = self.find_files([*tables, *(sorted(FRESH_TABLES - tables) if self.fresh else ())])
        selects = {name: self._table(name, files) for name in TABLES if name in tables}
        if SELECTED_RUN in self._used(wanted):
            selects[SELECTED_RUN] = selected_run_view(self.run)
        return selects | {source.name: source.sql for source in sources}

    def statement(self, sql: str, wanted: Collection[str]) -> str:
        """Return a statement that answers `sql`, which uses the `wanted` names, with no need of any view.

        The views are its common table expressions: to create a view binds all that it reads, and each view above it
        binds that again.
        """
        return statement_with(self.selects(wanted), sql)

    def tables(self, wanted: Collection[str] | None = None) -> frozenset[str]:
        """Return the tables that a query with the `wanted` words reads, directly or through views."""
        return self._used(wanted) & TABLES.keys()

    def needs(self, name: str, wanted: Collection[str] | None) -> bool:
        """Return whether `selects` returns the view `name`; unlike it, this looks for no files."""
        return name in self._used(_all_or(wanted)).intersection(self.names)

    def _used(self, wanted: Collection[str] | None) -> frozenset[str]:
        """Return the `wanted` words with all that the views among them refer to."""
        used = set(self.names if wanted is None else wanted)
        return frozenset(used.union(*(source.references for source in in_order(self.sources, wanted))))

    def _table(self, name: str, files: Files) -> str:
        def base(table: str) -> str:
            return base_view(TABLES[table], files.get(table, ()))

        if self.fresh and self.run is not None and name in CARRIED_TABLES:
            return without_carried(name, base, self.run.run_id)
        return base(name)


def statement_with(selects: Mapping[str, str], sql: str) -> str:
    """Return a statement that answers `sql`, with these views as common table expressions."""
    if not selects:
        return sql
    named = ",\n".join(
        f"{identifier(name)} as {_READ_AS.get(name, 'not materialized ')}(\n{select}\n)"
        for name, select in selects.items()
    )
    return f"with recursive\n{named}\nselect * from (\n{sql}\n)"


def _all_or(wanted: Collection[str] | None) -> Collection[str] | None:
    """Return `wanted`, or None for all views where a word of it may show any of them."""
    return None if wanted is not None and not _NEEDS_ALL_VIEWS.isdisjoint(wanted) else wanted


def no_files(tables: Collection[str]) -> Files:
    """Return no file of any table, for views of which only names and types matter."""
    return {}


def live_files(lake: Lake, runs: Collection[str] = (), tables_of_all_runs: Collection[str] | None = None) -> FindFiles:
    """Return the function that finds live files, grouped by equal schema.

    Of tables other than `tables_of_all_runs` (None means every table) only the files that hold one of these runs; a
    snapshot is one state for all runs.
    """

    def find(tables: Collection[str]) -> Files:
        entries = live_entries(lake, tables, runs, tables_of_all_runs)
        # All together, because files that are elsewhere are fetched several at once.
        return grouped(entries, lake.storage.copies(chain.from_iterable(entries.values())))

    return find


def files_for(question: SqlFile | None, lake: Lake, run: RunEntry | None, searched: Collection[str] = ()) -> FindFiles:
    """Return the function that finds the files which answer a question about a run; None: anything may be asked.

    Of a question about two runs, the `searched` tables are read whole.
    """
    if question is None or run is None:
        return live_files(lake)
    if question.is_of_two_runs:
        return live_files(lake, (lake.manifest.runs[0].run_id, run.run_id), searched)
    return live_files(lake, runs_read(question, lake, run), question.tables_of_all_runs)


def runs_read(question: SqlFile, lake: Lake, run: RunEntry) -> list[str]:
    """Return the runs of which a question about `run` reads the files, of tables that it does not read whole."""
    runs = lake.manifest.runs if question.reads_partial_runs else []
    return [run.run_id, *(each.run_id for each in runs if each.status == "partial")]


def live_entries(
    lake: Lake, tables: Collection[str], runs: Collection[str] = (), tables_of_all_runs: Collection[str] | None = None
) -> Mapping[str, Sequence[FileEntry]]:
    """Return what `live_files` finds as the manifest names it."""
    of_all_runs = tables if tables_of_all_runs is None else {*tables_of_all_runs, *SNAPSHOTS}
    return {name: lake.entries(name, () if name in of_all_runs else runs) for name in tables}


def grouped(entries: Mapping[str, Sequence[FileEntry]], paths: Sequence[Path | str]) -> Files:
    """Return the paths of all entries, which are in the same order, by table and equal schema."""
    rest = iter(paths)
    return {
        name: by_schema(TABLES[name], [(next(rest), entry.schema) for entry in of_table])
        for name, of_table in entries.items()
    }


@cache
def view_sources() -> Mapping[str, SqlFile]:
    """Return the views of the contract, the files of sql/clean and sql/facts, and the views derived from them."""
    files = read_folder(sql_folder() / "clean") | read_folder(sql_folder() / "facts")
    return contract_views() | files | derived_views(files)


def selected_run_view(run: RunEntry | None) -> str:
    """Return the select of one row, the run that questions are about; of no row when there is none.

    It holds constants and does not look for the newest run, because the manifest decides which run is the latest.
    """
    values = (run.run_id, run.run_date, run.status, run.started_at.replace(tzinfo=None)) if run else (None,) * 4
    columns = (("run_id", "VARCHAR"), ("run_date", "DATE"), ("status", "VARCHAR"), ("started_at", "TIMESTAMP"))
    texts = ("null" if value is None else literal(str(value)) for value in values)
    selected = (f"{text}::{kind} as {name}" for text, (name, kind) in zip(texts, columns, strict=True))
    return f"select {', '.join(selected)}" + ("" if run else " where false")

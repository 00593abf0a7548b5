"""Views over the files of one manifest: the tables, `selected_run`, then sql/clean and sql/facts.

A base view reads an explicit list of files, never a pattern: a file that the manifest does not name does not exist.
Views are made only when a query needs them, because to bind forty views takes longer than most answers.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.lake.database import Database
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.lake.sql_text import CurrentSchemaFiles, base_view, literal
from collector.lake.tables import SNAPSHOTS, TABLES
from collector.query.carried import CARRIED_TABLES, without_carried
from collector.query.contract_views import contract_views
from collector.query.derived_views import derived_views
from collector.query.sql_files import SqlFile, in_order, read_folder, sql_folder

# Paths of files by table, grouped by equal schema.
Files = Mapping[str, Sequence[Sequence[Path]]]

SELECTED_RUN = "selected_run"
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

    files: Files
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

    def selects(self, wanted: Collection[str] | None = None) -> dict[str, str]:
        """Return the views that a query with the `wanted` words needs, each after those it refers to, as name → select.

        None means all views.
        """
        if wanted is not None and not _NEEDS_ALL_VIEWS.isdisjoint(wanted):
            wanted = None
        sources = in_order(self.sources, wanted)
        used = set(self.names if wanted is None else wanted).union(*(source.references for source in sources))
        selects = {name: self._table(name) for name in TABLES if name in used}
        if SELECTED_RUN in used:
            selects[SELECTED_RUN] = selected_run_view(self.run)
        return selects | {source.name: source.sql for source in sources}

    def _table(self, name: str) -> str:
        if self.fresh and self.run is not None and name in CARRIED_TABLES:
            return without_carried(name, self._base_view, self.run.run_id)
        return self._base_view(name)

    def _base_view(self, name: str) -> str:
        return base_view(TABLES[name], self.files.get(name, ()))


def files_by_schema(lake: Lake, run_id: str | None = None, tables_of_all_runs: Collection[str] | None = None) -> Files:
    """Return the live files of every table, grouped by equal schema.

    Of tables other than `tables_of_all_runs` (None means every table) only the files that hold the run `run_id`; a
    snapshot is one state for all runs.
    """
    files: dict[str, list[Sequence[Path]]] = {}
    for name, table in TABLES.items():
        by_schema: dict[str, list[Path]] = {}
        all_runs = tables_of_all_runs is None or name in tables_of_all_runs or name in SNAPSHOTS
        for path, schema in lake.files(name, None if all_runs else run_id):
            by_schema.setdefault(schema, []).append(path)
        files[name] = [
            CurrentSchemaFiles(group) if schema == table.fingerprint else group for schema, group in by_schema.items()
        ]
    return files


def view_sources() -> dict[str, SqlFile]:
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

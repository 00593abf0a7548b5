"""Views over the files of one manifest: the twelve tables, `selected_run`, then sql/clean and sql/facts.

A base view reads an explicit list of files, never a pattern: what no manifest names does not exist. Files
written under an older contract have fewer columns; each group of equal schema is one `read_parquet`, and the
groups meet by name under an empty select that gives every column its place and type, so a column that a file
lacks is NULL. Views are made only when the words of a query need them: binding forty views that nobody asked
for would cost more than the answer.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collector.lake.base_views import CurrentSchemaFiles, base_view
from collector.lake.database import Database, literal
from collector.lake.lake import Lake
from collector.lake.manifest import RunEntry
from collector.lake.tables import TABLES
from collector.query.contract_views import contract_views
from collector.query.sql_files import SqlFile, in_order, read_folder

# Paths of files by table, grouped by equal schema.
Files = Mapping[str, Sequence[Sequence[Path]]]

SELECTED_RUN = "selected_run"
# A query with one of these words looks at the catalogue of views itself, so all of them must be there.
_LOOKS_AROUND = frozenset(
    ("show", "information_schema", "duckdb_views", "duckdb_columns", "duckdb_tables", "pg_class", "pg_tables",
     "pg_views", "sqlite_master", "query", "query_table", "pragma_show", "pragma_table_info")
)  # fmt: skip


@dataclass(frozen=True)
class Views:
    """The views that a database may need: files of the twelve tables, the run that questions are about, and
    the sources of sql/clean and sql/facts.
    """

    files: Files
    run: RunEntry | None
    sources: Mapping[str, SqlFile] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Every view there is, the twelve tables first."""
        return [*TABLES, SELECTED_RUN, *self.sources]

    def define(self, database: Database, wanted: Collection[str] | None = None) -> None:
        """Make the views that the `wanted` words of a query need; all of them when `wanted` is None."""
        database.suggest(self.names)
        for name, select in self.selects(wanted).items():
            database.define(name, select)

    def selects(self, wanted: Collection[str] | None = None) -> dict[str, str]:
        """The views needed by `wanted` words, each after those it refers to, as name → select."""
        if wanted is not None and _LOOKS_AROUND & set(wanted):
            wanted = None
        sources = in_order(self.sources, wanted)
        used = None if wanted is None else set(wanted).union(*(source.references for source in sources))
        selects = {
            name: base_view(table, self.files.get(name, ()))
            for name, table in TABLES.items()
            if used is None or name in used
        }
        if used is None or SELECTED_RUN in used:
            selects[SELECTED_RUN] = selected_run_view(self.run)
        return selects | {source.name: source.text.rstrip(";") for source in sources}


def grouped(lake: Lake, run_id: str | None = None, many_nights: Collection[str] = TABLES) -> Files:
    """The live files of the twelve tables, grouped by equal schema; of tables that are not among `many_nights` those that
    hold one run.
    """
    files: dict[str, list[Sequence[Path]]] = {}
    for name, table in TABLES.items():
        by_schema: dict[str, list[Path]] = {}
        for path, schema in lake.files(name, None if name in many_nights else run_id):
            by_schema.setdefault(schema, []).append(path)
        files[name] = [
            CurrentSchemaFiles(group) if schema == table.fingerprint else group for schema, group in by_schema.items()
        ]
    return files


def sources_of_views(folder: Path) -> dict[str, SqlFile]:
    """Return the views of the contract and the files of sql/clean and sql/facts under `folder`, by view."""
    return contract_views() | read_folder(folder / "clean") | read_folder(folder / "facts")


def selected_run_view(run: RunEntry | None) -> str:
    """The select with one row: the run that questions are about. No row in an empty lake.

    Constants, not a search for the newest: the manifest decides which run is the latest.
    """
    if run is None:
        return (
            "select null::VARCHAR as run_id, null::DATE as run_date, null::VARCHAR as status, "
            "null::TIMESTAMP as started_at where false"
        )
    started = run.started_at.replace(tzinfo=None).isoformat(sep=" ")
    return (
        f"select {literal(run.run_id)} as run_id, date {literal(run.run_date.isoformat())} as run_date, "
        f"{literal(run.status)} as status, timestamp {literal(started)} as started_at"
    )

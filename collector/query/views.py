"""Views over the files of one manifest: the twelve tables, `selected_run`, then sql/clean and sql/facts.

A base view reads an explicit list of files, never a pattern: what no manifest names does not exist. Files
written under an older contract have fewer columns; each group of equal schema is one `read_parquet`, and the
groups meet by name under an empty select that gives every column its place and type, so a column that a file
lacks is NULL. Views are made only when the words of a query need them: binding forty views that nobody asked
for would cost more than the answer.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from collector.lake.tables import TABLES, Table
from collector.query.engine import Database, file_literal, identifier, literal
from collector.query.sources import Source, in_order, read_folder


class Whole(tuple[Path, ...]):
    """A group of files that have exactly the columns of today's contract, so that nothing is to be filled in."""


# Paths of files by table, grouped by equal schema.
Files = Mapping[str, Sequence[Sequence[Path]]]

SELECTED_RUN = "selected_run"
# A query with one of these words looks at the catalogue of views itself, so all of them must be there.
_LOOKS_AROUND = frozenset(
    ("show", "information_schema", "duckdb_views", "duckdb_columns", "duckdb_tables", "pg_class", "pg_tables",
     "pg_views", "sqlite_master", "query", "query_table", "pragma_show", "pragma_table_info")
)  # fmt: skip


class Run(Protocol):
    """A published run, as the manifest names it."""

    @property
    def run_id(self) -> str: ...
    @property
    def run_date(self) -> date: ...
    @property
    def status(self) -> str: ...
    @property
    def started_at(self) -> datetime: ...


class Manifest(Protocol):
    """What a reader needs of the manifest."""

    @property
    def sequence(self) -> int: ...
    @property
    def runs(self) -> Sequence[Run]: ...


class OpenedLake(Protocol):
    """A lake at one moment: its manifest, and where the files are that it names."""

    @property
    def path(self) -> Path: ...
    @property
    def manifest(self) -> Manifest: ...
    def files(self, table: str, run_id: str | None = None) -> Sequence[tuple[Path, str]]: ...


@dataclass(frozen=True)
class Views:
    """The views that a database may need: files of the twelve tables, the run that questions are about, and
    the sources of sql/clean and sql/facts.
    """

    files: Files
    run: Run | None
    sources: Mapping[str, Source] = field(default_factory=dict)

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


def grouped(lake: OpenedLake, run_id: str | None = None, many_nights: Collection[str] = TABLES) -> Files:
    """The live files of the twelve tables, grouped by equal schema; of tables that are not among `many_nights` those that
    hold one run.
    """
    files: dict[str, list[Sequence[Path]]] = {}
    for name, table in TABLES.items():
        by_schema: dict[str, list[Path]] = {}
        for path, schema in lake.files(name, None if name in many_nights else run_id):
            by_schema.setdefault(schema, []).append(path)
        files[name] = [
            Whole(group) if schema == table.fingerprint else group for schema, group in by_schema.items()
        ]
    return files


def sources_of_views(folder: Path) -> dict[str, Source]:
    """The files of sql/clean and sql/facts under `folder`, by view."""
    return read_folder(folder / "clean") | read_folder(folder / "facts")


def base_view(table: Table, groups: Sequence[Sequence[Path]]) -> str:
    """The select over the files of one table: the contract's columns, in its order and types."""
    typed = ", ".join(f"null::{column.sql} as {identifier(column.name)}" for column in table.columns)
    nothing = f"select {typed} where false"
    if not any(groups):
        return nothing
    columns = ", ".join(identifier(name) for name in table.column_names)
    if len(groups) == 1 and isinstance(groups[0], Whole):
        # Says the same as what is below, and is planned in half the time.
        return f"select {columns} from {read_parquet(groups[0])}"
    every = "\nunion all by name\n".join(
        [nothing, *(f"from {read_parquet(group)}" for group in groups if group)]
    )
    return f"select {columns} from (\n{every}\n)"


def read_parquet(paths: Sequence[Path]) -> str:
    """The call that reads exactly these files, all of one schema; folder names never become columns."""
    return f"read_parquet([{', '.join(file_literal(path) for path in paths)}], hive_partitioning = false)"


def selected_run_view(run: Run | None) -> str:
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

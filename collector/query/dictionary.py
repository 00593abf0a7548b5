"""The data dictionary: every table and view of a lake with its columns, their types, units and meanings."""

import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from collector.lake.database import Database
from collector.lake.tables import TABLES
from collector.query.sql_files import SqlFile
from collector.query.view_columns import meaning
from collector.query.views import SELECTED_RUN, Views, no_files, view_sources

_COLUMNS = "select table_name, column_name, data_type from duckdb_columns() order by table_name, column_index"
_SELECTED_RUN = "One row: the run that questions are about; no row in a lake without runs."


@dataclass(frozen=True, slots=True)
class DescribedColumn:
    """One column: its name, DuckDB's name of its type, its unit where it has one, and its meaning."""

    name: str
    type: str
    unit: str | None
    meaning: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view: what a row is in one sentence, what else is to be known, and the columns.

    `key` names the columns by which rows of a table differ; it is empty for a view.
    """

    name: str
    kind: str
    grain: str
    notes: str
    key: tuple[str, ...]
    columns: tuple[DescribedColumn, ...]


def tables() -> list[Relation]:
    """Return every table."""
    return [
        Relation(
            table.name,
            "table",
            f"One row per {table.grain}.",
            "",
            table.key,
            tuple(DescribedColumn(each.name, each.sql, each.unit, each.meaning) for each in table.columns),
        )
        for table in TABLES.values()
    ]


def views(wanted: Collection[str] | None = None) -> list[Relation]:
    """Return the `wanted` views, or all. Their columns and types are those that DuckDB finds."""
    sources = view_sources()
    columns: dict[str, list[DescribedColumn]] = {}
    with tempfile.TemporaryDirectory(prefix="collector-") as spill, Database([], Path(spill)) as database:
        Views(no_files, None, sources).define_empty(database, wanted)
        for found in database.rows(_COLUMNS):
            view, column = found["table_name"], found["column_name"]
            text, unit = meaning(view, column)
            columns.setdefault(view, []).append(DescribedColumn(column, found["data_type"], unit, text))
    return [
        Relation(name, "view", *sentences(name, sources), (), tuple(columns[name]))
        for name in (SELECTED_RUN, *sources)
        if wanted is None or name in wanted
    ]


def sentences(view: str, sources: Mapping[str, SqlFile]) -> tuple[str, str]:
    """Return what a row of a view is, and what else is to be known of the view."""
    return (sources[view].description, sources[view].notes) if view in sources else (_SELECTED_RUN, "")


def comments() -> Callable[[str, str | None], str]:
    """Return the function that gives the comment on a table or view (None), or on one of its columns."""
    sources = view_sources()
    of_tables = {table.name: table for table in tables()}

    def comment(relation: str, column: str | None) -> str:
        table = of_tables.get(relation)
        if column is None:
            return table.grain if table else "\n\n".join(filter(None, sentences(relation, sources)))
        known = {each.name: (each.meaning, each.unit) for each in table.columns} if table else {}
        text, unit = known[column] if table else meaning(relation, column)
        return f"{text} ({unit})" if unit else text

    return comment

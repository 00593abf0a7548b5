"""`collector tables`: the data dictionary, made from the declarations of the lake's tables."""

import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import options, terminal
from collector.cli.output import list_text, write_rows, write_text
from collector.errors import UsageError
from collector.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collector.lake.tables import Table


def tables(
    name: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="Only this table.")] = None,
    form: options.WordsFormat = options.WordFormat.text,
    output: options.Output = None,
) -> int:
    """Show the data dictionary. It has every table, column, type, unit and meaning."""
    from collector.lake.tables import TABLES

    if name is not None and name not in TABLES:
        advice = f"{did_you_mean(name, TABLES)}The tables are: {', '.join(TABLES)}."
        raise UsageError(f"There is no table {name!r}.", advice)
    chosen = list(TABLES.values()) if name is None else [TABLES[name]]
    if form is options.WordFormat.markdown:
        write_text(markdown(chosen), output)
    elif form is options.WordFormat.text:
        write_text(_text(chosen, terminal.width_of(sys.stdout)), output)
    else:
        import pyarrow as pa

        write_rows(pa.Table.from_pylist(_rows(chosen)), options.RowFormat(form.value), output)
    return 0


def _rows(chosen: list["Table"]) -> list[dict[str, str | None]]:
    """Return one row per column: table, column, type (as DuckDB calls it), unit, meaning."""
    return [
        {"table": table.name, "column": column.name, "type": column.sql, "unit": column.unit, "meaning": column.meaning}
        for table in chosen
        for column in table.columns
    ]


def markdown(chosen: list["Table"]) -> str:
    """Return the dictionary as Markdown: a heading and a table for each table."""
    parts = []
    for table in chosen:
        lines = [f"## {table.name}", "", f"One row per {table.grain}. Key: {', '.join(table.key)}.", ""]
        lines += ["| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
        for column in table.columns:
            meaning = column.meaning.replace("|", "\\|")
            lines.append(f"| {column.name} | {column.sql} | {column.unit or ''} | {meaning} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _text(chosen: list["Table"], width: int | None) -> str:
    parts = []
    for table in chosen:
        rows = [
            (f"  {column.name}", column.sql, column.meaning + (f" ({column.unit})" if column.unit else ""))
            for column in table.columns
        ]
        heading = textwrap.fill(f"{table.name}: one row per {table.grain}", width or 10_000)
        parts.append(f"{heading}\n\n{list_text(rows, width)}")
    return "\n".join(parts)

"""`collector tables`: the data dictionary, made from the declarations of the lake's tables."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import completion, options, terminal
from collector.cli.output import write_rows, write_text
from collector.errors import UsageError
from collector.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collector.lake.table import Table


def tables(
    name: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="Only this table.", autocompletion=completion.tables)
    ] = None,
    form: options.WordsFormat = options.WordFormat.text,
    output: options.Output = None,
) -> int:
    """Show the data dictionary. It has every table, column, type, unit and meaning."""
    from collector.lake.tables import TABLES

    if name is not None and name not in TABLES:
        known = f"The tables are: {', '.join(TABLES)}."
        raise UsageError(f"There is no table {name!r}.", did_you_mean(name, TABLES) + known)
    chosen = list(TABLES.values()) if name is None else [TABLES[name]]
    if form is options.WordFormat.markdown:
        write_text(markdown(chosen), output)
    elif form is options.WordFormat.text:
        write_text(_text(chosen, terminal.width_of(sys.stdout)), output)
    else:
        import pyarrow as pa

        rows = [
            {"table": table.name, "column": each.name, "type": each.sql, "unit": each.unit, "meaning": each.meaning}
            for table in chosen
            for each in table.columns
        ]
        write_rows(pa.Table.from_pylist(rows), options.RowFormat(form.value), output)
    return 0


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
    from collector.cli.text_table import draw_list, wrap

    parts = []
    for table in chosen:
        rows = [
            (f"  {column.name}", column.sql, column.meaning + (f" ({column.unit})" if column.unit else ""))
            for column in table.columns
        ]
        parts.append(wrap(f"{table.name}: one row per {table.grain}\n", width) + "\n" + draw_list(rows, width))
    return "\n".join(parts)

"""`collector tables`: the data dictionary, written from the declarations that the lake itself is made of."""

import sys
import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import options, terminal
from collector.errors import UsageError
from collector.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collector.lake.tables import Table


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tables")(tables)


def tables(
    name: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="Only this table.")] = None,
    form: options.WordsFormat = options.WordFormat.text,
    output: options.Output = None,
) -> int:
    """Show the data dictionary: every table, column, type, unit and meaning."""
    from collector.lake.tables import TABLES

    if name is not None and name not in TABLES:
        raise UsageError(
            f"There is no table {name!r}.", f"{did_you_mean(name, TABLES)}The tables are: {', '.join(TABLES)}."
        )
    chosen = list(TABLES.values()) if name is None else [TABLES[name]]
    if form in (options.WordFormat.json, options.WordFormat.csv):
        import pyarrow as pa

        from collector.cli import output as rows

        flat = pa.Table.from_pylist(dictionary(chosen))
        rows.write(flat, options.RowFormat(form.value), output)
        return 0
    text = markdown(chosen) if form is options.WordFormat.markdown else plain(chosen, terminal.width_of(sys.stdout))
    if output is None:
        sys.stdout.write(text)
    else:
        from collector.cli import output as rows

        rows.write_text(text, output)
    return 0


def dictionary(chosen: list["Table"]) -> list[dict[str, str | None]]:
    """One entry per column: table, column, type (DuckDB's name), unit, meaning."""
    return [
        {"table": table.name, "column": column.name, "type": column.sql, "unit": column.unit, "meaning": column.meaning}
        for table in chosen
        for column in table.columns
    ]


def markdown(chosen: list["Table"]) -> str:
    """The dictionary as Markdown: a heading and a table for each table."""
    parts = []
    for table in chosen:
        lines = [f"## {table.name}", "", f"One row per {table.grain}. Key: {', '.join(table.key)}.", ""]
        lines += ["| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {c.name} | {c.sql} | {c.unit or ''} | {c.meaning.replace('|', chr(92) + '|')} |" for c in table.columns
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def plain(chosen: list["Table"], width: int | None) -> str:
    """The dictionary as text: meanings wrapped within `width` where there is one."""
    lines = []
    for table in chosen:
        lines += [f"{table.name} — one row per {table.grain}", ""]
        name_width = max(len(column.name) for column in table.columns)
        type_width = max(len(column.sql) for column in table.columns)
        for column in table.columns:
            meaning = column.meaning + (f" ({column.unit})" if column.unit else "")
            start = f"  {column.name:<{name_width}}  {column.sql:<{type_width}}  "
            room = None if width is None else max(24, width - len(start))
            first, *rest = [meaning] if room is None else textwrap.wrap(meaning, room) or [""]
            lines.append((start + first).rstrip())
            lines += [" " * len(start) + line for line in rest]
        lines.append("")
    return "\n".join(lines)

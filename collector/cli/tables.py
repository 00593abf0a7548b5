"""`collector tables`: the data dictionary, made from the declarations of the lake's tables and views."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import completion, options, terminal
from collector.cli.output import write_rows, write_text
from collector.errors import UsageError
from collector.settings.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.query.dictionary import Relation


def tables(
    name: Annotated[
        str | None,
        typer.Argument(metavar="TABLE|VIEW", help="Only this table or view.", autocompletion=completion.tables),
    ] = None,
    form: options.RowsFormat = None,
    output: options.Output = None,
) -> int:
    """Show the data dictionary. It has every table and view, with each column, its type, unit and meaning."""
    chosen = _chosen(name)
    # A pipe gets the text, too: it is a document, and its rows are those of `--format`.
    form = options.row_format(form, output) if form or output else options.RowFormat.text
    if form is options.RowFormat.markdown:
        write_text("\n".join(map(markdown, chosen)), output)
    elif form is options.RowFormat.text:
        write_text(_text(chosen, terminal.width_of(sys.stdout)), output)
    else:
        import pyarrow as pa

        rows = [
            {
                "table": each.name,
                "kind": each.kind,
                "column": column.name,
                "type": column.type,
                "unit": column.unit,
                "meaning": column.meaning,
            }
            for each in chosen
            for column in each.columns
        ]
        write_rows(pa.Table.from_pylist(rows), form, output)
    return 0


def _chosen(name: str | None) -> "Sequence[Relation]":
    """Return the tables and views, or the one of that name. Raises UsageError that suggests the nearest."""
    from collector.query import dictionary
    from collector.query.views import Views, no_files, view_sources

    known = Views(no_files, None, view_sources()).names
    if name is not None and name not in known:
        advice = f"They are: {', '.join(known)}."
        raise UsageError(f"There is no table or view {name!r}.", did_you_mean(name, known) + advice)
    found = [each for each in dictionary.tables() if name in (None, each.name)]
    return found if name and found else [*found, *dictionary.views(None if name is None else [name])]


def markdown(relation: "Relation") -> str:
    """Return a table or view as Markdown: a heading, what a row is, and a table of the columns."""
    key = f" Key: {', '.join(relation.key)}." if relation.key else ""
    lines = [f"## {relation.name}", "", relation.grain + key, ""]
    lines += [relation.notes.replace("<", "\\<"), ""] if relation.notes else []
    lines += ["| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
    for column in relation.columns:
        meaning = column.meaning.replace("|", "\\|")
        lines.append(f"| {column.name} | {column.type} | {column.unit or ''} | {meaning} |")
    return "\n".join(lines) + "\n"


def _text(chosen: "Sequence[Relation]", width: int | None) -> str:
    from collector.cli.text_table import draw_list, wrap

    parts = []
    for relation in chosen:
        rows = [
            (f"  {column.name}", column.type, column.meaning + (f" ({column.unit})" if column.unit else ""))
            for column in relation.columns
        ]
        grain = relation.grain.removesuffix(".")
        opening = f"{relation.name}: {grain[0].lower()}{grain[1:]}\n"
        parts.append(wrap(opening, width) + "\n" + draw_list(rows, width))
    return "\n".join(parts)

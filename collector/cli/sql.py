"""`collector sql`: any SELECT over the tables and views of the lake."""

import sys
from typing import Annotated, Final

import typer

from collector.cli import options, terminal
from collector.cli.ask import open_reader
from collector.cli.output import write_rows
from collector.errors import UsageError

_MAX_NAMED: Final = 12  # columns that a person may have chosen


def sql(
    statement: Annotated[
        str, typer.Argument(metavar="SQL|-", help="One SELECT; - (or nothing, in a pipe) reads it from stdin.")
    ] = "-",
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.RowsFormat = None,
    output: options.Output = None,
) -> int:
    """Run one SELECT on the lake. It may use all tables and views, and cannot change anything."""
    form = options.row_format(form, output)
    # At a terminal with nothing to read, waiting for input would look like hanging.
    text = statement if statement != "-" else "" if sys.stdin.isatty() else sys.stdin.read()
    if not text.strip():
        raise UsageError("There is no SQL.", 'Write it in quotes: collector sql "select * from runs".')
    reader = open_reader(lake, config)
    rows = reader.sql(text).table if form is options.RowFormat.text else reader.stream(text)
    # Who names some columns wants them all; who selects everything is shown what fits.
    names = rows.schema.names
    answer = names if len(set(names)) == len(names) <= _MAX_NAMED else ()
    write_rows(rows, form, output, answer)
    if form is options.RowFormat.text and output is None and not terminal.quiet:
        sys.stderr.write(f"{rows.num_rows:,} row{'s' * (rows.num_rows != 1)}\n")
    return 0

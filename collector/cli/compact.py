"""`collector compact`: merge the files of past months."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from collector.cli import options
from collector.cli.failures import keep_exit_code
from collector.cli.output import write_facts


@keep_exit_code(done=True)
def compact(
    current_month: Annotated[
        bool, typer.Option("--current-month", help="Merge the files of the current month too, not only of past months.")
    ] = False,
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Merge the files of past months into one file per table and month; no row is changed."""
    from collector.lake.compact import compact as compact_lake

    opened = options.open_lake(lake, config)
    now = datetime.now(UTC)
    with opened.writing("compact", now):
        done = compact_lake(opened, now=now, current_month=current_month)
        options.settle_changed(opened, now)
    lines = [
        f"{table.run_month} {table.table}: {table.files_before} files merged into one, {table.rows:,} rows, "
        f"{table.bytes_before:,} bytes before, {table.bytes_after:,} bytes now"
        for table in done
    ]
    nothing = "Nothing to merge: a month is merged once it is over (or with --current-month)."
    write_facts(done, lines or [nothing], form)
    return 0

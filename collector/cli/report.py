"""`collector report`: the lake as one HTML file to look at."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from collector.cli import options, terminal
from collector.cli.ask import Run


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where the page goes; - is stdout.")
    ] = "report.html",
    run: Run = "latest",
    lake: options.Lake = None,
    config: options.Config = None,
) -> int:
    """Write one HTML page for those who would rather look than read: it needs no network and no other file."""
    from collector.cli import output as rows
    from collector.query.reader import open_lake
    from collector.report import collect_contents, render

    opened = options.open_lake(lake, config)
    options.settle_catalog(opened)
    page = render(collect_contents(open_lake(opened.path), run, datetime.now(UTC)))
    rows.write_text(page, None if output == "-" else output)
    if output != "-":
        sys.stderr.write(f"Written: {terminal.escape(output)} ({len(page.encode()) / 1e6:.1f} MB)\n")
    return 0

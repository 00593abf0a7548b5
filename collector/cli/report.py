"""`collector report`: the lake as one HTML page."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from collector.cli import options, terminal
from collector.cli.ask import RunOption, open_reader
from collector.cli.output import write_text
from collector.extras import needs_extra
from collector.settings.escape import escape


def report(
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="The file to write; - is stdout.")
    ] = "report.html",
    run: RunOption = "latest",
    lake: options.Lake = None,
    config: options.Config = None,
) -> int:
    """Write an HTML page about the lake. It needs no network and no other file."""
    with needs_extra("report"):
        from collector.report import collect_contents, render

    page = render(collect_contents(open_reader(lake, config), run, datetime.now(UTC)))
    write_text(page, None if output == "-" else output)
    if output != "-" and not terminal.quiet:
        sys.stderr.write(f"Wrote {escape(output)} ({len(page.encode()) / 1e6:.1f} MB)\n")
    return 0

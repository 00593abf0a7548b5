"""`collector verify`, `compact` and `prune`: looking after a lake that has many nights."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from collector.cli import options, terminal
from collector.cli.failures import done_anyway, until_reader_leaves
from collector.config_values import duration
from collector.errors import UsageError

_DAY_S = 86_400


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("verify", epilog="Exit codes: 0 every file is whole; 2 something is harmed.")(verify)
    app.command("compact")(done_anyway()(compact))
    app.command("prune")(done_anyway()(prune))


def verify(
    lake: options.Lake = None, config: options.Config = None, form: options.FactsFormat = options.Facts.text
) -> int:
    """Read every file of the lake and compare it with the manifest; say which nights are harmed."""
    opened = options.open_lake(lake, config)
    options.settle_catalog(opened)
    from collector.lake.verify import verify as look

    findings = look(opened)
    files = sum(size.files for size in opened.sizes().values())
    with until_reader_leaves():
        if form is options.Facts.json:
            import msgspec

            sys.stdout.write(msgspec.json.encode(findings).decode() + "\n")
        else:
            for finding in findings:
                words = f"{finding.path}: {finding.message} (runs {', '.join(finding.runs)})"
                sys.stdout.write(terminal.inert(words) + "\n")
            harmed = sorted({run for finding in findings for run in finding.runs})
            ending = (
                "all whole" if not findings else f"{len(findings)} findings, runs harmed: {', '.join(harmed)}"
            )
            sys.stdout.write(f"{files:,} files looked at: {ending}.\n")
    if findings:
        sys.stderr.write("Restore the files named above from a copy of the lake, at the same paths.\n")
    return 2 if findings else 0


def compact(
    current_month: Annotated[
        bool,
        typer.Option(
            "--current-month", help="The current month's nights too, not only those of past months."
        ),
    ] = False,
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.FactsFormat = options.Facts.text,
) -> int:
    """Merge the nights of past months into one file per table and month; no row is changed."""
    opened = options.open_lake(lake, config)
    from collector.lake.compact import compact as merge_nights
    from collector.query.merge import merge

    now = datetime.now(UTC)
    with opened.writing("compact", now):
        done = merge_nights(opened, merge, now=now, current_month=current_month)
        options.settle_catalog(opened)
    if form is options.Facts.json:
        import msgspec

        sys.stdout.write(msgspec.json.encode(done).decode() + "\n")
        return 0
    for each in done:
        sys.stdout.write(
            f"{each.run_month} {each.table}: {each.files_before} files in one, {each.rows:,} rows, "
            f"{each.bytes_before:,} bytes are now {each.bytes_after:,}\n"
        )
    if not done:
        sys.stdout.write(
            "Nothing to merge: the nights of a month are merged once it is over (or --current-month).\n"
        )
    return 0


def prune(
    keep: Annotated[str, typer.Option("--keep", metavar="TIME", help="Keep the nights of this long (400d).")],
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.FactsFormat = options.Facts.text,
) -> int:
    """Drop the nights older than --keep; what is known of every action now, and the newest night, stay."""
    seconds = duration(keep, "--keep")
    if seconds % _DAY_S:
        raise UsageError(f"--keep {keep} is not a number of whole days.", "Write it in days, such as 400d.")
    opened = options.open_lake(lake, config)
    from collector.lake.prune import prune as drop_nights
    from collector.query.merge import merge_runs

    now = datetime.now(UTC)
    with opened.writing("prune", now):
        done = drop_nights(opened, merge_runs, keep_days=int(seconds // _DAY_S), now=now)
        options.settle_catalog(opened)
    if form is options.Facts.json:
        said = {
            "runs": done.runs,
            "rows": done.rows,
            "files": done.files,
            "history_begins": done.history_begins,
        }
        sys.stdout.write(json.dumps(said) + "\n")
        return 0
    if not done.runs:
        sys.stdout.write("Nothing is that old.\n")
        return 0
    sys.stdout.write(
        f"Dropped {len(done.runs):,} nights ({done.runs[0]} to {done.runs[-1]}), {done.rows:,} rows. "
        f"History now begins with {done.history_begins}.\n"
    )
    return 0

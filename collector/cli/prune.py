"""`collector prune`: drop old runs."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from collector.cli import options
from collector.cli.failures import keep_exit_code
from collector.cli.output import write_facts
from collector.settings.parsers import days


@keep_exit_code(done=True)
def prune(
    keep: Annotated[str, typer.Option("--keep", metavar="TIME", help="Keep the runs of this time (400d).")],
    dry: Annotated[bool, typer.Option("--dry-run", help="Say which runs would be dropped; change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation on a terminal.")] = False,
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Drop the runs older than --keep; the last known state of every action and the newest run stay."""
    from collector.lake.prune import prune as prune_lake
    from collector.lake.prune import runs_to_drop

    keep_days = days(keep, "--keep")
    opened = options.open_lake(lake, config)
    now = datetime.now(UTC)
    runs = runs_to_drop(opened, keep_days=keep_days, now=now)
    if dry:
        line = f"{_said(runs)} would be dropped; nothing was changed." if runs else "No run is that old."
        write_facts({"dry_run": True, "runs": runs}, [line], form)
        return 0
    if runs and not yes and not _is_confirmed(runs):
        sys.stderr.write("Nothing was dropped.\n")
        return 0
    with opened.writing("prune", now):
        done = prune_lake(opened, keep_days=keep_days, now=now)
        options.settle_changed(opened, now)
    line = "No run is that old."
    if done.runs:
        line = f"Dropped {_said(done.runs)}, {done.rows:,} rows. History now begins with {done.history_begins}."
    write_facts(done, [line], form)
    return 0


def _said(runs: Sequence[str]) -> str:
    return f"{len(runs):,} run{'s' * (len(runs) != 1)} ({runs[0]} to {runs[-1]})"


def _is_confirmed(runs: Sequence[str]) -> bool:
    """Ask on the terminal whether these runs shall be dropped; without a terminal nobody can answer, and they are."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stderr.write(f"{_said(runs)} will be dropped and cannot be brought back. Continue? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")

"""`collector prune`: drop old runs."""

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
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.FactsFormat = options.FactFormat.text,
) -> int:
    """Drop the runs older than --keep; the last known state of every action and the newest run stay."""
    from collector.lake.prune import prune as prune_lake

    keep_days = days(keep, "--keep")
    opened = options.open_lake(lake, config)
    now = datetime.now(UTC)
    with opened.writing("prune", now):
        done = prune_lake(opened, keep_days=keep_days, now=now)
        options.settle_catalog(opened)
        options.settle_delta_logs(opened, now)
    line = "No run is that old."
    if done.runs:
        line = (
            f"Dropped {len(done.runs):,} runs ({done.runs[0]} to {done.runs[-1]}), {done.rows:,} rows. "
            f"History now begins with {done.history_begins}."
        )
    write_facts(done, [line], form)
    return 0

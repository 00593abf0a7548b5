"""`collector status`: the last runs, and whether the newest is fresh enough for a monitor."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import options, terminal
from collector.cli.failures import keep_exit_code
from collector.cli.looks import PLAIN, Looks
from collector.cli.output import write_rows, write_text
from collector.settings.durations import duration_text
from collector.settings.escape import escape
from collector.settings.parsers import duration

if TYPE_CHECKING:
    from collector.lake.lake import Lake
    from collector.query.run_status import RunStatus

EPILOG = (
    "Exit codes with --max-age: 0 fresh and complete; 1 fresh but partial; 3 stale, or nothing published. "
    "Without it: 0."
)


def status(
    max_age: Annotated[
        str | None,
        typer.Option("--max-age", metavar="TIME", help="Exit 3 when the newest run began longer ago than this (26h)."),
    ] = None,
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help="How many runs to show.")] = 7,
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.RowsFormat = None,
    output: options.Output = None,
) -> int:
    """Show the last runs. Each has a status, age, coverage and cost; --max-age makes staleness an exit code."""
    # A pipe gets the text, too: it is a report, and its rows are those of `--format`.
    form = options.row_format(form, output) if form or output else options.RowFormat.text
    max_age_s = None if max_age is None else duration(max_age, "--max-age")
    from collector.lake.lake import Lake
    from collector.lake.lock import holder
    from collector.query.other_installations import other_installations

    opened = Lake.open(options.lake_path(lake, config), published=False)
    newest = opened.manifest.latest
    if newest is not None:
        options.settle_catalog(opened)
    now = datetime.now(UTC)
    held_by = holder(opened.path)
    unpublished = opened.resumable_runs() if held_by is None else []
    interrupted = unpublished[-1] if unpublished else None  # the next `collect` would resume it
    rows = _rows(opened, last, now, held_by, interrupted)
    age_s = (now - newest.started_at).total_seconds() if newest else None
    with keep_exit_code():
        if form is options.RowFormat.text:
            lines = [stale] if (stale := staleness(age_s, max_age_s)) else []
            lines += [f"in use by {held_by}"] if held_by else []
            lines += [others] if (others := other_installations(opened.manifest, newest)) else []
            if interrupted:
                lines.append(f"interrupted: {interrupted}; the next `collector collect` resumes it")
            screen = (None, PLAIN) if output else (terminal.width_of(sys.stdout), terminal.looks_of(sys.stdout))
            write_text(_text(opened, rows, lines, age_s, *screen), output)
        else:
            from collector.query.values import table_of

            write_rows(table_of(rows), form, output)
            # The rows must stay readable for programs.
            sys.stderr.write("".join(f"{line}\n" for line in (staleness(age_s, max_age_s),) if line))
    if newest and age_s and age_s < 0 and form is not options.RowFormat.text:
        sys.stderr.write(f"Warning: {newest.run_id} is the newest run; {_age(age_s)}.\n")
    return exit_code(age_s, newest.status if newest else None, max_age_s)


def exit_code(age_s: float | None, run_status: str | None, max_age_s: float | None) -> int:
    """Return the exit code for a monitor, from the newest run's age and status.

    A negative age is stale: the clock was wrong when the run began, or is wrong now.
    """
    if max_age_s is None:
        return 0
    if age_s is None or not 0 <= age_s <= max_age_s:
        return 3
    return 0 if run_status == "complete" else 1


def staleness(age_s: float | None, max_age_s: float | None) -> str | None:
    """Return why --max-age makes the exit code 3, None where it does not."""
    if exit_code(age_s, None, max_age_s) != 3 or max_age_s is None:
        return None
    limit = "limit " + (f"{max_age_s:g} s" if max_age_s < 60 else duration_text(max_age_s))
    if age_s is None:
        return f"STALE: no run has been published yet, {limit}"
    if age_s < 0:
        return f"STALE: {_age(age_s)}, {limit}"
    return f"STALE: {duration_text(age_s)} old, {limit}"


def _rows(lake: "Lake", last: int, now: datetime, held_by: str | None, interrupted: str | None) -> "list[RunStatus]":
    """Return the last runs, newest first; what describes the lake is the same in every row."""
    from msgspec.structs import replace

    from collector.lake.sizes import bytes_by_run, growth_per_run, table_sizes
    from collector.query.run_status import run_statuses

    run_bytes, sizes = bytes_by_run(lake.manifest), table_sizes(lake.manifest).values()
    of_lake = {
        "held_by": held_by,
        "interrupted_run": interrupted,
        "lake": lake.where,
        "lake_nights": len(lake.manifest.runs),
        "lake_files": sum(size.files for size in sizes),
        "lake_bytes": sum(size.bytes for size in sizes),
        "lake_bytes_per_night": round(growth_per_run(lake.manifest) or 0),
    }
    return [
        replace(
            run,
            age_seconds=round((now - run.started_at.replace(tzinfo=UTC)).total_seconds(), 1),
            bytes=round(run_bytes[run.run_id]),
            **of_lake,
        )
        for run in run_statuses(lake, last)
    ]


def _age(age_s: float) -> str:
    if age_s < 0:
        return f"its start is {duration_text(-age_s)} in the future: check the clock"
    return f"started {duration_text(age_s)} ago"


def _text(
    lake: "Lake", rows: "list[RunStatus]", unpublished: list[str], age_s: float | None, width: int | None, looks: Looks
) -> str:
    from collector.cli.text_table import draw_table, wrap

    newest = lake.manifest.latest
    if newest is None or age_s is None:
        lines = [f"{lake.where}: no run has been published yet.", *unpublished]
        return wrap("".join(escape(line) + "\n" for line in lines), width)
    first = rows[0]
    lines = [
        f"{first.lake}: {first.lake_nights:,} run{'s' * (first.lake_nights != 1)}, "
        f"{first.lake_bytes / 2**20:,.1f} MiB in {first.lake_files:,} files, "
        f"growing by about {first.lake_bytes_per_night / 2**10:,.1f} KiB per run",
        f"newest: {newest.run_id}, {newest.status}, {_age(age_s)}",
        *unpublished,
    ]
    for level in ("workspace", "project", "pipeline", "action", "execution list"):
        counts = [f"{each.count:,} {each.coverage}" for each in first.coverage or () if each.level == level]
        lines.append(f"  {level}s: {', '.join(counts) or 'none'}")
    if first.carried and first.oldest_read_at:
        age = duration_text(max(0.0, (first.started_at - first.oldest_read_at).total_seconds()))
        lines.append(f"  carried: {first.carried:,} promotions, the oldest read {age} before the run")
    cells = []
    for row in rows:
        for part in row.installations:
            took = duration_text((part.finished_at - part.started_at).total_seconds())
            counts = [f"{count:,}" for count in (part.requests, part.retries, part.refusals, part.problems)]
            actions = f"{part.promote_image_actions:,}"
            cells.append([row.run_id, escape(part.installation), part.status, actions, took, *counts])
    names = ("run", "installation", "status", "actions", "took", "requests", "retries", "refused", "problems")
    several = ("installation",) if any(len(row.installations) > 1 for row in rows) else ()
    answer = ("run", *several, "status", "actions", "requests", "problems")
    numeric = [False] * 3 + [True] * 6
    table = draw_table(names, cells, numeric, width, answer=answer, looks=looks, grouped=False)
    return wrap("".join(escape(line) + "\n" for line in lines), width) + "\n" + table

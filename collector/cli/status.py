"""`collector status`: the last nights, and whether the newest is fresh enough for whoever watches."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from collector.cli import options, terminal
from collector.cli.failures import until_reader_leaves
from collector.cli.summary_line import length
from collector.settings.parsers import duration

if TYPE_CHECKING:
    import pyarrow as pa

    from collector.lake.lake import Lake

_EPILOG = (
    "Exit codes with --max-age: 0 fresh and complete; 1 fresh but partial; 3 stale, or nothing published. "
    "Without it: 0."
)
# One row per run of the list, newest first. What the nights before cost is asked of those runs only.
_NIGHTS = """
with
chosen as (select unnest($chosen) as run_id),
promotions as (
    select run_id, installation, count(*) as promote_image_actions
    from promote_image_actions
    where run_id in (select run_id from chosen)
    group by all
),
gaps as (select run_id, installation from run_coverage where run_id in (select run_id from chosen) and not whole),
parts as (
    select
        runs.*,
        coalesce(promotions.promote_image_actions, 0) as promote_image_actions,
        -- The status in runs is the run's.
        case
            when (runs.run_id, runs.installation) in (select (run_id, installation) from gaps) then 'partial' else 'complete'
        end as own_status
    from runs
    left join promotions on runs.run_id = promotions.run_id and runs.installation = promotions.installation
    where runs.run_id in (select run_id from chosen)
),
seen as (
    select
        run_id,
        list({'level': level, 'coverage': coverage, 'count': things} order by level, coverage) as coverage,
        cast(coalesce(sum(things) filter (where not whole), 0) as bigint) as not_seen
    from (
        select run_id, level, coverage, whole, sum(things)::bigint as things
        from run_coverage
        where run_id in (select run_id from chosen)
        group by all
    )
    group by run_id
)
select
    parts.run_id,
    parts.run_date,
    case when bool_and(parts.status = 'complete') then 'complete' else 'partial' end as status,
    min(parts.started_at) as started_at,
    max(parts.finished_at) as finished_at,
    round(epoch(max(parts.finished_at) - min(parts.started_at)), 1) as duration_seconds,
    max(parts.resumed_count) as resumed_count,
    cast(sum(parts.promote_image_actions) as bigint) as promote_image_actions,
    coalesce(any_value(seen.not_seen), 0) as not_seen,
    cast(sum(parts.problems) as bigint) as problems,
    cast(sum(parts.requests) as bigint) as requests,
    cast(sum(parts.retries) as bigint) as retries,
    cast(sum(parts.refusals) as bigint) as refusals,
    round(sum(parts.paused_seconds), 1) as paused_seconds,
    any_value(seen.coverage) as coverage,
    list(
        {
            'installation': parts.installation,
            'status': parts.own_status,
            'started_at': parts.started_at,
            'finished_at': parts.finished_at,
            'promote_image_actions': parts.promote_image_actions,
            'problems': parts.problems,
            'requests': parts.requests,
            'retries': parts.retries,
            'refusals': parts.refusals,
            'paused_seconds': round(parts.paused_seconds, 1)
        }
        order by parts.installation
    ) as installations
from parts
left join seen on parts.run_id = seen.run_id
group by parts.run_id, parts.run_date
order by parts.run_id desc
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog=_EPILOG)(status)


def status(
    max_age: Annotated[
        str | None, typer.Option("--max-age", metavar="TIME", help="Call the lake stale when older than this (26h).")
    ] = None,
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help="How many nights to show.")] = 7,
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.RowsFormat = options.RowFormat.text,
    output: options.Output = None,
) -> int:
    """Show the last nights: status, age, coverage, cost; --max-age makes staleness an exit code."""
    limit = None if max_age is None else duration(max_age, "--max-age")
    from collector.cli import output as rows
    from collector.lake.lake import Lake

    opened = Lake.open(options.lake_path(lake, config), published=False)
    if opened.manifest.runs:
        options.settle_catalog(opened)

    now = datetime.now(UTC)
    nights = _nights(opened, last, now)
    with until_reader_leaves():
        if form is options.RowFormat.text:
            rows.write_text(_words(opened, nights.to_pylist(), terminal.width_of(sys.stdout)), output)
        else:
            rows.write(nights, form, output)
    newest = opened.manifest.latest
    age_s = None if newest is None else (now - newest.started_at).total_seconds()
    if newest is not None and age_s is not None and age_s < 0 and form is not options.RowFormat.text:
        sys.stderr.write(f"Warning: {newest.run_id} is the newest run; {_begun(age_s)}.\n")
    return verdict(age_s, newest.status if newest else None, limit)


def verdict(age_s: float | None, how: str | None, limit_s: float | None) -> int:
    """The exit code: what a monitor makes of the newest night's age and status.

    A negative age is stale: the clock was wrong when the run began, or is wrong now.
    """
    if limit_s is None:
        return 0
    if age_s is None or not 0 <= age_s <= limit_s:
        return 3
    return 0 if how == "complete" else 1


def _nights(lake: "Lake", last: int, now: datetime) -> "pa.Table":
    """The last nights, newest first, one row each; what is said of the lake is the same in every row.

    The age is that of the night's beginning. An empty lake has no rows.
    """
    import pyarrow as pa

    from collector.lake.growth import bytes_by_run, growth_per_run
    from collector.query.reader import open_lake

    chosen = [run.run_id for run in lake.manifest.runs[-last:]]
    if not chosen:
        return pa.table({})
    listed = ", ".join("'" + run_id.replace("'", "''") + "'" for run_id in chosen)
    nights = open_lake(lake.path).sql(_NIGHTS.replace("$chosen", f"[{listed}]")).table
    sizes, taken = lake.sizes(), bytes_by_run(lake.manifest)
    began = {run.run_id: run.started_at for run in lake.manifest.runs}
    ages = [round((now - began[run_id]).total_seconds(), 1) for run_id in nights["run_id"].to_pylist()]
    night_bytes = [round(taken[run_id]) for run_id in nights["run_id"].to_pylist()]
    growth = growth_per_run(lake.manifest)
    nights = nights.add_column(3, "age_seconds", pa.array(ages, pa.float64()))
    nights = nights.append_column("bytes", pa.array(night_bytes, pa.int64()))
    of_lake = {
        **_unpublished(lake),
        "lake": str(lake.path),
        "lake_nights": len(lake.manifest.runs),
        "lake_files": sum(size.files for size in sizes.values()),
        "lake_bytes": sum(size.bytes for size in sizes.values()),
        "lake_bytes_per_night": None if growth is None else round(growth),
    }
    for name, value in of_lake.items():
        kind = pa.string() if name in ("held_by", "interrupted_run", "lake") else pa.int64()
        nights = nights.append_column(name, pa.array([value] * nights.num_rows, kind))
    return nights


def _begun(age_s: float) -> str:
    if age_s < 0:
        return f"its start lies {length(-age_s)} in the future: check the clock"
    return f"begun {length(age_s)} ago"


def _unpublished(lake: "Lake") -> dict[str, str | None]:
    """Who is at work in the lake, and the run that the next `collect` would continue: not one that goes on."""
    from collector.lake.lock import holder

    held_by = holder(lake.path)
    runs = lake.resumable_runs()
    return {"held_by": held_by, "interrupted_run": runs[-1] if runs and held_by is None else None}


def _words(lake: "Lake", nights: list[dict[str, Any]], width: int | None) -> str:
    now = _unpublished(lake)
    more = [f"at work: {now['held_by']}"] if now["held_by"] else []
    if now["interrupted_run"]:
        more.append(f"interrupted: {now['interrupted_run']}; the next `collector collect` takes it up")
    if not nights:
        lines = [f"{lake.path}: no night has been published yet.", *more]
        return "".join(terminal.escape(line) + "\n" for line in lines)
    from collector.cli.text_table import lines_of

    newest = nights[0]
    lines = [
        f"{newest['lake']}: {newest['lake_nights']:,} night{'s' * (newest['lake_nights'] != 1)}, "
        f"{newest['lake_bytes'] / 2**20:,.1f} MiB in "
        f"{newest['lake_files']:,} files, growing by about {newest['lake_bytes_per_night'] / 2**10:,.1f} KiB a night",
        f"newest: {newest['run_id']}, {newest['status']}, {_begun(newest['age_seconds'])}",
        *more,
    ]
    for level in ("workspace", "project", "pipeline", "action"):
        seen = [f"{each['count']:,} {each['coverage']}" for each in newest["coverage"] or () if each["level"] == level]
        lines.append(f"  {level}s: {', '.join(seen) or 'none'}")
    names = ["run", "installation", "status", "actions", "took", "requests", "retries", "refused", "problems"]
    cells = [_part(night["run_id"], part) for night in nights for part in night["installations"]]
    right = [False, False, False, True, True, True, True, True, True]
    return "\n".join(terminal.escape(line) for line in lines) + "\n\n" + lines_of(names, cells, right, width)


def _part(run_id: str, part: dict[str, Any]) -> list[str]:
    took = length((part["finished_at"] - part["started_at"]).total_seconds())
    numbers = (part[name] for name in ("requests", "retries", "refusals", "problems"))
    words = (run_id, terminal.escape(part["installation"]), part["status"])
    return [*words, f"{part['promote_image_actions']:,}", took, *(f"{number:,}" for number in numbers)]

"""`collector status`: the last nights, and whether the newest is fresh enough for whoever watches."""

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from collector.cli import options, terminal
from collector.cli.wording import length
from collector.config_values import duration

if TYPE_CHECKING:
    from collector.lake.lake import Lake

_EPILOG = (
    "Exit codes with --max-age: 0 fresh and complete; 1 fresh but partial; 3 stale, or nothing published. "
    "Without it: 0."
)
_NIGHTS = """
select runs.run_id, runs.status, runs.installation, runs.started_at, runs.finished_at, runs.resumed_count,
       runs.requests, runs.retries, runs.refusals, runs.problems, runs.paused_seconds,
       count(actions.action_id) as promote_image_actions
from runs
left join (select run_id, installation, action_id from promote_image_actions) as actions
    on runs.run_id = actions.run_id and runs.installation = actions.installation
group by all
order by runs.run_id desc, runs.installation
"""
_COVERAGE = """
with seen as (
    select 'workspaces' as level, run_id, coverage from workspaces
    union all select 'projects', run_id, coverage from projects
    union all select 'pipelines', run_id, coverage from pipelines
    union all select 'actions', run_id, coverage from actions
)
select level, coverage, count(*) as count
from seen
where run_id in (select run_id from selected_run)
group by all
order by level, coverage
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status", epilog=_EPILOG)(status)


def status(
    max_age: Annotated[
        str | None,
        typer.Option("--max-age", metavar="TIME", help="Call the lake stale when older than this (26h)."),
    ] = None,
    last: Annotated[int, typer.Option("--last", min=1, metavar="N", help="How many nights to show.")] = 7,
    lake: options.Lake = None,
    config: options.Config = None,
    form: options.FactsFormat = options.Facts.text,
) -> int:
    """Show the last nights: status, age, coverage, cost; --max-age makes staleness an exit code."""
    limit = None if max_age is None else duration(max_age, "--max-age")
    opened = options.open_lake(lake, config)
    options.settle_catalog(opened)
    facts = _facts(opened, last, datetime.now(UTC))
    if form is options.Facts.json:
        sys.stdout.write(json.dumps(facts, ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write(_words(facts))
    return verdict(facts["age_seconds"], facts["status"], limit)


def verdict(age_s: float | None, how: str | None, limit_s: float | None) -> int:
    """The exit code: what a monitor makes of the newest night's age and status."""
    if limit_s is None:
        return 0
    if age_s is None or age_s > limit_s:
        return 3
    return 0 if how == "complete" else 1


def _facts(lake: "Lake", last: int, now: datetime) -> dict[str, Any]:
    """Everything there is to say, ready for JSON; the age is that of the newest night's beginning."""
    from collector import open_lake
    from collector.cli.rows import plain
    from collector.lake.growth import nightly_growth

    newest = lake.manifest.latest
    reader = open_lake(lake.path)
    nights = [] if newest is None else reader.sql(f"{_NIGHTS} limit {last * 20}").table.to_pylist()
    shown = sorted({night["run_id"] for night in nights}, reverse=True)[:last]
    sizes = lake.sizes()
    return {
        "lake": str(lake.path),
        "run_id": newest.run_id if newest else None,
        "status": newest.status if newest else None,
        "age_seconds": (now - newest.started_at).total_seconds() if newest else None,
        "nights": len(lake.manifest.runs),
        "interrupted_run": next(reversed(lake.resumable_runs()), None),
        "files": sum(size.files for size in sizes.values()),
        "bytes": sum(size.bytes for size in sizes.values()),
        "bytes_per_night": nightly_growth(lake.manifest),
        "coverage": [] if newest is None else reader.sql(_COVERAGE).table.to_pylist(),
        "runs": [plain(night) for night in nights if night["run_id"] in shown],
    }


def _words(facts: dict[str, Any]) -> str:
    if facts["run_id"] is None:
        return f"{facts['lake']}: no night has been published yet.\n"
    from collector.cli.layout import lines_of

    lines = [
        f"{facts['lake']}: {facts['nights']:,} night{'s' * (facts['nights'] != 1)}, "
        f"{facts['bytes'] / 2**20:,.1f} MiB in "
        f"{facts['files']:,} files, growing by about {facts['bytes_per_night'] / 2**10:,.1f} KiB a night",
        f"newest: {facts['run_id']}, {facts['status']}, begun {length(facts['age_seconds'])} ago",
    ]
    if facts["interrupted_run"]:
        lines.append(f"interrupted: {facts['interrupted_run']}; the next `collector collect` takes it up")
    for level in ("workspaces", "projects", "pipelines", "actions"):
        seen = [
            f"{each['count']:,} {each['coverage']}" for each in facts["coverage"] if each["level"] == level
        ]
        lines.append(f"  {level}: {', '.join(seen) or 'none'}")
    names = ["run", "installation", "status", "actions", "took", "requests", "retries", "refused", "problems"]
    cells = [_night(each) for each in facts["runs"]]
    right = [False, False, False, True, True, True, True, True, True]
    table = lines_of(names, cells, right, terminal.width_of(sys.stdout))
    return "\n".join(terminal.inert(line) for line in lines) + "\n\n" + table


def _night(each: dict[str, Any]) -> list[str]:
    began, ended = (datetime.fromisoformat(each[name]) for name in ("started_at", "finished_at"))
    took = length((ended - began).total_seconds())
    numbers = (each[name] for name in ("requests", "retries", "refusals", "problems"))
    words = (each["run_id"], terminal.inert(each["installation"]), each["status"])
    return [*words, f"{each['promote_image_actions']:,}", took, *(f"{number:,}" for number in numbers)]

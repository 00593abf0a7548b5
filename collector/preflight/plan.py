"""The plan of a night, from what the last one saw: which lists and actions would be asked for. Sends nothing.

Buddy's world is known only as of the last published night. What was left out then and is selected now has no known cost,
and the plan says how much of that there is.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from collector.buddy.requests import DOCUMENTED_PER_PAGE, PER_PAGE
from collector.errors import CollectorError
from collector.preflight.forecast import RunCost
from collector.preflight.last_cost import last_costs
from collector.settings.declarations import Installation, Settings
from collector.settings.globs import exact_names, selects

_PROJECTS = """
select installation, workspace, project, coverage
from projects where run_id in (select run_id from selected_run)
"""
_WORKSPACES = """
select installation, workspace, coverage
from workspaces where run_id in (select run_id from selected_run)
"""
_PIPELINES = """
select installation, workspace, project, count(*) as pipelines
from pipelines where run_id in (select run_id from selected_run) group by all
"""
_ACTIONS = """
select installation, workspace, project, count(*) as actions
from promote_image_actions where run_id in (select run_id from selected_run) group by all
"""
# Lists of actions as long as a limit of Buddy's: one more request, for all of them, finds out whether they were cut off.
_CUT_OFF = """
select installation, workspace, project, pipeline_id
from actions where run_id in (select run_id from selected_run) group by all having count(*) in (20, 50)
"""
Rows = list[dict[str, Any]]
_LIMITS = (DOCUMENTED_PER_PAGE, PER_PAGE)
_MOST_UNKNOWN = 5
_NAMES = {
    "workspaces": "for workspaces",
    "projects": "for projects",
    "pipelines": "for pipelines",
    "actions": "for actions",
    "action": "for promote-image actions",
}


class Plan(msgspec.Struct, frozen=True):
    """What a night would ask of one installation: requests by kind, and what is not known beforehand.

    `requests` is None when no earlier night tells. `unknown` names the selected things that the last night left out.
    """

    installation: str
    api_url: str
    workspaces: tuple[str, ...]
    projects: tuple[str, ...]
    asked: dict[str, int]
    requests: int | None
    unknown: tuple[str, ...]
    last_requests: int | None
    last_seconds: float | None


def plans(settings: Settings) -> list[Plan]:
    """Return one plan for each installation. Reads the lake, sends nothing."""
    seen = _seen(settings.lake)
    costs = last_costs(settings.lake)
    return [_plan(each, seen, costs.get(each.name)) for each in settings.installations]


def _seen(lake: Path) -> Mapping[str, Rows]:
    from collector.query.reader import open_lake

    try:
        reader = open_lake(lake)
        wanted = {
            "workspaces": _WORKSPACES,
            "projects": _PROJECTS,
            "pipelines": _PIPELINES,
            "actions": _ACTIONS,
            "cut_off": _CUT_OFF,
        }
        return {name: reader.sql(sql).table.to_pylist() for name, sql in wanted.items()}
    except CollectorError:
        return {}


def _plan(each: Installation, seen: Mapping[str, Rows], cost: RunCost | None) -> Plan:
    mine = {name: [row for row in rows if row["installation"] == each.name] for name, rows in seen.items()}
    exact = exact_names(each.workspaces)
    fixed = (each.name, each.api_url, each.workspaces, each.projects)
    last = (None, None) if cost is None else (cost.requests, cost.seconds)
    if not mine.get("workspaces"):
        return Plan(*fixed, {"workspaces": 0 if exact else 1}, None, (), *last)
    workspaces = [row for row in mine["workspaces"] if selects(each.workspaces, row["workspace"])]
    names = {row["workspace"] for row in workspaces}
    listed = [row for row in mine["projects"] if row["workspace"] in names]
    projects = [row for row in listed if selects(each.projects, row["project"])]
    keys = {(row["workspace"], row["project"]) for row in projects}
    pipelines = {(r["workspace"], r["project"]): r["pipelines"] for r in mine["pipelines"]}
    of_workspace = {name: sum(row["workspace"] == name for row in listed) for name in names}
    asked = {
        "workspaces": 0 if exact else 1 + (len(mine["workspaces"]) in _LIMITS),
        "projects": sum(readings(count) for count in of_workspace.values()),
        "pipelines": sum(readings(pipelines.get(key, 0)) for key in keys),
        "actions": sum(pipelines.get(key, 0) for key in keys)
        + any((row["workspace"], row["project"]) in keys for row in mine["cut_off"]),
        "action": sum(r["actions"] for r in mine["actions"] if (r["workspace"], r["project"]) in keys),
    }
    return Plan(*fixed, asked, sum(asked.values()), tuple(_unknown(exact, workspaces, projects)), *last)


def _unknown(exact: tuple[str, ...] | None, workspaces: Rows, projects: Rows) -> Iterable[str]:
    known = {row["workspace"] for row in workspaces}
    yield from (f"workspace {name}" for name in exact or () if name not in known)
    for row in workspaces:
        if row["coverage"] != "complete":
            yield f"workspace {row['workspace']} ({row['coverage']})"
    for row in projects:
        if row["coverage"] != "complete":
            yield f"project {row['workspace']}/{row['project']} ({row['coverage']})"


def readings(items: int) -> int:
    """Return the requests that a paged list of so many items takes: its pages, twice when it may have shifted."""
    full, rest = divmod(items, PER_PAGE)
    pages = full + (1 if rest < DOCUMENTED_PER_PAGE else 2)
    return pages * (2 if full + (rest > 0) > 1 or items in _LIMITS else 1)


def words(plan: Plan, settings: Settings, now: datetime) -> list[str]:
    """Return a plan in lines for people."""
    globs = {"workspaces": plan.workspaces, "projects": plan.projects}
    filters = "; ".join(f"{name} {', '.join(found)}" for name, found in globs.items() if found)
    lines = [f"{plan.installation} ({plan.api_url}): {filters or 'everything that the token sees'}"]
    if plan.requests is None:
        lines.append("  no earlier night tells how much there is: the lists are asked for level by level")
    else:
        kinds = ", ".join(f"{count:,} {_NAMES[kind]}" for kind, count in plan.asked.items() if count)
        lines.append(f"  about {plan.requests:,} requests: {kinds}")
        lines += [f"  not known beforehand: {what}" for what in plan.unknown[:_MOST_UNKNOWN]]
        if len(plan.unknown) > _MOST_UNKNOWN:
            lines.append(f"  and {len(plan.unknown) - _MOST_UNKNOWN:,} more")
    if plan.requests is not None and plan.last_requests and plan.last_seconds is not None:
        # With the waiting in it: what the budget is tonight, only a request could tell.
        seconds = plan.last_seconds * plan.requests / plan.last_requests
        ends = now + timedelta(seconds=seconds)
        late = settings.max_duration_s is not None and seconds > settings.max_duration_s
        lines.append(
            f"  at the last night's pace it would end at about {ends.astimezone(UTC):%H:%M} UTC"
            + (", after the time limit (--max-duration)" if late else "")
        )
    return lines

"""The plan of a run: what it would ask for and what that costs, by what the last published run saw. Sends nothing.

What the last run left out and this one selects has no known cost; the plan names it. Each pipeline that promotes and
has run costs a list of its executions, and all together about as many single executions as the last run read.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from collector.buddy.requests import DOCUMENTED_PER_PAGE, PER_PAGE, Kind, Request
from collector.errors import CollectorError
from collector.preflight.forecast import RunCost
from collector.query.reader import open_lake
from collector.query.sql_files import read_folder, sql_folder
from collector.settings.declarations import Installation, Settings
from collector.settings.globs import exact_names, selects
from collector.settings.lake_place import LakePlace

Rows = list[dict[str, Any]]
_LIST_LIMITS = (DOCUMENTED_PER_PAGE, PER_PAGE)  # a list of this length may have been cut off
_MAX_UNKNOWN = 5


class Plan(msgspec.Struct, frozen=True):
    """What a run would ask of one installation: requests by kind, and what is unknown in advance.

    `requests` is None when there is no earlier run. `unknown` names selected things that the last run left out.
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


def make_plans(settings: Settings) -> list[Plan]:
    """Return one plan for each installation."""
    workspaces, projects = _rows(settings.lake, "workspaces"), _rows(settings.lake, "projects")
    costs = last_costs(settings.lake)
    with_executions = settings.executions_s is not None
    return [
        _plan(each, workspaces, projects, costs.get(each.name), with_executions=with_executions)
        for each in settings.installations
    ]


def last_costs(lake: LakePlace) -> dict[str, RunCost]:
    """Return what a run costs, by installation; empty when there is no earlier run or the lake cannot be read."""
    return {
        row["installation"]: RunCost(row["requests"], row["seconds"], row["paused_seconds"])
        for row in _rows(lake, "last_costs")
    }


def execution_requests(settings: Settings) -> dict[str, Request]:
    """Return, by installation, the request of one execution of a selected pipeline that promotes and has run.

    The pipeline is one that the last run saw; an installation without one is left out.
    """
    found: dict[str, Request] = {}
    installations = {each.name: each for each in settings.installations}
    for row in _rows(settings.lake, "projects"):
        name, workspace, project = row["installation"], row["workspace"], row["project"]
        each, pipeline_id = installations.get(name), row["executed_pipeline_id"]
        if each is None or pipeline_id is None or name in found:
            continue
        if selects(each.workspaces, workspace) and selects(each.projects, project):
            found[name] = Request(name, Kind.EXECUTIONS, workspace, project, pipeline_id, page=1, per_page=1)
    return found


def _rows(lake: LakePlace, name: str) -> Rows:
    try:
        return list(open_lake(lake).sql(read_folder(sql_folder() / "plan")[name].text).table.to_pylist())
    except CollectorError:
        return []


def _plan(
    installation: Installation, workspaces: Rows, projects: Rows, cost: RunCost | None, *, with_executions: bool
) -> Plan:
    name = installation.name
    known = [row for row in workspaces if row["installation"] == name]
    chosen = [row for row in known if selects(installation.workspaces, row["workspace"])]
    names = {row["workspace"] for row in chosen}
    listed = [row for row in projects if row["installation"] == name and row["workspace"] in names]
    selected = [row for row in listed if selects(installation.projects, row["project"])]
    exact = exact_names(installation.workspaces)
    asked = {"workspaces": 0 if exact else 1 + (len(known) in _LIST_LIMITS)}
    if known:
        lists_cut_off = any(set(_LIST_LIMITS) & set(row["action_list_lengths"]) for row in selected)
        asked |= {
            "projects": sum(list_requests(sum(row["workspace"] == each for row in listed)) for each in names),
            "pipelines": sum(list_requests(row["pipelines"]) for row in selected),
            # One more request, for all of them, finds out whether lists were cut off.
            "actions": sum(row["pipelines"] for row in selected) + lists_cut_off,
            "action": sum(row["promotions"] for row in selected),
        }
        if with_executions:
            asked["executions"] = sum(row["execution_lists"] for row in selected)
            asked["execution"] = sum(row["executions"] or 0 for row in selected)
    return Plan(
        name,
        installation.api_url,
        installation.workspaces,
        installation.projects,
        asked,
        sum(asked.values()) if known else None,
        tuple(_unknown(exact or (), chosen, selected, with_executions=with_executions)) if known else (),
        cost.requests if cost else None,
        cost.seconds if cost else None,
    )


def _unknown(exact: tuple[str, ...], workspaces: Rows, projects: Rows, *, with_executions: bool) -> Iterator[str]:
    seen = {row["workspace"] for row in workspaces}
    yield from (f"workspace {name}" for name in exact if name not in seen)
    for row in (*workspaces, *projects):
        if row["coverage"] != "complete":
            project = f"/{row['project']}" if "project" in row else ""
            yield f"{'project' if project else 'workspace'} {row['workspace']}{project} ({row['coverage']})"
    lists = sum(row["execution_lists"] for row in projects if row["executions"] is None)
    if with_executions and lists:
        yield f"executions of {lists:,} pipeline{'s' * (lists != 1)} (the last run did not ask for them)"


def list_requests(items: int) -> int:
    """Return the requests that a paged list of so many items takes: its pages, twice when it has more than one."""
    full, rest = divmod(items, PER_PAGE)
    pages = full + (1 if rest < DOCUMENTED_PER_PAGE else 2)
    return pages * (2 if full + (rest > 0) > 1 or items in _LIST_LIMITS else 1)


def describe(plan: Plan, settings: Settings, now: datetime) -> list[str]:
    """Return a plan as lines of text."""
    globs = {"workspaces": plan.workspaces, "projects": plan.projects}
    filters = "; ".join(f"{name} {', '.join(patterns)}" for name, patterns in globs.items() if patterns)
    lines = [f"{plan.installation} ({plan.api_url}): {filters or 'everything that the token sees'}"]
    if plan.requests is None:
        return [*lines, "  no earlier run shows how much there is: the lists are asked for level by level"]
    names = {"action": "promote-image actions", "executions": "execution lists", "execution": "executions"}
    kinds = ", ".join(f"{count:,} for {names.get(kind, kind)}" for kind, count in plan.asked.items() if count)
    lines.append(f"  about {plan.requests:,} requests: {kinds}")
    lines += [f"  cost unknown: {what}" for what in plan.unknown[:_MAX_UNKNOWN]]
    if len(plan.unknown) > _MAX_UNKNOWN:
        lines.append(f"  and {len(plan.unknown) - _MAX_UNKNOWN:,} more")
    if plan.last_requests and plan.last_seconds is not None:
        # Includes the last run's waiting: the rate limit of today is known only after a request.
        seconds = plan.last_seconds * plan.requests / plan.last_requests
        end = f"{(now + timedelta(seconds=seconds)).astimezone(UTC):%H:%M} UTC"
        if settings.max_duration_s is not None and seconds > settings.max_duration_s:
            end += ", after the time limit (--max-duration)"
        lines.append(f"  at the speed of the last run it would end at about {end}")
    return lines

"""The plan of a run: what it would ask for and what that costs, by what the last published run saw. Sends nothing.

What the last run left out and this one selects has no known cost; the plan names it. Each pipeline that promotes and
has run costs a list of its executions, and each of these executions one request; how many there will be is estimated
from the last week. With `--refresh` pipelines that are due are counted, and the share of the others whose entry in the
list changes from run to run.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from collector.buddy.requests import DOCUMENTED_PER_PAGE, PER_PAGE, Kind, Request
from collector.preflight.forecast import RunCost
from collector.preflight.last_run import LastRun, Rows, last_runs
from collector.preflight.pipeline_costs import PipelineCost, advised_refresh, daily_requests, total_asked
from collector.settings.declarations import Installation, Settings
from collector.settings.globs import exact_names, selects

_LIST_LIMITS = (DOCUMENTED_PER_PAGE, PER_PAGE)  # a list of this length may have been cut off
_DAY_S = 86_400.0
# A run that takes longer should have a longer refresh, where no `--max-duration` says how long it may take.
_LONG_RUN_S = 2 * 3600.0


class Plan(msgspec.Struct, frozen=True):
    """What a run would ask of one installation: requests by kind, and what is unknown in advance.

    `requests` is None when there is no earlier run. `unknown` names selected things that the last run left out. Of the
    selected `pipelines`, `due` are asked for in any case. `most` is what `--max-requests` leaves to this installation,
    None where that is enough. `full_requests` is what a run each day takes that asks for everything, `runs_needed` how
    many runs read everything once under `--max-requests`. `advised_refresh` is the refresh in
    days with which a run each day is short enough, at `advised_requests`; None where none is needed or none helps.
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
    seconds: float | None = None
    pipelines: int = 0
    due: int = 0
    most: int | None = None
    full_requests: int | None = None
    full_seconds: float | None = None
    runs_needed: int | None = None
    advised_refresh: int | None = None
    advised_requests: int | None = None
    advised_seconds: float | None = None


class _Draft(msgspec.Struct, frozen=True):
    """A plan that does not know of limits yet, with the requests for lists and what each pipeline costs."""

    plan: Plan
    last: LastRun
    lists: int = 0
    costs: Sequence[PipelineCost] = ()


def make_plans(settings: Settings, now: datetime) -> list[Plan]:
    """Return one plan for each installation."""
    return [plan for plan, _ in _plans(settings, now)]


def expected_costs(settings: Settings, now: datetime) -> dict[str, RunCost]:
    """Return what a run is expected to cost, by installation; those without an earlier run are left out."""
    costs = {
        plan.installation: last.cost(plan.requests if plan.most is None else plan.most)
        for plan, last in _plans(settings, now)
        if plan.requests
    }
    return {name: cost for name, cost in costs.items() if cost is not None}


def execution_requests(settings: Settings, now: datetime) -> dict[str, Request]:
    """Return, by installation, the request of one execution of a selected pipeline that promotes and has run.

    The pipeline is one that the last run saw; an installation without one is left out.
    """
    found: dict[str, Request] = {}
    last = last_runs(settings, now)
    for each in settings.installations:
        for row in last[each.name].pipelines:
            place = (row["workspace"], row["project"], row["pipeline_id"])
            if row["has_executions"] and selects(each.workspaces, place[0]) and selects(each.projects, place[1]):
                found[each.name] = Request(each.name, Kind.EXECUTIONS, *place, page=1, per_page=1)
                break
    return found


def list_requests(items: int) -> int:
    """Return the requests that a paged list of so many items takes: its pages, twice when it has more than one."""
    full, rest = divmod(items, PER_PAGE)
    pages = full + (1 if rest < DOCUMENTED_PER_PAGE else 2)
    return pages * (2 if full + (rest > 0) > 1 or items in _LIST_LIMITS else 1)


def _plans(settings: Settings, now: datetime) -> Iterator[tuple[Plan, LastRun]]:
    """Yield the plan of each installation, and the last run that it is made from."""
    last = last_runs(settings, now)
    drafts = [_draft(each, settings, last[each.name]) for each in settings.installations]
    total = sum(draft.plan.requests or 0 for draft in drafts)
    for draft in drafts:
        share = None  # of the requests of the run, which all installations share
        if settings.max_requests is not None and total:
            share = round(settings.max_requests * (draft.plan.requests or 0) / total)
        yield _advised(draft, settings, share), draft.last


def _draft(installation: Installation, settings: Settings, last: LastRun) -> _Draft:
    chosen = [row for row in last.workspaces if selects(installation.workspaces, row["workspace"])]
    names = {row["workspace"] for row in chosen}
    listed = [row for row in last.projects if row["workspace"] in names]
    selected = [row for row in listed if selects(installation.projects, row["project"])]
    places = {(row["workspace"], row["project"]) for row in selected}
    lines = [row for row in last.pipelines if (row["workspace"], row["project"]) in places]
    exact = exact_names(installation.workspaces)
    asked = {"workspaces": 0 if exact else 1 + (len(last.workspaces) in _LIST_LIMITS)}
    plan = Plan(
        installation.name,
        installation.api_url,
        installation.workspaces,
        installation.projects,
        asked,
        None,
        (),
        last.newest.requests if last.newest else None,
        last.newest.seconds if last.newest else None,
    )
    if not last.workspaces:
        return _Draft(plan, last)
    of_project = Counter((row["workspace"], row["project"]) for row in lines)
    asked["projects"] = sum(list_requests(sum(row["workspace"] == name for row in listed)) for name in names)
    asked["pipelines"] = sum(list_requests(of_project[place]) for place in places)
    # One more request, for all of them, finds out whether lists of actions were cut off.
    probes = int(any(row["list_length"] in _LIST_LIMITS for row in lines))
    lists = sum(asked.values()) + probes
    with_executions = settings.executions_s is not None
    costs = [last.pipeline_cost(row, with_executions=with_executions) for row in lines]
    shares = [last.asked_share(row, cost) for row, cost in zip(lines, costs, strict=True)]
    below = total_asked(cost.asked(cost.idle_days, share) for cost, share in zip(costs, shares, strict=True))
    asked |= {"actions": probes + below.pop("actions", 0), "action": below.pop("action", 0)}
    if with_executions:
        asked |= {"executions": 0, "execution": 0} | below
    requests = sum(asked.values())
    plan = replace(
        plan,
        requests=requests,
        unknown=tuple(_unknown(exact or (), chosen, selected, lines, with_executions=with_executions)),
        seconds=_seconds(last, requests),
        pipelines=len(lines),
        due=shares.count(1.0),
    )
    return _Draft(plan, last, lists, costs)


def _advised(draft: _Draft, settings: Settings, share: int | None) -> Plan:
    """Return the plan with what a full run takes, and with the refresh that would make runs short enough.

    `share` is what `--max-requests` leaves to the installation.
    """
    plan, last, lists, costs = draft.plan, draft.last, draft.lists, draft.costs
    if plan.requests is None:
        return plan
    refresh_days = settings.refresh_s / _DAY_S
    full, daily = lists + daily_requests(costs, 0.0), lists + daily_requests(costs, refresh_days)
    full_seconds = _seconds(last, full)
    plan = replace(
        plan,
        most=share if share is not None and share < plan.requests else None,
        full_requests=full,
        full_seconds=full_seconds,
        runs_needed=_runs_needed(full, lists, share),
    )
    bearable = float(full if share is None else share)
    if full_seconds:
        bearable = min(bearable, full * (settings.max_duration_s or _LONG_RUN_S) / full_seconds)
    days = advised_refresh(costs, bearable - lists, refresh_days) if daily > bearable else None
    if days is None:
        return plan
    requests = lists + daily_requests(costs, days)
    return replace(plan, advised_refresh=days, advised_requests=requests, advised_seconds=_seconds(last, requests))


def _runs_needed(full: int, lists: int, most: int | None) -> int | None:
    """Return how many runs of at most `most` requests read everything once; lists of pipelines are asked in each."""
    if most is None or full <= most:
        return None
    return -(-(full - lists) // (most - lists)) if most > 2 * lists else -(-full // most)


def _seconds(last: LastRun, requests: int) -> float | None:
    cost = last.cost(requests)
    return cost.seconds if cost else None


def _unknown(
    exact: tuple[str, ...], workspaces: Rows, projects: Rows, pipelines: Rows, *, with_executions: bool
) -> Iterator[str]:
    seen = {row["workspace"] for row in workspaces}
    yield from (f"workspace {name}" for name in exact if name not in seen)
    for row in (*workspaces, *projects):
        if row["coverage"] != "complete":
            project = f"/{row['project']}" if "project" in row else ""
            yield f"{'project' if project else 'workspace'} {row['workspace']}{project} ({row['coverage']})"
    lists = sum(row["has_executions"] and not row["executions_asked"] for row in pipelines)
    if with_executions and lists:
        yield f"executions of {lists:,} pipeline{'s' * (lists != 1)} (the last run did not ask for them)"

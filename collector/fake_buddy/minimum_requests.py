"""The minimum number of requests of an undisturbed run, computed from the world alone.

One list of workspaces. Projects and pipelines by pages: a page shorter than Buddy's documented 20 ends the list, and a
longer one does not; a list of more than one non-empty page is read twice, and so is a list whose only page is exactly
as long as a limit of Buddy. One list of actions per pipeline. One GET per promotion, unless the list includes its ends.
If lists that are not documented as paged are exactly as long as a limit, one request per kind finds out whether they
are paged; if they are, each list needs that request and is then read like the others.

With executions, each pipeline with promotions that have run costs a list of them, up to the page that reaches beyond
the window or is the last one, and a GET per execution in the window: what the first run over a world needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from .actions import PROMOTION
from .edits import EXECUTIONS, Path
from .world import FakeWorld

# How far back a first run reads executions unless it is told otherwise.
FIRST_WINDOW = timedelta(days=7)
_PER_PAGE = 50
_DOCUMENTED_PAGE = 20


def paged_list_requests(items: int, page_size: int) -> int:
    """Return the number of requests that read a paged list completely."""
    full, rest = divmod(items, page_size)
    if full and page_size < _DOCUMENTED_PAGE:
        return 1  # a page size below the documented one: the first page looks like the last
    pages = full + 1 if rest < _DOCUMENTED_PAGE else full + 2
    cut_off = items in (_DOCUMENTED_PAGE, _PER_PAGE)
    return pages * (2 if full + (rest > 0) > 1 or cut_off else 1)


def server_paged_list_requests(items: int, paged_by: int) -> int:
    """Return the number of requests for a list requested without a page, on a server that pages it by `paged_by`."""
    looks_cut_off = min(items, paged_by) in (_DOCUMENTED_PAGE, _PER_PAGE)
    return paged_list_requests(items, paged_by) + looks_cut_off


def unpaged_lists_requests(lists: Iterable[int]) -> int:
    """Return the number of requests for all lists of a kind, by their lengths, on a server that does not page them."""
    lengths = list(lists)
    return len(lengths) + any(length in (_DOCUMENTED_PAGE, _PER_PAGE) for length in lengths)


def executions_requests(
    world: FakeWorld, pipeline: Path, window: timedelta, page_size: int, *, forbidden: bool = False
) -> int:
    """Return the number of requests for the executions of a pipeline that began within a window before this night."""
    workspace, project, pipeline_id = str(pipeline[0]), str(pipeline[1]), int(pipeline[2])
    actions = world.actions(workspace, project, pipeline_id)
    ran = [action.get("last_execution_status") != "INITIAL" for action in actions if action["type"] == PROMOTION]
    if not any(ran) or world.item(pipeline).get("last_execution_status") == "INITIAL":
        return 0
    if forbidden or world.refusal((*pipeline, EXECUTIONS)) is not None:
        return 1
    begins = world.moment - window
    found = pages = 0
    ids: list[int] = []
    while True:
        items, total = world.execution_page(pipeline, pages * page_size, page_size)
        within = [datetime.fromisoformat(item["start_date"]) >= begins for item in items]
        ids += [item["id"] for item in items]
        pages, found = pages + 1, found + sum(within)
        # In a list whose ids do not fall, only a page that lies wholly before the window says that the rest does.
        is_beyond = not all(within) if ids == sorted(ids, reverse=True) else not any(within)
        if is_beyond or (pages * page_size >= total and len(items) < _DOCUMENTED_PAGE):
            break
    return pages + found


def expected_minimum(
    world: FakeWorld,
    max_per_page: int = _PER_PAGE,
    actions_carry_ends: bool = False,
    pages_every_list: bool = False,
    executions: timedelta | None = FIRST_WINDOW,
    executions_page_size: int | None = None,
    executions_forbidden: bool = False,
) -> int:
    """Return the minimum number of requests of a run over a world; a refused path is requested once.

    `executions` is how far back a first run reads executions; None: it asks for none.
    """
    size = min(_PER_PAGE, max_per_page)
    runs_size = min(executions_page_size or _PER_PAGE, max_per_page)
    workspaces = list(world.paths(()))
    lists_of_actions: list[int] = []
    total = 0
    for workspace in workspaces:
        if world.refusal(workspace) is not None:
            total += 1
            continue
        projects = list(world.paths(workspace))
        total += paged_list_requests(len(projects), size)
        for project in projects:
            if world.refusal(project) is not None:
                total += 1
                continue
            pipelines = list(world.paths(project))
            total += paged_list_requests(len(pipelines), size)
            for pipeline in pipelines:
                if world.refusal(pipeline) is not None:
                    total += 1
                    continue
                actions, promotions = world.action_counts(pipeline)
                lists_of_actions.append(actions)
                total += 0 if actions_carry_ends else promotions
                if executions is not None and promotions:
                    total += executions_requests(world, pipeline, executions, runs_size, forbidden=executions_forbidden)
    if pages_every_list:
        unasked = min(_DOCUMENTED_PAGE, max_per_page)
        return total + sum(server_paged_list_requests(n, unasked) for n in (len(workspaces), *lists_of_actions))
    return total + unpaged_lists_requests([len(workspaces)]) + unpaged_lists_requests(lists_of_actions)

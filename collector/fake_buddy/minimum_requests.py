"""The fewest requests that one undisturbed night can cost, by arithmetic on the world alone.

The rule: one list of workspaces; projects and pipelines by pages, where a page shorter than Buddy's
documented 20 ends a list and a longer one does not; a list of more than one page with something on it
is read twice, and so is one whose only page is as long as a limit of Buddy's; one list of actions for each
pipeline; one GET for each promotion, unless the list carried its ends. Where lists that no document calls
paged are as long as a limit, one request for all of a kind finds out whether they are paged; on a server that
pages them each finds out for itself, and is read like the others.
"""

from __future__ import annotations

from collections.abc import Iterable

from .world import FakeWorld

_PER_PAGE = 50
_DOCUMENTED_PAGE = 20


def readings(items: int, page_size: int) -> int:
    """Return how many requests it takes to read a list and be sure of it."""
    full, rest = divmod(items, page_size)
    if full and page_size < _DOCUMENTED_PAGE:
        return 1  # a server below the documented page: its first page looks like the end
    pages = full + 1 if rest < _DOCUMENTED_PAGE else full + 2
    cut_off = items in (_DOCUMENTED_PAGE, _PER_PAGE)
    return pages * (2 if full + (rest > 0) > 1 or cut_off else 1)


def unasked_pages(items: int, paged_by: int) -> int:
    """Return the requests for a list that is asked for without a page, on a server that pages it by so many."""
    looks_cut_off = min(items, paged_by) in (_DOCUMENTED_PAGE, _PER_PAGE)
    return readings(items, paged_by) + looks_cut_off


def unpaged(lists: Iterable[int]) -> int:
    """Return the requests for all lists of a kind, given by their lengths, on a server that doesn't page them."""
    lengths = list(lists)
    return len(lengths) + any(length in (_DOCUMENTED_PAGE, _PER_PAGE) for length in lengths)


def expected_minimum(
    world: FakeWorld, max_per_page: int = _PER_PAGE, actions_carry_ends: bool = False, pages_every_list: bool = False
) -> int:
    """Return the number of requests of one undisturbed night of a world; what is refused is asked once."""
    size = min(_PER_PAGE, max_per_page)
    workspaces = list(world.paths(()))
    lists_of_actions: list[int] = []
    total = 0
    for workspace in workspaces:
        if world.refusal(workspace) is not None:
            total += 1
            continue
        projects = list(world.paths(workspace))
        total += readings(len(projects), size)
        for project in projects:
            if world.refusal(project) is not None:
                total += 1
                continue
            pipelines = list(world.paths(project))
            total += readings(len(pipelines), size)
            for pipeline in pipelines:
                if world.refusal(pipeline) is not None:
                    total += 1
                    continue
                actions, promotions = world.tally(pipeline)
                lists_of_actions.append(actions)
                total += 0 if actions_carry_ends else promotions
    if pages_every_list:
        unasked = min(_DOCUMENTED_PAGE, max_per_page)
        return total + sum(unasked_pages(n, unasked) for n in (len(workspaces), *lists_of_actions))
    return total + unpaged([len(workspaces)]) + unpaged(lists_of_actions)

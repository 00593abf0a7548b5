"""The arithmetic minimum, against a reader that follows the rule request by request."""

from __future__ import annotations

from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, World
from collector.fake_buddy.minimum import readings, unasked_pages

from .asking import get, path_of


@pytest.mark.parametrize(
    ("items", "size", "requests"),
    [
        (0, 50, 1),
        (19, 50, 1),
        (20, 50, 4),
        (21, 50, 2),
        (49, 50, 2),
        (50, 50, 4),
        (51, 50, 4),
        (70, 50, 6),
        (100, 50, 6),
    ],
)
def test_readings_of_a_list(items: int, size: int, requests: int) -> None:
    """A page shorter than 20 ends a list, a longer one does not; what may have been cut off is read twice."""
    assert readings(items, size) == requests


@pytest.mark.parametrize(
    ("items", "paged_by", "requests"),
    [
        (19, None, 1),
        (20, None, 2),
        (21, None, 1),
        (50, None, 2),
        (19, 20, 1),
        (20, 20, 5),
        (21, 20, 5),
        (41, 20, 7),
    ],
)
def test_lists_that_are_asked_for_without_a_page(items: int, paged_by: int | None, requests: int) -> None:
    """As long as a limit they cost one request more; where the server pages them, they are read like the others."""
    assert unasked_pages(items, paged_by) == requests


def read_once(fake: FakeBuddy, path: str, kind: str) -> list[list[dict[str, Any]]]:
    """Return the pages of a list up to the first that is shorter than 20."""
    pages: list[list[dict[str, Any]]] = []
    while not pages or len(pages[-1]) >= 20:
        reply = get(fake, path, page=len(pages) + 1, per_page=50, sort_by="name").json
        pages.append(reply.get(kind, []))
    return pages


def read(fake: FakeBuddy, path: str, kind: str) -> list[dict[str, Any]]:
    """Read a paged list by the rule: twice if more than one page has something on it, or one that may be cut off."""
    pages = read_once(fake, path, kind)
    if sum(map(bool, pages)) > 1 or len(pages[0]) in (20, 50):
        assert read_once(fake, path, kind) == pages
    return [item for page in pages for item in page]


def read_unasked(fake: FakeBuddy, path: str, kind: str) -> list[dict[str, Any]]:
    """Read a list that no document calls paged: to its end, and again, where it shows that it is paged."""

    def once(probing: bool) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = get(fake, path).json.get(kind, [])
        whole = len(items) not in (20, 50)
        if not whole and probing:
            whole = get(fake, path, page=2, per_page=1).json[kind] == items
        page = items
        while not whole and len(page) >= 20:
            page = get(fake, path, page=len(items) // 20 + 1, per_page=20).json[kind]
            items = items + page
        return items if whole else [*items, *once(probing=False)] if probing else items

    return list({item["id"]: item for item in once(probing=True)}.values())


def crawl(fake: FakeBuddy, carried: bool) -> None:
    """Ask for all that one night needs, each thing once."""
    for workspace in read_unasked(fake, "/workspaces", "workspaces"):
        for project in read(fake, path_of(workspace["domain"], kind="projects"), "projects"):
            names = (workspace["domain"], project["name"])
            for pipeline in read(fake, path_of(*names, kind="pipelines"), "pipelines"):
                own = (*names, pipeline["id"])
                for action in read_unasked(fake, path_of(*own, kind="actions"), "actions"):
                    if action["type"] == "PROMOTE_IMAGE" and not carried:
                        get(fake, path_of(*own, action["id"]))


@pytest.mark.parametrize(
    ("world", "clamp", "carried", "paged"),
    [
        (World(workspaces=2, projects=9, pipelines=2, actions=2), 50, False, False),
        (World(projects=1, pipelines=55, actions=1), 50, True, False),
        (World(projects=22, pipelines=1, actions=1), 20, False, False),
        (World(workspaces=2, projects=2).freeze("acme").forbid("globex-eu", "web-shop"), 50, False, False),
        (World(projects=2, pipelines=2).forbid("acme", "web-shop", 106), 50, False, False),
        (World(projects=2).at(5), 50, False, False),
        (World(workspaces=20, projects=1, pipelines=2, actions=20, awkward=False), 50, False, False),
        (World(workspaces=20, projects=1, pipelines=2, actions=20, awkward=False), 50, False, True),
        (World(projects=2, pipelines=3, actions=45, awkward=False), 20, True, True),
    ],
)
def test_the_minimum_is_what_a_crawl_costs(world: World, clamp: int, carried: bool, paged: bool) -> None:
    """A reader that follows the rule and asks nothing twice costs exactly the minimum."""
    with FakeBuddy(world, max_per_page=clamp, actions_carry_ends=carried, pages_every_list=paged) as fake:
        crawl(fake, carried)
        assert len(fake.arrivals) == fake.expected_minimum()

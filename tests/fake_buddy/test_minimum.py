"""The arithmetic minimum, against a reader that follows the rule request by request."""

from __future__ import annotations

from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, World
from collector.fake_buddy.minimum import readings

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


def crawl(fake: FakeBuddy, carried: bool) -> None:
    """Ask for all that one night needs, each thing once."""
    for workspace in get(fake, "/workspaces").json["workspaces"]:
        for project in read(fake, path_of(workspace["domain"], kind="projects"), "projects"):
            names = (workspace["domain"], project["name"])
            for pipeline in read(fake, path_of(*names, kind="pipelines"), "pipelines"):
                own = (*names, pipeline["id"])
                for action in get(fake, path_of(*own, kind="actions")).json.get("actions", []):
                    if action["type"] == "PROMOTE_IMAGE" and not carried:
                        get(fake, path_of(*own, action["id"]))


@pytest.mark.parametrize(
    ("world", "clamp", "carried"),
    [
        (World(workspaces=2, projects=9, pipelines=2, actions=2), 50, False),
        (World(projects=1, pipelines=55, actions=1), 50, True),
        (World(projects=22, pipelines=1, actions=1), 20, False),
        (World(workspaces=2, projects=2).freeze("acme").forbid("globex-eu", "web-shop"), 50, False),
        (World(projects=2, pipelines=2).forbid("acme", "web-shop", 106), 50, False),
        (World(projects=2).at(5), 50, False),
    ],
)
def test_the_minimum_is_what_a_crawl_costs(world: World, clamp: int, carried: bool) -> None:
    """A reader that follows the rule and asks nothing twice costs exactly the minimum."""
    with FakeBuddy(world, max_per_page=clamp, actions_carry_ends=carried) as fake:
        crawl(fake, carried)
        assert len(fake.arrivals) == fake.expected_minimum()

"""The computed minimum of requests, compared with a reader that follows the rule request by request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.fake_buddy.minimum_requests import (
    paged_list_requests,
    server_paged_list_requests,
    unpaged_lists_requests,
)
from tests.fake_buddy.asking import execution_path, get, path_of


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
def test_paged_lists(items: int, size: int, requests: int) -> None:
    """A page shorter than 20 ends a list and a longer one does not; a list that may be cut off is read twice."""
    assert paged_list_requests(items, size) == requests


@pytest.mark.parametrize(("items", "requests"), [(19, 1), (20, 5), (21, 5), (41, 7)])
def test_lists_that_the_server_pages(items: int, requests: int) -> None:
    """A list as long as a page needs one request to find out that it is paged, and is then read like the others."""
    assert server_paged_list_requests(items, 20) == requests


@pytest.mark.parametrize(
    ("lists", "requests"), [([], 0), ([19], 1), ([20], 2), ([21], 1), ([50], 2), ([20, 3, 20, 50], 5)]
)
def test_lists_that_are_not_paged(lists: list[int], requests: int) -> None:
    """One request finds out for all lists of a kind that they are not paged."""
    assert unpaged_lists_requests(lists) == requests


def read_once(fake: FakeBuddy, path: str, kind: str) -> list[list[dict[str, Any]]]:
    """Return the pages of a list, up to the first shorter than 20."""
    pages: list[list[dict[str, Any]]] = []
    while not pages or len(pages[-1]) >= 20:
        reply = get(fake, path, page=len(pages) + 1, per_page=50, sort_by="name").json
        pages.append(reply.get(kind, []))
    return pages


def read(fake: FakeBuddy, path: str, kind: str) -> list[dict[str, Any]]:
    """Read a paged list: twice if it has more than one non-empty page, or one that may be cut off."""
    pages = read_once(fake, path, kind)
    if sum(map(bool, pages)) > 1 or len(pages[0]) in (20, 50):
        assert read_once(fake, path, kind) == pages
    return [item for page in pages for item in page]


class UnpagedReader:
    """Reads lists that are not documented as paged: like paged ones if the server is seen to page them."""

    def __init__(self, fake: FakeBuddy) -> None:
        self._fake = fake
        self._known_unpaged: set[str] = set()

    def read(self, path: str, kind: str) -> list[dict[str, Any]]:
        """Return a list; for the first of a kind that may be cut off, request a second page of one item."""
        items: list[dict[str, Any]] = get(self._fake, path).json.get(kind, [])
        if len(items) not in (20, 50) or kind in self._known_unpaged:
            return items
        if get(self._fake, path, page=2, per_page=1).json[kind] == items:
            self._known_unpaged.add(kind)
            return items
        found = self._rest(path, kind, items)
        again: list[dict[str, Any]] = get(self._fake, path).json[kind]
        assert self._rest(path, kind, again) == found
        return found

    def _rest(self, path: str, kind: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        page = items
        while len(page) >= 20:
            page = get(self._fake, path, page=len(items) // 20 + 1, per_page=20).json[kind]
            items = items + page
        return items


def read_executions(fake: FakeBuddy, pipeline: tuple[str, str, int], window: timedelta) -> None:
    """Read a list of executions up to the window's beginning, and each execution in the window."""
    begins, page, total = fake.world.moment - window, 1, 1
    while page <= total:
        reply = get(fake, path_of(*pipeline, kind="executions"), page=page, per_page=50)
        if reply.status == 403:
            return
        began = {item["id"]: datetime.fromisoformat(item["start_date"]) for item in reply.json["executions"]}
        for execution_id, when in began.items():
            if when >= begins:
                get(fake, execution_path(*pipeline, execution_id))
        if any(when < begins for when in began.values()):
            return
        page, total = page + 1, reply.json["total_page_count"]


def crawl(fake: FakeBuddy, carried: bool, window: timedelta | None = None) -> None:
    """Request everything that one run needs, once."""
    lists = UnpagedReader(fake)
    for workspace in lists.read("/workspaces", "workspaces"):
        for project in read(fake, path_of(workspace["domain"], kind="projects"), "projects"):
            names = (workspace["domain"], project["name"])
            for pipeline in read(fake, path_of(*names, kind="pipelines"), "pipelines"):
                path = (*names, pipeline["id"])
                promotions = [
                    action
                    for action in lists.read(path_of(*path, kind="actions"), "actions")
                    if action["type"] == "PROMOTE_IMAGE"
                ]
                for action in promotions if not carried else ():
                    get(fake, path_of(*path, action["id"]))
                ran = [action.get("last_execution_status") != "INITIAL" for action in promotions]
                if window and any(ran) and pipeline.get("last_execution_status") != "INITIAL":
                    read_executions(fake, path, window)


@pytest.mark.parametrize(
    ("world", "clamp", "carried", "paged"),
    [
        (FakeWorld(workspaces=2, projects=9, pipelines=2, actions=2), 50, False, False),
        (FakeWorld(projects=1, pipelines=55, actions=1), 50, True, False),
        (FakeWorld(projects=22, pipelines=1, actions=1), 20, False, False),
        (FakeWorld(workspaces=2, projects=2).freeze("acme").forbid("globex-eu", "web-shop"), 50, False, False),
        (FakeWorld(projects=2, pipelines=2).forbid("acme", "web-shop", 106), 50, False, False),
        (FakeWorld(projects=2).at(5), 50, False, False),
        (FakeWorld(workspaces=20, projects=1, pipelines=2, actions=20, awkward=False), 50, False, False),
        (FakeWorld(workspaces=20, projects=1, pipelines=2, actions=20, awkward=False), 50, False, True),
        (FakeWorld(projects=2, pipelines=3, actions=45, awkward=False), 20, True, True),
    ],
)
def test_the_minimum_is_what_a_crawl_costs(world: FakeWorld, clamp: int, carried: bool, paged: bool) -> None:
    """A reader that follows the rule and repeats nothing needs exactly the minimum."""
    with FakeBuddy(world, max_per_page=clamp, actions_carry_ends=carried, pages_every_list=paged) as fake:
        crawl(fake, carried)
        assert len(fake.arrivals) == fake.expected_minimum(None)


@pytest.mark.parametrize(
    ("world", "options", "days"),
    [
        (FakeWorld(projects=5, pipelines=3, actions=4), {}, 7),
        (FakeWorld(projects=3, actions=4).at(4), {"executions_page_size": 5}, 60),
        (FakeWorld(projects=3, actions=4), {"max_per_page": 20, "executions_page_size": 50}, 30),
        (FakeWorld(projects=3, actions=4), {"executions_forbidden": True}, 7),
        (FakeWorld(projects=2).forbid("acme", "checkout-api", 101, "executions"), {}, 7),
        (FakeWorld(projects=2).run("acme", "checkout-api", 101).recreate("acme", "checkout-api", 102), {}, 7),
    ],
)
def test_the_minimum_with_executions(world: FakeWorld, options: dict[str, Any], days: int) -> None:
    """A reader that follows the rule for executions too needs exactly the minimum, whatever the size of pages."""
    window = timedelta(days=days)
    with FakeBuddy(world, **options) as fake:
        crawl(fake, False, window)
        assert len(fake.arrivals) == fake.expected_minimum(window) > fake.expected_minimum(None)
        assert fake.requests("executions")

"""Lists: pages, clamps, orders, and names that need encoding."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.fake_buddy.company import AWKWARD_NAMES
from tests.fake_buddy.asking import ask, get, path_of

WORLD = FakeWorld(workspaces=2, projects=8 * len(AWKWARD_NAMES), pipelines=47, actions=2)
PIPELINES = path_of("acme", "web-shop", kind="pipelines")
PROJECTS = path_of("acme", kind="projects")


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """Serve a world with every awkward name and a list of three pages."""
    with FakeBuddy(WORLD) as running:
        yield running


def test_the_server_sends_what_the_world_computes(fake: FakeBuddy) -> None:
    """Workspaces, a list of actions and one action are sent exactly as the world computes them."""
    pipeline = WORLD.pipelines("acme", "web-shop", "id")[0]["id"]
    first = WORLD.actions("acme", "web-shop", pipeline)[0]["id"]
    assert get(fake, "/workspaces").json["workspaces"] == WORLD.workspaces_list()
    listed = get(fake, path_of("acme", "web-shop", pipeline, kind="actions")).json["actions"]
    assert listed == WORLD.actions("acme", "web-shop", pipeline)
    detailed = get(fake, path_of("acme", "web-shop", pipeline, first)).json
    assert detailed == WORLD.action("acme", "web-shop", pipeline, first)


def test_a_list_carries_its_urls(fake: FakeBuddy) -> None:
    """A list carries its own URLs beside its items, with Buddy's host instead of the fake's."""
    reply = get(fake, PIPELINES).json
    assert list(reply) == ["url", "html_url", "pipelines"]
    assert reply["url"] == "https://api.buddy.works/workspaces/acme/projects/web-shop/pipelines"


def test_the_default_page_size_is_20(fake: FakeBuddy) -> None:
    """A page has 20 items by default, or the requested number up to the clamp; the last page has the rest."""
    sizes = [len(get(fake, PIPELINES, **query).json["pipelines"]) for query in (
        {}, {"per_page": 7}, {"per_page": 500}, {"page": 3}, {"page": 4}, {"page": 1000},
    )]  # fmt: skip
    assert sizes == [20, 7, 47, 7, 0, 0]
    with FakeBuddy(WORLD, max_per_page=30) as clamping:
        assert len(get(clamping, PIPELINES, per_page=50).json["pipelines"]) == 30


def test_the_pages_are_the_list(fake: FakeBuddy) -> None:
    """In every order the pages together are the list: no item is repeated or missing."""
    for query in ({"sort_by": "id"}, {"sort_by": "name"}, {"sort_by": "id", "sort_direction": "DESC"}, {}):
        pages = [get(fake, PIPELINES, page=page, per_page=10, **query).json["pipelines"] for page in range(1, 6)]
        joined = [item for page in pages for item in page]
        descending = query.get("sort_direction") == "DESC"
        assert joined == WORLD.pipelines("acme", "web-shop", query.get("sort_by"), descending)
        assert len({item["id"] for item in joined}) == 47


def test_lists_are_sorted_as_requested(fake: FakeBuddy) -> None:
    """A list is sorted as requested; without `sort_by` its order is fixed and differs from that of ids."""
    ids = [item["id"] for item in get(fake, PIPELINES, per_page=50, sort_by="id").json["pipelines"]]
    unsorted = [item["id"] for item in get(fake, PIPELINES, per_page=50).json["pipelines"]]
    assert ids == sorted(ids) == sorted(unsorted) != unsorted
    names = [item["name"] for item in get(fake, PROJECTS, per_page=50, sort_by="name").json["projects"]]
    assert names == sorted(project["name"] for project in WORLD.projects("acme"))[:50]
    backwards = get(fake, PROJECTS, per_page=50, sort_by="name", sort_direction="DESC").json["projects"]
    assert backwards[0]["name"] == max(project["name"] for project in WORLD.projects("acme"))


def test_projects_can_be_filtered_by_status(fake: FakeBuddy) -> None:
    """With `status`, only projects with that status are listed."""
    closed = get(fake, PROJECTS, status="CLOSED", per_page=50).json["projects"]
    assert closed
    assert {project["status"] for project in closed} == {"CLOSED"}


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_every_name_can_be_requested(fake: FakeBuddy, name: str) -> None:
    """A percent-encoded name finds its project, whatever characters it has."""
    single, listed = ask(fake, path_of("acme", name), path_of("acme", name, kind="pipelines"))
    assert single.json["name"] == name
    assert len(listed.json["pipelines"]) == 20


def test_encoded_dots_are_a_name(fake: FakeBuddy) -> None:
    """`%2E%2E` is the project named `..`; the server does not normalise paths."""
    assert get(fake, "/workspaces/acme/projects/%2E%2E").json["name"] == ".."


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"page": 0}, "Wrong value of page: 0"),
        ({"page": "x"}, "Wrong value of page: x"),
        ({"per_page": -1}, "Wrong value of per_page: -1"),
        ({"sort_by": "colour"}, "Unknown sort_by: colour"),
        ({"sort_by": "id", "sort_direction": "asc"}, "Unknown sort_direction: asc"),
    ],
)
def test_an_invalid_query_is_400(fake: FakeBuddy, query: dict[str, object], message: str) -> None:
    """An invalid page, size or order answers 400 with a message."""
    reply = get(fake, PIPELINES, **query)
    assert (reply.status, reply.message) == (400, message)


def test_lists_can_include_the_ends() -> None:
    """With `actions_carry_ends` a list has promotions in full and other actions as summaries."""
    world = FakeWorld(awkward=False)
    with FakeBuddy(world, actions_carry_ends=True) as fake:
        items = get(fake, path_of("acme", "web-shop", 106, kind="actions")).json["actions"]
    promotions = [item for item in items if item["type"] == "PROMOTE_IMAGE"]
    assert promotions == [world.action("acme", "web-shop", 106, item["id"]) for item in promotions]
    assert all(set(item).isdisjoint({"src", "dest", "pipeline"}) for item in items if item not in promotions)


def test_the_world_can_change_between_requests() -> None:
    """The next request sees the night that was set on the running server."""
    with FakeBuddy(FakeWorld()) as fake:
        path = path_of("acme", "checkout-api", 101, kind="actions")
        before = get(fake, path).json["actions"]
        fake.world = fake.world.at(2)
        after = get(fake, path).json["actions"]
    assert len(after) == len(before) + 1


def test_a_single_item_has_more_fields_than_its_list(fake: FakeBuddy) -> None:
    """The GET of a workspace, project or pipeline has all fields of the list, and more."""
    for path, listed, more in (
        (path_of("acme"), WORLD.item(("acme",)), "frozen"),
        (path_of("acme", "web-shop"), WORLD.item(("acme", "web-shop")), "default_branch"),
    ):
        reply = get(fake, path).json
        assert listed.items() <= reply.items()
        assert more in reply
    pipeline = WORLD.pipelines("acme", "web-shop", "id")[0]
    reply = get(fake, path_of("acme", "web-shop", pipeline["id"])).json
    assert reply["project"]["name"] == "web-shop"
    assert reply["name"] == pipeline["name"]

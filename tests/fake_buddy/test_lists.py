"""Lists over a real socket: pages, clamps, orders, names that need encoding."""

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


def test_what_is_served_is_what_the_world_says(fake: FakeBuddy) -> None:
    """Workspaces, actions and one whole action arrive exactly as the world computes them."""
    pipeline = WORLD.pipelines("acme", "web-shop", "id")[0]["id"]
    first = WORLD.actions("acme", "web-shop", pipeline)[0]["id"]
    assert get(fake, "/workspaces").json["workspaces"] == WORLD.workspaces_list()
    listed = get(fake, path_of("acme", "web-shop", pipeline, kind="actions")).json["actions"]
    assert listed == WORLD.actions("acme", "web-shop", pipeline)
    whole = get(fake, path_of("acme", "web-shop", pipeline, first)).json
    assert whole == WORLD.action("acme", "web-shop", pipeline, first)


def test_lists_name_themselves(fake: FakeBuddy) -> None:
    """A list carries its own URLs beside its items, at the installation's host and not at the fake's."""
    reply = get(fake, PIPELINES).json
    assert list(reply) == ["url", "html_url", "pipelines"]
    assert reply["url"] == "https://api.buddy.works/workspaces/acme/projects/web-shop/pipelines"


def test_twenty_a_page_unless_asked(fake: FakeBuddy) -> None:
    """A page has 20 items by default, the asked number up to the clamp, and the last page the rest."""
    sizes = [len(get(fake, PIPELINES, **query).json["pipelines"]) for query in (
        {}, {"per_page": 7}, {"per_page": 500}, {"page": 3}, {"page": 4}, {"page": 1000},
    )]  # fmt: skip
    assert sizes == [20, 7, 47, 7, 0, 0]
    with FakeBuddy(WORLD, max_per_page=30) as clamping:
        assert len(get(clamping, PIPELINES, per_page=50).json["pipelines"]) == 30


def test_pages_join_into_the_list(fake: FakeBuddy) -> None:
    """The pages of every order, put together, are the list in that order: nothing twice, nothing missing."""
    for query in ({"sort_by": "id"}, {"sort_by": "name"}, {"sort_by": "id", "sort_direction": "DESC"}, {}):
        pages = [get(fake, PIPELINES, page=page, per_page=10, **query).json["pipelines"] for page in range(1, 6)]
        joined = [item for page in pages for item in page]
        descending = query.get("sort_direction") == "DESC"
        assert joined == WORLD.pipelines("acme", "web-shop", query.get("sort_by"), descending)
        assert len({item["id"] for item in joined}) == 47


def test_orders_are_what_they_say(fake: FakeBuddy) -> None:
    """Sorted lists are sorted; an unsorted one is stable but not in the order of ids."""
    ids = [item["id"] for item in get(fake, PIPELINES, per_page=50, sort_by="id").json["pipelines"]]
    unsorted = [item["id"] for item in get(fake, PIPELINES, per_page=50).json["pipelines"]]
    assert ids == sorted(ids) == sorted(unsorted) != unsorted
    names = [item["name"] for item in get(fake, PROJECTS, per_page=50, sort_by="name").json["projects"]]
    assert names == sorted(project["name"] for project in WORLD.projects("acme"))[:50]
    backwards = get(fake, PROJECTS, per_page=50, sort_by="name", sort_direction="DESC").json["projects"]
    assert backwards[0]["name"] == max(project["name"] for project in WORLD.projects("acme"))


def test_projects_can_be_filtered_by_status(fake: FakeBuddy) -> None:
    """With a status only the projects that have it are listed."""
    closed = get(fake, PROJECTS, status="CLOSED", per_page=50).json["projects"]
    assert closed
    assert {project["status"] for project in closed} == {"CLOSED"}


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_every_name_can_be_asked_for(fake: FakeBuddy, name: str) -> None:
    """A percent-encoded name leads to its project, whatever characters it has."""
    single, listed = ask(fake, path_of("acme", name), path_of("acme", name, kind="pipelines"))
    assert single.json["name"] == name
    assert len(listed.json["pipelines"]) == 20


def test_dots_are_a_name_when_encoded(fake: FakeBuddy) -> None:
    """A project called `..` is asked for as `%2E%2E`; the server walks up no path."""
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
def test_a_wrong_query_is_refused(fake: FakeBuddy, query: dict[str, object], message: str) -> None:
    """A page, a size or an order that makes no sense is a 400 that says so."""
    reply = get(fake, PIPELINES, **query)
    assert (reply.status, reply.message) == (400, message)


def test_lists_can_carry_the_ends() -> None:
    """With `actions_carry_ends` the promotions of a list are whole, and the other actions are short."""
    world = FakeWorld(awkward=False)
    with FakeBuddy(world, actions_carry_ends=True) as fake:
        items = get(fake, path_of("acme", "web-shop", 106, kind="actions")).json["actions"]
    promotions = [item for item in items if item["type"] == "PROMOTE_IMAGE"]
    assert promotions == [world.action("acme", "web-shop", 106, item["id"]) for item in promotions]
    assert all(set(item).isdisjoint({"src", "dest", "pipeline"}) for item in items if item not in promotions)


def test_the_world_may_change_between_two_requests() -> None:
    """Another night set on a running server is what the next request sees."""
    with FakeBuddy(FakeWorld()) as fake:
        path = path_of("acme", "checkout-api", 101, kind="actions")
        before = get(fake, path).json["actions"]
        fake.world = fake.world.at(2)
        after = get(fake, path).json["actions"]
    assert len(after) == len(before) + 1


def test_details_have_what_lists_have_not(fake: FakeBuddy) -> None:
    """A workspace, a project and a pipeline by themselves show all their list shows, and more."""
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

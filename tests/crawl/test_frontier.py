"""Laws of the frontier, against a Buddy that is a plain value: which requests it makes, and which records."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.buddy.decode import ListPage, decode
from collector.buddy.requests import Kind, Request
from collector.crawl.fetch_result import Answered
from collector.crawl.frontier import Frontier
from collector.crawl.pagination import is_probe
from collector.crawl.records import CrawlRecord, Key, ListedItem, Problem, Promotion, key_of
from collector.crawl.request_queue import LOOK_AHEAD
from collector.crawl.selection import Selection
from tests.crawl.model_buddy import EVERYTHING, Crawl, ModelBuddy, action, as_a_set, crawl, feed, problems, seen, tree
from tests.request_builders import projects_request

MODERATE = settings(max_examples=80, deadline=None)
SIZES = [0, 1, 19, 20, 21, 30, 49, 50, 51, 100]
PROJECT, PIPELINE = Key("us", "w0", "p0000"), Key("us", "w0", "p0000", 1)


def paged(done: Crawl, kind: Kind) -> list[tuple[int, int]]:
    """(reading, page) of each request for lists of a kind, in the order asked."""
    return [(r.reading, r.page) for r in done.buddy.asked if r.kind is kind]


def unprobed(request: Request) -> Request | Kind:
    """A request, or of a probe its kind: whichever list comes first finds out for the others."""
    return request.kind if is_probe(request) else request


# What is asked


def test_an_ordinary_world_costs_the_minimum() -> None:
    """One workspaces list, one page per short list, one actions list per pipeline, one GET per promote-image action."""
    done = crawl(ModelBuddy(tree(2, 3, 2, 3)))
    assert Counter(r.kind for r in done.buddy.asked) == {
        Kind.WORKSPACES: 1, Kind.PROJECTS: 2, Kind.PIPELINES: 6, Kind.ACTIONS: 12, Kind.ACTION: 24,
    }  # fmt: skip
    assert len(set(done.buddy.asked)) == len(done.buddy.asked)
    assert Counter(seen(done.records).values()) == {"complete": 2 + 6 + 12, "fetched": 24, "not_promote_image": 12}
    assert problems(done.records) == []
    assert done.frontier.workspaces_listed


def test_named_workspaces_spare_the_list() -> None:
    """Exact workspaces are asked for directly, each once, in the order named; the list of all is not asked for."""
    names = Selection(lambda name: True, lambda name: True, exact_workspaces=("w1", "w0", "w1"))
    done = crawl(ModelBuddy(tree(3, 1)), names)
    assert [r.workspace for r in done.buddy.asked if r.kind is Kind.PROJECTS] == ["w1", "w0"]
    assert not [r for r in done.buddy.asked if r.kind is Kind.WORKSPACES]
    assert not done.frontier.workspaces_listed
    assert [f.position for f in done.records if isinstance(f, ListedItem) and f.kind is Kind.WORKSPACES] == [1, 2]


def test_an_action_told_whole_in_its_list_is_not_asked_for() -> None:
    """A list item that carries both ends is the promotion itself; one that carries only one end isn't."""
    world = tree()
    ends: dict[str, Any] = {"src": {"image": "a"}, "dest": {"tag": "b"}}
    world["w0"]["p0000"][1] = [action(5, **ends), action(6, src={}), action(7, "FTP", **ends)]
    done = crawl(ModelBuddy(world))
    assert [r.action_id for r in done.buddy.asked if r.kind is Kind.ACTION] == [6]
    promotions = {f.key.action_id: f.document for f in done.records if isinstance(f, Promotion)}
    assert promotions[5] == world["w0"]["p0000"][1][0]
    assert set(promotions) == {5, 6}
    assert {k.action_id: c for k, c in seen(done.records).items() if k.action_id} == {
        5: "fetched", 6: "fetched", 7: "not_promote_image",
    }  # fmt: skip


@pytest.mark.parametrize("clamp", [20, 30, 50, 100])
@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("kind", [Kind.PROJECTS, Kind.PIPELINES])
def test_pages_are_asked_for_as_often_as_need_be(kind: Kind, count: int, clamp: int) -> None:
    """However the server clamps, all items are found in the fewest requests; a shifted list is read twice."""
    world = tree(1, count, 0) if kind is Kind.PROJECTS else tree(1, 1, count, 0)
    done = crawl(ModelBuddy(world, clamp=clamp))
    size = min(50, clamp)
    # A last page of 20 or more can't be told from a clamped one, and costs the request that finds nothing.
    pages = count // size + 1 + (count % size >= 20)
    readings = 2 if math.ceil(count / size) > 1 or count in (20, 50) else 1
    assert paged(done, kind) == [(r, p) for r in range(1, readings + 1) for p in range(1, pages + 1)]
    assert len(seen(done.records)) == 1 + (kind is Kind.PIPELINES) + count
    assert set(seen(done.records).values()) == {"complete"}


@pytest.mark.parametrize("count", [*SIZES, 40, 41])
def test_a_server_that_pages_every_list_hides_no_action(count: int) -> None:
    """Whether the lists of workspaces and actions are paged or not, every one is found, and the list is complete."""
    for world in (tree(count, 0), tree(1, 1, 1, count)):
        for paged_too in (False, True):
            done = crawl(ModelBuddy(world, pages_every_list=paged_too))
            told = Counter(seen(done.records).values())
            assert told["complete"] == sum(key.action_id is None for key in seen(done.records))
            assert sum(told.values()) == count + (0 if world == tree(count, 0) else 3)
            assert problems(done.records) == []
            assert done.frontier.workspaces_listed
            assert len(set(done.buddy.asked)) == len(done.buddy.asked)


@pytest.mark.parametrize("workers", [1, 7])
def test_one_list_finds_out_for_all(workers: int) -> None:
    """On a server that does not page lists of actions, only one of those as long as a page is asked for a second."""
    done = crawl(ModelBuddy(tree(1, 1, 9, 20)), workers=workers)
    probes = [r for r in done.buddy.asked if is_probe(r)]
    assert [(r.kind, r.page) for r in probes] == [(Kind.ACTIONS, 2)]
    assert Counter(seen(done.records).values())["complete"] == 1 + 1 + 9
    assert (done.frontier.found, problems(done.records)) == (done.frontier.done, [])


@pytest.mark.parametrize("status", [400, 503])
def test_a_probe_that_fails(status: int) -> None:
    """A probe that fails, even because the server has no pages, costs its
    own list; the next one finds out for the rest.
    """
    buddy = ModelBuddy(tree(1, 1, 4, 20))
    first = "/workspaces/w0/projects/p0000/pipelines/1/actions?page=2&per_page=1"
    buddy.failures = {first: ("http_error", status)}
    done = crawl(buddy, workers=3)
    probed = [r.pipeline_id for r in done.buddy.asked if is_probe(r)]
    assert (probed[0], len(set(probed)), len(probed)) == (1, 2, 2)
    coverage = Counter(c for k, c in seen(done.records).items() if k.pipeline_id and k.action_id is None)
    assert coverage == {"complete": 3, "failed": 1}
    assert problems(done.records) == [("http_error", PIPELINE)]


@pytest.mark.parametrize(
    ("count", "asked", "coverage"), [(19, 1, "complete"), (20, 6, "failed"), (37, 4, "complete"), (50, 6, "failed")]
)
def test_a_server_that_ignores_the_page_is_not_asked_for_ever(count: int, asked: int, coverage: str) -> None:
    """A page that brings nothing new ends the reading; where it is a full one, the list is never complete."""
    done = crawl(ModelBuddy(tree(1, count, 0), ignores_page=True))
    assert len(paged(done, Kind.PROJECTS)) == asked
    told = seen(done.records)
    assert told.pop(Key("us", "w0")) == coverage
    assert Counter(told.values()) == {"complete": count}


def removing(world: Any, kind: Kind, most: int) -> Callable[[Request], None]:
    """Remove the first item whenever the second page is asked for, `most` times."""
    removed = iter(range(most))

    def moves(request: Request) -> None:
        held = world["w0"] if kind is Kind.PROJECTS else world["w0"]["p0000"]
        if request.kind is kind and request.page == 2 and next(removed, None) is not None:
            del held[min(held)]

    return moves


@pytest.mark.parametrize("kind", [Kind.PROJECTS, Kind.PIPELINES])
def test_what_a_shift_hid_is_found_by_the_next_reading(kind: Kind) -> None:
    """An item deleted between two pages hides another; the second reading finds it and the third confirms."""
    world = tree(1, 60, 0) if kind is Kind.PROJECTS else tree(1, 1, 60, 0)
    names = set(world["w0"]) if kind is Kind.PROJECTS else set(world["w0"]["p0000"])
    buddy = ModelBuddy(world)
    buddy.moves = removing(world, kind, 1)
    done = crawl(buddy)
    assert paged(done, kind) == [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)]
    below = Kind.PIPELINES if kind is Kind.PROJECTS else Kind.ACTIONS
    assert {r.project if kind is Kind.PROJECTS else r.pipeline_id for r in buddy.asked if r.kind is below} == names
    coverage = Counter(seen(done.records).values())
    assert coverage == {"complete": 60 + (kind is Kind.PIPELINES), "gone": 1}


@pytest.mark.parametrize("kind", [Kind.PROJECTS, Kind.PIPELINES])
def test_a_list_that_never_settles_says_so(kind: Kind) -> None:
    """After three readings that all differ the list is failed, with a problem of its parent; what was seen is kept."""
    world = tree(1, 60, 0) if kind is Kind.PROJECTS else tree(1, 1, 60, 0)
    buddy = ModelBuddy(world)
    buddy.moves = removing(world, kind, 3)
    done = crawl(buddy)
    parent = Key("us", "w0") if kind is Kind.PROJECTS else PROJECT
    assert [told for told in problems(done.records) if told[0] != "gone"] == [("unsettled_listing", parent)]
    assert max(paged(done, kind)) == (3, 2)
    coverage = seen(done.records)
    assert coverage.pop(parent) == "failed"
    assert set(coverage.values()) == {"complete", "gone"}
    assert len(coverage) == 60 + (kind is Kind.PIPELINES)


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_page_size_falls_back_to_the_documented_one(status: int) -> None:
    """Where 50 to a page is a bad request, 20 is asked for, of all lists that follow, and nothing is missed."""
    buddy = ModelBuddy(tree(1, 21, 1, 1), most=20)
    buddy.too_large_status = status
    done = crawl(buddy)
    assert [r.per_page for r in buddy.asked if r.kind is Kind.PROJECTS] == [50, 20, 20, 20, 20]
    assert {r.per_page for r in buddy.asked if r.kind is Kind.PIPELINES} == {20}
    assert problems(done.records) == []
    assert Counter(seen(done.records).values()) == {"complete": 1 + 21 + 21, "fetched": 21}


def test_the_documented_page_size_is_not_fallen_back_from() -> None:
    """A bad request for 20 to a page, or one that isn't about a first page, is a failure like any other."""
    buddy = ModelBuddy(tree(1, 60, 0), most=0)
    done = crawl(buddy)
    assert [r.per_page for r in buddy.asked if r.kind is Kind.PROJECTS] == [50, 20]
    assert problems(done.records) == [("http_error", Key("us", "w0"))]


def test_a_bad_request_for_a_later_page_is_no_matter_of_size() -> None:
    """When the first page was served, a 400 for the second is a failure of the list and not asked again."""
    buddy = ModelBuddy(tree(1, 60, 0))
    buddy.failures[projects_request("us", "w0", page=2).target] = ("http_error", 400)
    done = crawl(buddy)
    assert paged(done, Kind.PROJECTS) == [(1, 1), (1, 2)]
    assert problems(done.records) == [("http_error", Key("us", "w0"))]


def test_one_worker_walks_the_tree_in_buddys_order() -> None:
    """A pipeline is finished before the next is begun, and children come in the order in which they were listed."""
    done = crawl(ModelBuddy(tree(1, 2, 2, 1)))
    assert [r.path.removeprefix("/workspaces/w0/projects") for r in done.buddy.asked[1:]] == [
        "", "/p0000/pipelines", "/p0000/pipelines/1/actions", "/p0000/pipelines/1/actions/2",
        "/p0000/pipelines/3/actions", "/p0000/pipelines/3/actions/4", "/p0001/pipelines",
        "/p0001/pipelines/5/actions", "/p0001/pipelines/5/actions/6", "/p0001/pipelines/7/actions",
        "/p0001/pipelines/7/actions/8",
    ]  # fmt: skip


# What is said

COVERAGES = {
    "forbidden": "forbidden", "unauthorised": "forbidden", "api_disabled": "forbidden", "frozen": "forbidden",
    "gone": "gone", "http_error": "failed", "connection": "failed", "timeout": "failed", "too_large": "failed",
    "redirect_refused": "failed", "not_json": "failed", "not_understood": "failed",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "coverage"), COVERAGES.items())
@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/workspaces/w0/projects", Key("us", "w0")),
        ("/workspaces/w0/projects/p0000/pipelines", PROJECT),
        ("/workspaces/w0/projects/p0000/pipelines/1/actions", PIPELINE),
        ("/workspaces/w0/projects/p0000/pipelines/1/actions/2", Key("us", "w0", "p0000", 1, 2)),
    ],
)
def test_a_failure_is_the_coverage_of_its_own_thing_alone(path: str, key: Key, kind: str, coverage: str) -> None:
    """Giving up is one problem with the key of what was asked about, which gets its coverage; the rest is complete."""
    buddy = ModelBuddy(tree(2, 2, 2, 1))
    buddy.failures[path] = (kind, None)
    done = crawl(buddy)
    assert problems(done.records) == [(kind, key)]
    coverages = seen(done.records)
    assert coverages.pop(key) == coverage
    assert set(coverages.values()) == {"complete", "fetched"}
    below = [
        k for k in coverages if msgspec.structs.astuple(k)[: path.count("/") // 2 + 1] == msgspec.structs.astuple(key)
    ]
    assert [k for k in below if k != key and path.endswith("s")] == []


def test_without_a_list_of_workspaces_there_is_nothing() -> None:
    """A workspaces list that failed is a problem of the installation and the reason why nothing was seen."""
    buddy = ModelBuddy(tree(2, 2))
    buddy.failures["/workspaces"] = ("forbidden", 403)
    done = crawl(buddy)
    assert problems(done.records) == [("forbidden", Key("us"))]
    assert done.frontier.root_failure == done.records[0]
    assert (len(done.records), done.frontier.workspaces_listed, done.frontier.finished) == (1, False, True)


def test_a_later_page_that_fails_leaves_what_was_seen() -> None:
    """When page two fails, the list is failed, and the children of page one are collected all the same."""
    buddy = ModelBuddy(tree(1, 60, 0))
    buddy.failures[projects_request("us", "w0", page=2).target] = ("timeout", None)
    done = crawl(buddy)
    assert problems(done.records) == [("timeout", Key("us", "w0"))]
    assert Counter(seen(done.records).values()) == {"complete": 50, "failed": 1}


def test_filtered_workspaces_and_projects_are_skipped() -> None:
    """What the globs leave out is a row `skipped` and not one request; it is no problem."""
    only = Selection(workspace=lambda name: name == "w1", project=lambda name: name != "p0000")
    done = crawl(ModelBuddy(tree(2, 2, 1, 0)), only)
    assert {k.project or k.workspace: c for k, c in seen(done.records).items() if k.pipeline_id is None} == {
        "w0": "skipped", "w1": "complete", "p0000": "skipped", "p0001": "complete",
    }  # fmt: skip
    assert not [r for r in done.buddy.asked if r.workspace == "w0" or r.project == "p0000"]
    assert problems(done.records) == []


ACTION = Key("us", "w0", "p0000", 1, 2)
# Kind of list, what is changed in its first item, the problem's key, whose coverage it is, and the rows that are lost.
EDITS: list[tuple[Kind, dict[str, Any], Key, dict[Key, str], int]] = [
    (Kind.WORKSPACES, {"id": "x"}, Key("us", "w0"), {Key("us", "w0"): "failed"}, 0),
    (Kind.WORKSPACES, {"domain": 7}, Key("us"), {}, 15),
    (Kind.PROJECTS, {"status": 7}, PROJECT, {PROJECT: "failed"}, 0),
    (Kind.PROJECTS, {"name": ""}, Key("us", "w0"), {Key("us", "w0"): "failed"}, 7),
    (Kind.PIPELINES, {"tags": 7}, PIPELINE, {PIPELINE: "failed"}, 0),
    (Kind.PIPELINES, {"id": True}, PROJECT, {PROJECT: "failed"}, 3),
    (Kind.ACTIONS, {"name": 7}, ACTION, {ACTION: "quarantined"}, 0),
    (Kind.ACTIONS, {"type": None}, ACTION, {ACTION: "quarantined"}, 0),
    (Kind.ACTIONS, {"id": 2.5}, PIPELINE, {PIPELINE: "failed"}, 1),
]


@pytest.mark.parametrize(("kind", "change", "key", "coverage", "lost"), EDITS)
def test_an_item_in_breach_is_a_problem_and_costs_nobody(
    kind: Kind, change: dict[str, Any], key: Key, coverage: dict[Key, str], lost: int
) -> None:
    """A broken item is a problem with its place, is never complete, and its neighbours are collected."""
    world = tree(2, 2, 2, 2)
    buddy = ModelBuddy(world)
    path = {
        Kind.WORKSPACES: "/workspaces", Kind.PROJECTS: "/workspaces/w0/projects",
        Kind.PIPELINES: "/workspaces/w0/projects/p0000/pipelines",
        Kind.ACTIONS: "/workspaces/w0/projects/p0000/pipelines/1/actions",
    }[kind]  # fmt: skip
    buddy.edit = lambda r, document: document[kind.value][0].update(change) if r.path == path else None
    done = crawl(buddy)
    [member] = change
    assert problems(done.records) == [("not_understood", key)]
    problem = next(f for f in done.records if isinstance(f, Problem))
    assert problem.json_path == f"$.{kind.value}[0].{member}"
    assert problem.request_path is not None
    assert problem.request_path.startswith(path)
    coverages = seen(done.records)
    assert {each: coverages.pop(each) for each in coverage} == coverage
    assert set(coverages.values()) <= {"complete", "fetched"}
    # Understood, the world has 2 + 4 + 8 + 16 rows; a lost key costs itself and what is below it, and nothing else.
    assert len(coverages) + len(coverage) == 30 - lost


@pytest.mark.parametrize(
    ("change", "coverage", "json_path"),
    [
        ({"src": {"image": 7}}, "quarantined", "$.src.image"), ({"id": 3}, "quarantined", "$.id"),
        ({"type": 7}, "quarantined", "$.type"), ({"type": ["x"]}, "quarantined", "$.type"),
        ({"type": "FTP"}, "not_promote_image", None), ({"type": None}, "fetched", None), ({}, "fetched", None),
    ],
)  # fmt: skip
def test_what_an_action_turns_out_to_be(change: dict[str, Any], coverage: str, json_path: str | None) -> None:
    """An action's own reply decides: sound, in breach at a place, or no promote-image action any more."""
    buddy = ModelBuddy(tree(1, 1, 1, 1))
    buddy.edit = lambda r, document: document.update(change) if r.kind is Kind.ACTION else None
    done = crawl(buddy)
    assert seen(done.records)[Key("us", "w0", "p0000", 1, 2)] == coverage
    assert [f.json_path for f in done.records if isinstance(f, Problem)] == ([json_path] if json_path else [])
    assert len([f for f in done.records if isinstance(f, Promotion)]) == (coverage == "fetched")


@pytest.mark.parametrize(
    ("document", "coverage", "json_path"),
    [
        ({}, "quarantined", "$"), ({"message": "All is well"}, "quarantined", "$"),
        ({"id": None, "type": None, "src": {}}, "quarantined", "$"),
        ({"type": "PROMOTE_IMAGE", "src": {}}, "fetched", None), ({"type": "FTP"}, "not_promote_image", None),
        ({"id": 2, "src": {}}, "fetched", None),
    ],
)  # fmt: skip
def test_a_reply_must_show_that_it_is_about_an_action(
    document: dict[str, Any], coverage: str, json_path: str | None
) -> None:
    """Any field may be missing, but a reply with neither id nor type is not an action: it is quarantined."""
    buddy = ModelBuddy(tree(1, 1, 1, 1))

    def edit(request: Request, whole: dict[str, Any]) -> None:
        if request.kind is Kind.ACTION:
            whole.clear()
            whole.update(document)

    buddy.edit = edit
    done = crawl(buddy)
    assert seen(done.records)[Key("us", "w0", "p0000", 1, 2)] == coverage
    told = [(f.kind, f.json_path) for f in done.records if isinstance(f, Problem)]
    assert told == ([("not_understood", json_path)] if json_path else [])
    assert len([f for f in done.records if isinstance(f, Promotion)]) == (coverage == "fetched")


def test_a_broken_item_is_not_believed_to_tell_the_whole() -> None:
    """An action whose list item violates the schema is asked for by its own request."""
    world = tree(1, 1, 1, 0)
    world["w0"]["p0000"][1] = [{"id": 6, "type": "PROMOTE_IMAGE", "name": 7, "src": {}, "dest": {}}]
    done = crawl(ModelBuddy(world))
    assert [r.action_id for r in done.buddy.asked if r.kind is Kind.ACTION] == [6]


def test_a_list_of_workspaces_with_a_nameless_one_is_not_whole() -> None:
    """When a workspace can't even be named, the list says nothing about what is missing from it."""
    buddy = ModelBuddy(tree(2))
    buddy.edit = lambda r, document: document["workspaces"].append({}) if r.kind is Kind.WORKSPACES else None
    assert not crawl(buddy).frontier.workspaces_listed


def test_a_breach_in_an_action_told_whole_is_placed_in_its_list() -> None:
    """A quarantined action that is complete in its list is a problem at its place in the list's reply."""
    world = tree(1, 1, 1, 0)
    world["w0"]["p0000"][1] = [action(5, "FTP"), action(6, src={"image": 7}, dest={})]
    done = crawl(ModelBuddy(world))
    [problem] = [f for f in done.records if isinstance(f, Problem)]
    assert (problem.json_path, problem.key.action_id) == ("$.actions[1].src.image", 6)
    assert seen(done.records)[problem.key] == "quarantined"


def test_a_parent_keeps_what_stood_around_its_list() -> None:
    """The members around a list are kept in the row of its parent, those around the workspaces in each of theirs."""
    done = crawl(ModelBuddy(tree(1, 1, 1, 1)))
    envelopes = {f.kind: f.envelope for f in done.records if isinstance(f, ListedItem)}
    assert {kind: sorted(envelope) for kind, envelope in envelopes.items()} == {
        Kind.WORKSPACES: ["projects_list", "workspaces_list"], Kind.PROJECTS: ["pipelines_list"],
        Kind.PIPELINES: ["actions_list"], Kind.ACTIONS: [],
    }  # fmt: skip
    assert envelopes[Kind.PROJECTS]["pipelines_list"]["url"] == "https://api/workspaces/w0/projects/p0000/pipelines"


# Order, stopping, replaying

WORLDS = (
    st.builds(tree, st.integers(0, 3), st.integers(1, 3), st.integers(0, 3), st.integers(0, 4))
    | st.builds(tree, st.just(1), st.sampled_from([20, 21, 51]), st.integers(0, 1), st.integers(0, 1))
    | st.builds(tree, st.sampled_from([1, 20]), st.just(1), st.just(1), st.sampled_from([1, 20, 21, 50]))
)
FAILING = [
    "/workspaces/w0/projects",
    "/workspaces/w1/projects/p0001/pipelines",
    "/workspaces/w0/projects/p0000/pipelines",
]


def model(world: Any, failing: set[str], pages_every_list: bool = False) -> ModelBuddy:
    """A model in which some paths fail, and one list is broken."""
    buddy = ModelBuddy(world, pages_every_list=pages_every_list)
    buddy.failures = dict.fromkeys(failing, ("timeout", None))
    buddy.edit = lambda r, document: (
        document["pipelines"].insert(0, None) if r.kind is Kind.PIPELINES and r.project == "p0002" else None
    )
    return buddy


@MODERATE
@given(WORLDS, st.sets(st.sampled_from(FAILING)), st.booleans(), st.integers(1, 9), st.randoms(use_true_random=False))
def test_the_order_of_replies_changes_nothing(
    world: Any, failing: set[str], paged_too: bool, workers: int, order: Any
) -> None:
    """However replies overtake one another, the records and the requests are those of asking one by one."""
    alone = crawl(model(world, failing, paged_too))
    together = Crawl(Frontier("us", EVERYTHING), model(world, failing, paged_too), workers=workers).run(order.randrange)
    assert as_a_set(together.records) == as_a_set(alone.records)
    assert Counter(map(unprobed, together.buddy.asked)) == Counter(map(unprobed, alone.buddy.asked))
    assert together.frontier.found == alone.frontier.found
    assert together.frontier.done == alone.frontier.done
    assert together.frontier.finished


@MODERATE
@given(WORLDS, st.booleans(), st.integers(1, 9), st.integers(0, 60), st.sampled_from(["deadline", "unauthorised"]))
def test_stopping_accounts_for_everything(world: Any, paged_too: bool, workers: int, steps: int, kind: str) -> None:
    """Wherever a crawl is stopped, each listed item has one coverage, and each open parent one problem."""
    halted = Crawl(Frontier("us", EVERYTHING), ModelBuddy(world, pages_every_list=paged_too), workers=workers)
    for _ in range(steps):
        halted.step()
    before = seen(halted.records)
    listed = _listed(halted)
    stopped = halted.frontier.stop(kind, "Time is up")
    after = seen(halted.records + stopped)
    assert set(after) == listed
    expected = "skipped" if kind == "deadline" else "forbidden"
    # Actions of other types are told with the end of their list.
    assert {c for k, c in after.items() if k not in before} <= {expected, "not_promote_image"}
    whole = crawl(ModelBuddy(world, pages_every_list=paged_too))
    assert {k: c for k, c in after.items() if c != expected} == {
        k: c for k, c in seen(whole.records).items() if k in before or after.get(k) == "not_promote_image"
    }
    told = [f.key for f in stopped if isinstance(f, Problem)]
    assert len(told) == len(set(told))
    assert {k for k, c in after.items() if k not in before and k.action_id is None} <= set(told)
    parents = {msgspec.structs.replace(k, action_id=None) for k in after if k not in before and k.action_id}
    assert parents <= set(told)
    assert halted.frontier.finished
    assert halted.frontier.next() is None
    listed_whole = halted.frontier.workspaces_listed
    assert (Key("us") in told) == (halted.frontier.root_failure is not None) == (not listed_whole)
    assert halted.frontier.stop(kind, "Again") == []


def _listed(halted: Crawl) -> set[Key]:
    """Every key that some answered list held."""
    keys = set()
    for entry in halted.journal:
        content = decode(entry.request, msgspec.json.decode(entry.body)) if isinstance(entry, Answered) else None
        if isinstance(content, ListPage):
            parent = msgspec.structs.asdict(key_of(entry.request))
            below = next(name for name, value in parent.items() if value is None)
            keys |= {Key(**{**parent, below: item.key}) for item in content.items}
    return keys


@MODERATE
@given(
    WORLDS, st.sets(st.sampled_from(FAILING)), st.booleans(), st.integers(1, 9), st.integers(0, 80), st.integers(1, 9)
)
def test_a_replayed_beginning_leads_to_the_same_end(
    world: Any, failing: set[str], paged_too: bool, workers: int, cut: int, again: int
) -> None:
    """Any beginning of a journal, claimed in its order and then continued,
    gives the same records and asks nothing twice.
    """
    first = Crawl(Frontier("us", EVERYTHING), model(world, failing, paged_too), workers=workers).run(
        lambda count: (count - 1) // 2
    )
    frontier = Frontier("us", EVERYTHING)
    records: list[CrawlRecord] = []
    for entry in first.journal[:cut]:
        assert frontier.queue.claim(entry.request)
        records += feed(frontier, entry)
    rest = Crawl(frontier, model(world, failing, paged_too), workers=again).run()
    assert as_a_set(records + rest.records) == as_a_set(first.records)
    asked = [entry.request for entry in first.journal[:cut]] + rest.buddy.asked
    assert len(asked) == len(set(asked))
    assert Counter(map(unprobed, asked)) == Counter(map(unprobed, first.buddy.asked))


def test_a_reply_to_nothing_is_not_claimed() -> None:
    """A request the frontier hasn't made, has handed out, or has settled can't be claimed."""
    frontier = Frontier("us", EVERYTHING)
    root = Request("us", Kind.WORKSPACES)
    assert not frontier.queue.claim(Request("us", Kind.PROJECTS, "w0", page=1, per_page=50))
    assert frontier.queue.claim(root)
    assert not frontier.queue.claim(root)
    feed(frontier, ModelBuddy(tree(1)).answer(root))
    assert not frontier.queue.claim(root)


def test_a_request_put_back_is_handed_out_again() -> None:
    """A request that was handed out and never answered is in flight no longer, and is handed out again."""
    frontier = Frontier("us", EVERYTHING)
    root = frontier.next()
    assert isinstance(root, Request)
    assert frontier.next() is None
    frontier.queue.put_back(root)
    assert (frontier.queue.waiting, frontier.next()) == (1, root)


def test_a_wide_world_keeps_a_small_stack() -> None:
    """Two thousand projects of many pipelines each never pile up: the stack holds the look-ahead and one branch."""
    world = tree(1, 2000, 3, 3)
    world["w0"]["p1000"] = tree(1, 1, 300, 2)["w0"]["p0000"]
    done = Crawl(Frontier("us", EVERYTHING), ModelBuddy(world), workers=16).run()
    # One page of projects on top of the look-ahead, and below it one of pipelines and one list of actions per worker.
    assert done.most_waiting <= LOOK_AHEAD + 2 * 50 + 16 * 3
    assert Counter(r.kind for r in done.buddy.asked)[Kind.PIPELINES] > 2000


def test_pages_go_first_while_little_else_waits() -> None:
    """A long list is a chain of requests, so it is pulled along while its first children are crawled."""
    done = crawl(ModelBuddy(tree(1, 500, 1, 1)))
    kinds = [r.kind for r in done.buddy.asked]
    last_page = max(i for i, kind in enumerate(kinds) if kind is Kind.PROJECTS)
    assert last_page < len(kinds) * 0.9
    assert kinds[1:3] == [Kind.PROJECTS, Kind.PROJECTS]


def test_progress_counts_every_list_and_action_to_its_end() -> None:
    """What was found is done in the end: lists of any number of pages, actions fetched, listed in full or given up."""
    world = tree(1, 2, 1, 3)
    world["w0"]["p0000"][1].append(action(99, src={}, dest={}))
    buddy = ModelBuddy(world)
    buddy.failures["/workspaces/w0/projects/p0000/pipelines/1/actions/2"] = ("gone", 404)
    done = crawl(buddy)
    assert done.frontier.found[Kind.ACTION] == done.frontier.done[Kind.ACTION] == 5
    assert done.frontier.found == done.frontier.done
    assert done.frontier.found[Kind.ACTIONS] == done.frontier.found[Kind.PIPELINES] == 2

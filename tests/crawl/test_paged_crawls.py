"""Paged lists in a whole crawl: every item is found in the fewest requests, or the list says that it is not whole."""

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from collector.buddy.requests import Kind, Request
from collector.crawl.pagination import is_probe
from collector.crawl.records import Key
from tests.crawl.model_buddy import PIPELINE, PROJECT, Crawl, ModelBuddy, crawl, problems, seen, tree
from tests.request_builders import projects_request

SIZES = [0, 1, 19, 20, 21, 30, 49, 50, 51, 100]


def paged(done: Crawl, kind: Kind) -> list[tuple[int, int]]:
    """(reading, page) of each request for lists of a kind, in the order asked."""
    return [(r.reading, r.page) for r in done.buddy.asked if r.kind is kind]


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

"""Incomplete lists: no single odd reply makes one complete, or its parent gone, or drops an item silently."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from collector.buddy.requests import Kind, Request
from collector.crawl.records import Key, Problem, Promotion
from tests.crawl.model_buddy import ModelBuddy, action, crawl, problems, seen, tree

PROJECT, PIPELINE = Key("us", "w0", "p0000"), Key("us", "w0", "p0000", 1)
REFUSALS = {
    "gone": "http_error", "forbidden": "forbidden", "api_disabled": "api_disabled", "frozen": "frozen",
    "redirect_refused": "redirect_refused", "http_error": "http_error", "timeout": "timeout",
}  # fmt: skip
# Requests behind a page that answered: of which world, below which key, and how many children are seen all the same.
BEHIND: dict[str, tuple[Any, str, Key]] = {
    "projects, page 2": (tree(1, 60, 0), "/workspaces/w0/projects?page=2&", Key("us", "w0")),
    "projects, page 3": (tree(1, 120, 0), "/workspaces/w0/projects?page=3&", Key("us", "w0")),
    "pipelines, page 2": (tree(1, 1, 60, 0), "/workspaces/w0/projects/p0000/pipelines?page=2&", PROJECT),
    "actions, the probe": (tree(1, 1, 1, 20), "/workspaces/w0/projects/p0000/pipelines/1/actions?page=2&", PIPELINE),
    "workspaces, the probe": (tree(20, 0), "/workspaces?page=2&", Key("us")),
}


@pytest.mark.parametrize(("kind", "told"), REFUSALS.items())
@pytest.mark.parametrize(("world", "target", "key"), BEHIND.values(), ids=BEHIND)
def test_a_refusal_behind_a_page_that_answered_is_a_failure(
    world: Any, target: str, key: Key, kind: str, told: str
) -> None:
    """However a later page or a probe is refused, nothing is gone: the list is failed, and its problem says so."""
    buddy = ModelBuddy(world)
    answer = buddy.answer

    def refusing(request: Request) -> Any:
        if request.target.startswith(target):
            buddy.failures = {request.target: (kind, 404)}
        return answer(request)

    buddy.answer = refusing  # type: ignore[method-assign]
    done = crawl(buddy)
    assert problems(done.records) == [(told, key)]
    coverage = seen(done.records)
    assert coverage.pop(key, "failed") == "failed"
    assert set(coverage.values()) <= {"complete", "fetched", "not_promote_image"}
    assert len(coverage) >= 20
    assert done.frontier.workspaces_listed == (key != Key("us"))
    assert (done.frontier.root_failure is None) == (key != Key("us"))


@pytest.mark.parametrize("page", [1, 2])
def test_a_refusal_of_a_second_reading_is_a_failure(page: int) -> None:
    """A list that was read once and refuses to be read again was not settled: it is failed and not gone."""
    buddy = ModelBuddy(tree(1, 60, 0))

    def moves(request: Request) -> None:
        if request.kind is Kind.PROJECTS and (request.reading, request.page) == (2, page):
            buddy.failures = {request.target: ("gone", 404)}

    buddy.moves = moves
    done = crawl(buddy)
    assert problems(done.records) == [("http_error", Key("us", "w0"))]
    assert Counter(seen(done.records).values()) == {"complete": 60, "failed": 1}


def cut(request: Request, document: dict[str, Any], to: int) -> None:
    """Leave only so many items in the list of a reply."""
    del document[request.kind.value][to:]


@pytest.mark.parametrize("to", [0, 1, 19])
@pytest.mark.parametrize(("reading", "page"), [(1, 2), (2, 1), (2, 2), (2, 3), (1, 3)])
@pytest.mark.parametrize("kind", [Kind.PROJECTS, Kind.PIPELINES])
def test_one_page_that_is_too_short_hides_nothing(kind: Kind, reading: int, page: int, to: int) -> None:
    """A page that lacks items once, or is empty, differs from the other readings, which find them all."""
    world = tree(1, 120, 0) if kind is Kind.PROJECTS else tree(1, 1, 120, 0)
    buddy = ModelBuddy(world)
    buddy.edit = lambda r, document: (
        cut(r, document, to) if r.kind is kind and (r.reading, r.page) == (reading, page) else None
    )
    done = crawl(buddy)
    assert problems(done.records) == []
    assert Counter(seen(done.records).values()) == {"complete": 120 + 1 + (kind is Kind.PIPELINES)}


@pytest.mark.parametrize("first", ["BUILD", "PROMOTE_IMAGE"])
@pytest.mark.parametrize("whole", [True, False])
def test_a_promotion_that_shares_its_id_is_collected(first: str, whole: bool) -> None:
    """Two actions with one id: the promotion is read, the other is a problem with its place, and the list is failed."""
    world = tree(1, 1, 1, 1)
    second = "PROMOTE_IMAGE" if first == "BUILD" else "BUILD"
    ends = {"src": {"image": "a"}, "dest": {"image": "b"}} if whole else {}
    listed = [action(5, kind, **(ends if kind == "PROMOTE_IMAGE" else {})) for kind in (first, second)]
    world["w0"]["p0000"][1] = [action(4), *sorted(listed, key=lambda each: each["type"], reverse=True)]
    buddy = ModelBuddy(world)
    buddy.edit = lambda r, document: document.update(actions=[action(4), *listed]) if r.kind is Kind.ACTIONS else None
    done = crawl(buddy)
    assert {f.key.action_id for f in done.records if isinstance(f, Promotion)} == {4, 5}
    [problem] = [f for f in done.records if isinstance(f, Problem)]
    assert (problem.kind, problem.key, problem.json_path) == ("not_understood", PIPELINE, "$.actions[2]")
    assert problem.raw is not None
    assert msgspec.json.decode(problem.raw)["type"] == "BUILD"
    coverage = seen(done.records)
    assert (coverage[PIPELINE], coverage[Key("us", "w0", "p0000", 1, 5)]) == ("failed", "fetched")


@pytest.mark.parametrize("workers", [1, 3])
def test_a_promotion_that_shares_its_id_with_an_action_of_an_earlier_page_is_collected(workers: int) -> None:
    """An id seen on page 1 as another type and on page 2 as a promotion has one row, that of the promotion."""
    world = tree(1, 1, 1, 0)
    listed = [action(n, "BUILD") for n in range(10, 40)]
    world["w0"]["p0000"][1] = [*listed, action(10)]
    buddy = ModelBuddy(world, pages_every_list=True)
    document = buddy.document
    buddy.document = lambda request: (  # type: ignore[method-assign]
        {**action(10), "src": {"image": "a"}, "dest": {}} if request.kind is Kind.ACTION else document(request)
    )
    done = crawl(buddy, workers=workers)
    coverage = seen(done.records)
    assert coverage[Key("us", "w0", "p0000", 1, 10)] == "fetched"
    assert Counter(coverage.values()) == {"not_promote_image": 29, "fetched": 1, "complete": 2, "failed": 1}
    assert problems(done.records) == [("not_understood", PIPELINE)]


@pytest.mark.parametrize("member", ["last_execution_status", "name"])
def test_an_item_that_changes_between_readings_is_no_problem(member: str) -> None:
    """What moved on while its list was read again is the same item: no problem, and the list is complete."""
    buddy = ModelBuddy(tree(1, 1, 60, 0))

    def edit(request: Request, document: dict[str, Any]) -> None:
        for item in document.get("pipelines", []):
            item[member] = f"{request.reading} {request.page}"

    buddy.edit = edit
    done = crawl(buddy)
    assert problems(done.records) == []
    assert set(seen(done.records).values()) == {"complete"}


@pytest.mark.parametrize(
    ("kind", "key"), [(Kind.WORKSPACES, Key("us")), (Kind.PROJECTS, Key("us", "w0")), (Kind.PIPELINES, PROJECT)]
)
def test_two_parents_with_one_id_make_their_list_failed(kind: Kind, key: Key) -> None:
    """A second workspace, project or pipeline with the id of the first but other content is not dropped silently."""
    buddy = ModelBuddy(tree(1, 1, 1, 1))

    def edit(request: Request, document: dict[str, Any]) -> None:
        for item in list(document.get(kind.value, [])):
            document[kind.value] += [dict(item), {**item, "html_url": "https://elsewhere"}]

    buddy.edit = edit
    done = crawl(buddy)
    assert problems(done.records) == [("not_understood", key)]
    assert seen(done.records).get(key, "failed") == "failed"
    assert done.frontier.workspaces_listed == (kind is not Kind.WORKSPACES)
    assert len([f for f in done.records if isinstance(f, Promotion)]) == 1

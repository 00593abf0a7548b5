"""Laws of the frontier, against a Buddy that is a plain value: which requests it makes, and which records."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from collector.buddy.requests import Kind
from collector.crawl.records import Key, ListedItem, Promotion
from collector.crawl.selection import Selection
from tests.crawl.model_buddy import PIPELINE, PROJECT, ModelBuddy, action, crawl, problems, seen, tree
from tests.request_builders import projects_request


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


def test_one_worker_walks_the_tree_in_buddys_order() -> None:
    """A pipeline is finished before the next is begun, and children come in the order in which they were listed."""
    done = crawl(ModelBuddy(tree(1, 2, 2, 1)))
    assert [r.path.removeprefix("/workspaces/w0/projects") for r in done.buddy.asked[1:]] == [
        "", "/p0000/pipelines", "/p0000/pipelines/1/actions", "/p0000/pipelines/1/actions/2",
        "/p0000/pipelines/3/actions", "/p0000/pipelines/3/actions/4", "/p0001/pipelines",
        "/p0001/pipelines/5/actions", "/p0001/pipelines/5/actions/6", "/p0001/pipelines/7/actions",
        "/p0001/pipelines/7/actions/8",
    ]  # fmt: skip


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


def test_a_parent_keeps_what_stood_around_its_list() -> None:
    """The members around a list are kept in the row of its parent, those around the workspaces in each of theirs."""
    done = crawl(ModelBuddy(tree(1, 1, 1, 1)))
    envelopes = {f.kind: f.envelope for f in done.records if isinstance(f, ListedItem)}
    assert {kind: sorted(envelope) for kind, envelope in envelopes.items()} == {
        Kind.WORKSPACES: ["projects_list", "workspaces_list"], Kind.PROJECTS: ["pipelines_list"],
        Kind.PIPELINES: ["actions_list"], Kind.ACTIONS: [],
    }  # fmt: skip
    assert envelopes[Kind.PROJECTS]["pipelines_list"]["url"] == "https://api/workspaces/w0/projects/p0000/pipelines"


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

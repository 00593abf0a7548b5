"""Items and actions that break the contract: each is a problem with its place, and costs no other its row."""

from typing import Any

import pytest

from collector.buddy.requests import Kind, Request
from collector.crawl.records import Key, Problem, Promotion
from tests.crawl.model_buddy import PIPELINE, PROJECT, ModelBuddy, action, crawl, problems, seen, tree

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

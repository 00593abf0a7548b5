"""Which runs are partial: those in which something selected was not seen, and no others."""

from typing import Any

import pytest

from collector.buddy.requests import Kind, Request
from tests.crawl.model_buddy import ModelBuddy, tree
from tests.run.processed_replies import Run, fetched

PARTIAL = [
    ("forbidden", True), ("api_disabled", True), ("frozen", True), ("timeout", True), ("http_error", True),
    ("not_understood", True), ("gone", False),
]  # fmt: skip
PATHS = [
    "/workspaces/w0/projects", "/workspaces/w0/projects/p0000/pipelines",
    "/workspaces/w0/projects/p0000/pipelines/1/actions", "/workspaces/w0/projects/p0000/pipelines/1/actions/2",
]  # fmt: skip


@pytest.mark.parametrize(("kind", "partial"), PARTIAL)
@pytest.mark.parametrize("path", PATHS)
def test_a_run_is_partial_when_something_selected_was_missed(path: str, kind: str, partial: bool) -> None:
    """A failed or forbidden request makes the run partial at any depth; one for something gone doesn't."""
    buddy = ModelBuddy(tree(2, 2, 2, 2))
    buddy.failures[path] = (kind, None)
    run = Run().crawl(buddy)
    assert run.partial is partial
    assert run.stats()["problems"] == {kind: 1}


@pytest.mark.parametrize("kind", ["forbidden", "gone", "timeout"])
def test_without_the_list_of_workspaces_a_run_is_partial(kind: str) -> None:
    """Without the list of workspaces nothing below it was seen, for whatever reason it failed."""
    buddy = ModelBuddy(tree(1))
    buddy.failures["/workspaces"] = (kind, None)
    assert Run("us", "eu").crawl(buddy).partial


@pytest.mark.parametrize(
    ("kind", "change", "partial"),
    [
        (Kind.WORKSPACES, {"domain": 7}, True), (Kind.WORKSPACES, {"id": "x"}, True),
        (Kind.PROJECTS, {"name": 7}, True), (Kind.PROJECTS, {"status": 7}, True),
        (Kind.PIPELINES, {"tags": 7}, True), (Kind.ACTIONS, {"name": 7}, True),
        (Kind.ACTION, {"timeout": "x"}, True), (Kind.ACTION, {"type": "FTP"}, False), (Kind.ACTION, {"new": 1}, False),
    ],
)  # fmt: skip
def test_what_breaks_the_contract_makes_a_run_partial(kind: Kind, change: dict[str, Any], partial: bool) -> None:
    """An item or action that can't be understood was not seen; a new field or another type is no violation."""
    buddy = ModelBuddy(tree(1, 1, 1, 1))
    buddy.edit = lambda r, d: (d[kind.value][0] if r.list_key else d).update(change) if r.kind is kind else None
    assert Run().crawl(buddy).partial is partial


@pytest.mark.parametrize("change", [{"status": 7}, {}])
def test_what_was_not_selected_never_makes_a_run_partial(change: dict[str, Any]) -> None:
    """A project that the globs leave out is `skipped`, even broken, and the run is complete."""
    buddy = ModelBuddy(tree(1, 2, 1, 1))
    buddy.edit = lambda r, document: document["projects"][0].update(change) if r.kind is Kind.PROJECTS else None
    run = Run(projects=("!p0000",)).crawl(buddy)
    assert not run.partial
    assert run.stats()["coverage"] == {
        ("workspaces", "complete"): 1, ("projects", "complete"): 1, ("projects", "skipped"): 1,
        ("pipelines", "complete"): 1, ("actions", "fetched"): 1, ("execution_lists", "not_asked"): 1,
    }  # fmt: skip
    assert run.stats()["problems"] == ({"not_understood": 1} if change else {})


def test_a_deadline_makes_a_run_partial_and_leaves_finished_crawls_alone() -> None:
    """Stopping leaves what is open `skipped` with problems; a crawl that was done is not touched."""
    run = Run("us", "eu").crawl(ModelBuddy(tree(1)), 2)
    while isinstance(request := run.processor.frontiers["eu"].next(), Request):
        run.processor.accept(fetched(ModelBuddy(tree(1)), request))
    assert not run.partial
    run.processor.drain()
    for name in ("us", "eu"):
        run.processor.stop(name, "deadline", "Time is up")
    assert [run.stats(name)["partial"] for name in ("us", "eu")] == [True, False]
    assert {table: {row[2] for row in rows} for table, rows in run.processor.drain().items()} == {
        "projects": {"us"}, "problems": {"us"},
    }  # fmt: skip

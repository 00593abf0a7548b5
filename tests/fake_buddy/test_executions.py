"""Executions as they are served: pages, options, edits of a test, and faults."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from tests.fake_buddy.asking import ask, execution_path, get, path_of

PIPELINE = ("acme", "checkout-api", 101)
WORLD = FakeWorld()
ALL = WORLD.executions(*PIPELINE)
LIST = path_of(*PIPELINE, kind="executions")


def ids(world: FakeWorld) -> list[int]:
    """Return the ids of the pipeline's executions in the order of its list."""
    return [item["id"] for item in world.executions(*PIPELINE)]


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """Serve the world."""
    with FakeBuddy(WORLD) as running:
        yield running


def test_the_pages_are_the_list(fake: FakeBuddy) -> None:
    """The pages together are the list, newest first, and each says how long page and list are."""
    pages = [get(fake, LIST, page=page, per_page=10).json for page in range(1, len(ALL) // 10 + 2)]
    assert [item for page in pages for item in page["executions"]] == ALL
    assert [item["id"] for item in ALL] == list(range(len(ALL), 0, -1))
    for number, page in enumerate(pages, 1):
        assert (page["page"], page["page_size"]) == (number, 10)
        assert (page["total_page_count"], page["total_element_count"]) == (len(pages), len(ALL))
        assert page["element_count"] == len(page["executions"])
    assert list(pages[0])[:2] == ["url", "html_url"]
    assert pages[0]["url"] == f"https://api.buddy.works{LIST}"
    assert get(fake, LIST, page=99).json["executions"] == []
    assert len(get(fake, LIST).json["executions"]) == 20


def test_an_execution_is_its_list_item_with_elements(fake: FakeBuddy) -> None:
    """The GET of an execution has all of its list item, and its elements beside."""
    reply = get(fake, execution_path(*PIPELINE, 3)).json
    assert {name: value for name, value in reply.items() if name != "action_executions"} == ALL[-3]
    assert reply == WORLD.execution(*PIPELINE, 3)
    assert reply["action_executions"]


@pytest.mark.parametrize(
    "path",
    [
        execution_path(*PIPELINE, 0),
        execution_path(*PIPELINE, len(ALL) + 1),
        path_of("acme", "web-shop", 999_999, kind="executions"),
        execution_path("acme", "nothing", 106, 1),
        f"{LIST}/1/action_executions",
        f"{LIST}/x",
    ],
)
def test_what_does_not_exist_is_404(fake: FakeBuddy, path: str) -> None:
    """Unknown executions, lists of unknown pipelines and resources that the fake lacks answer 404."""
    assert get(fake, path).status == 404


def test_requests_are_counted_by_kind() -> None:
    """The counts and the log tell lists of executions from single executions."""
    with FakeBuddy(WORLD) as fake:
        ask(fake, LIST, execution_path(*PIPELINE, 1), execution_path(*PIPELINE, 2))
        assert (fake.counts()["kind:executions"], fake.counts()["kind:execution"]) == (1, 2)
        assert [request.path for request in fake.requests("executions")] == [LIST]


def test_the_servers_own_page_size() -> None:
    """With `executions_page_size` a page has that many items whatever was asked for, but no more than the clamp."""
    with FakeBuddy(WORLD, executions_page_size=7) as fake:
        reply = get(fake, LIST, page=2, per_page=50).json
        assert (reply["page_size"], reply["executions"]) == (7, ALL[7:14])
    with FakeBuddy(WORLD, executions_page_size=7, max_per_page=5) as fake:
        assert get(fake, LIST).json["page_size"] == 5


def test_executions_can_be_forbidden() -> None:
    """With `executions_forbidden` both kinds answer 403; the pipeline and its actions are served as before."""
    with FakeBuddy(WORLD, executions_forbidden=True) as fake:
        paths = (LIST, execution_path(*PIPELINE, 1), path_of(*PIPELINE), path_of(*PIPELINE, kind="actions"))
        assert [reply.status for reply in ask(fake, *paths)] == [403, 403, 200, 200]


def test_faults_hit_executions() -> None:
    """Faults can be aimed at both kinds and at one page."""
    script = [
        Fault("status", kind="execution", code=503),
        Fault("repeat_page", kind="executions", page=2),
        Fault("clamp", kind="executions", page=3, n=4),
    ]
    with FakeBuddy(WORLD, script=script) as fake:
        assert [reply.status for reply in ask(fake, *[execution_path(*PIPELINE, 1)] * 2)] == [503, 200]
        first, second, third = (get(fake, LIST, page=page, per_page=5).json for page in (1, 2, 3))
    assert second == first
    assert third["page_size"] == len(third["executions"]) == 4


# Edits


def test_an_added_execution_is_the_newest() -> None:
    """An added execution is first in its list, began shortly before its night, and promotes successfully."""
    world = WORLD.at(2).run(*PIPELINE).run(*PIPELINE, comment="second", status="INPROGRESS", finish_date=None)
    before = ids(WORLD.at(2))
    assert ids(world) == [before[0] + 2, before[0] + 1, *before]
    newest, first, older = world.executions(*PIPELINE)[:3]
    assert (newest["comment"], newest["status"], newest["finish_date"]) == ("second", "INPROGRESS", None)
    assert older["start_date"] < first["start_date"] < newest["start_date"] < f"{world.moment:%Y-%m-%dT%H:%M:%S}"
    elements = world.execution(*PIPELINE, first["id"])["action_executions"]
    promotions = [item["id"] for item in world.actions(*PIPELINE) if item["type"] == "PROMOTE_IMAGE"]
    assert [element["action"]["id"] for element in elements] == promotions
    assert {element["status"] for element in elements} == {"SUCCESSFUL"}


def test_later_nights_count_on_after_an_added_execution() -> None:
    """An added execution keeps its id and its content, and the executions of later nights get higher ids."""
    world = WORLD.run(*PIPELINE, from_night=2, comment="added")
    added = world.at(2).executions(*PIPELINE)[0]["id"]
    assert ids(world.at(1)) == ids(WORLD)
    natural = WORLD.at(5).executions(*PIPELINE)
    assert len(natural) > len(WORLD.at(2).executions(*PIPELINE))
    assert ids(world.at(5)) == list(range(len(natural) + 1, 0, -1))
    later = world.at(5).executions(*PIPELINE)
    assert world.at(5).execution(*PIPELINE, added) == world.at(2).execution(*PIPELINE, added)
    assert [item["start_date"] for item in later if item["id"] != added] == [item["start_date"] for item in natural]


def test_an_execution_ends_and_is_retried() -> None:
    """`end` and `retry` change status, finish date and elements under the same id, in the list and in the GET."""
    world = WORLD.run(*PIPELINE, status="INPROGRESS", finish_date=None)
    top = ids(world)[0]
    failed = world.end(*PIPELINE, top, status="FAILED", from_night=2)
    again = failed.retry(*PIPELINE, top, from_night=3)
    done = again.end(*PIPELINE, top, from_night=4)
    seen = []
    for night in (1, 2, 3, 4):
        item = next(item for item in done.at(night).executions(*PIPELINE) if item["id"] == top)
        elements = done.at(night).execution(*PIPELINE, top)["action_executions"]
        assert {element["status"] for element in elements} == {item["status"]}
        assert "action_executions" not in item
        seen.append((item["status"], item["finish_date"] is None))
    assert seen == [("INPROGRESS", True), ("FAILED", False), ("INPROGRESS", True), ("SUCCESSFUL", False)]


def test_a_single_execution_can_be_forbidden_or_vanish() -> None:
    """A forbidden execution stays in its list and answers 403; a removed one is in no list and answers 404."""
    path = (*PIPELINE, "executions")
    world = WORLD.forbid(*path, 3).remove(*path, 5)
    with FakeBuddy(world) as fake:
        statuses = [reply.status for reply in ask(fake, *(execution_path(*PIPELINE, number) for number in (3, 4, 5)))]
        assert statuses == [403, 200, 404]
        assert get(fake, LIST).json["total_element_count"] == len(ALL) - 1
    assert ids(world) == [number for number in ids(WORLD) if number != 5]
    assert WORLD.forbid(*path).refusal((*path, 2)) is not None


def test_a_recreated_pipeline_counts_anew() -> None:
    """After `recreate` the list holds the executions from that night on, with ids from 1."""
    world = WORLD.recreate(*PIPELINE, from_night=3)
    assert ids(world.at(2)) == ids(WORLD.at(2))
    before, after = WORLD.at(2).executions(*PIPELINE), WORLD.at(6).executions(*PIPELINE)
    again = world.at(6).executions(*PIPELINE)
    assert [item["id"] for item in again] == list(range(len(after) - len(before), 0, -1))
    assert [item["start_date"] for item in again] == [item["start_date"] for item in after[: len(again)]]
    assert "from_revision" not in again[-1]


def test_a_list_can_be_out_of_order() -> None:
    """After `disorder` the ids of a list do not fall, and its pages still hold each execution once."""
    world = WORLD.disorder(*PIPELINE)
    assert ids(world) != sorted(ids(world), reverse=True)
    assert sorted(ids(world), reverse=True) == ids(WORLD)
    pages = [world.execution_page(PIPELINE, start, 5)[0] for start in range(0, len(ALL), 5)]
    assert [item["id"] for page in pages for item in page] == ids(world)


def test_an_added_pipeline_has_no_history() -> None:
    """A pipeline that a test has added has only the executions that the test adds."""
    world = WORLD.add("acme", "web-shop", item={"id": 7, "name": "New"})
    assert world.executions("acme", "web-shop", 7) == []
    [added] = world.run("acme", "web-shop", 7, action_executions=[]).executions("acme", "web-shop", 7)
    assert (added["id"], "url" in added) == (1, True)


def test_a_page_does_not_walk_the_history() -> None:
    """A page after three thousand years takes no more memory than one after a night, and finds the same execution."""
    late = WORLD.at(1_000_000)
    tracemalloc.start()
    items, total = late.execution_page(PIPELINE, 0, 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert items[0]["id"] == total > 100_000
    assert late.execution_page(PIPELINE, total - 3, 3)[0][-1]["start_date"] == ALL[-1]["start_date"]


def test_a_world_can_be_dated() -> None:
    """`dated` moves this night, and with it every execution, to a moment; ids and contents stay."""
    moment = datetime(2030, 1, 5, 12, tzinfo=UTC)
    world = WORLD.at(3).dated(moment)
    assert world.moment == moment
    assert world.at(1).moment == moment - timedelta(days=2)
    moved, still = world.executions(*PIPELINE), WORLD.at(3).executions(*PIPELINE)
    by = moment - WORLD.at(3).moment
    for a, b in zip(moved, still, strict=True):
        assert (a["id"], a["status"], a["comment"]) == (b["id"], b["status"], b["comment"])
        assert began(a) - began(b) == by


def began(item: dict[str, Any]) -> datetime:
    """Return when an execution began."""
    return datetime.fromisoformat(item["start_date"])

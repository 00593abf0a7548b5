"""`collector collect --dry-run`: the plan is what the next run takes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.preflight.plan import list_requests
from tests.cli.conftest import Program, program

__all__ = ["program"]

pytestmark = pytest.mark.usefixtures("no_catalog")
WORLD = FakeWorld(workspaces=1, projects=2, pipelines=2, actions=3)


@pytest.fixture
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(WORLD) as running:
        yield running


def environ(buddy: FakeBuddy) -> dict[str, str]:
    return {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token, "COLLECTOR_REQUESTS_PER_SECOND": "0"}


def planned(program: Program, *flags: str) -> dict[str, Any]:
    """Return the plan of the only installation."""
    (plan,) = json.loads(program("collect", "--dry-run", "--format", "json", *flags).out)
    assert isinstance(plan, dict)
    return plan


def test_the_plan_is_what_the_next_run_takes(program: Program, buddy: FakeBuddy) -> None:
    """Without an earlier run the plan says so; with one it is the exact number of requests; nothing is sent for it."""
    first = program("collect", "--dry-run", environ=environ(buddy))
    assert first.code == 0
    assert "no earlier run" in first.out
    assert buddy.arrivals == []
    program("collect")
    spent = len(buddy.arrivals)
    plan = planned(program)
    assert (plan["requests"], plan["last_requests"], plan["unknown"]) == (spent, spent, [])
    said = program("collect", "--dry-run", "--max-duration", "0.001s").out
    assert f"about {spent} requests" in said
    assert "after the time limit" in said
    assert "nothing was sent" in said
    assert len(buddy.arrivals) == spent


def test_lists_that_may_be_cut_off_are_counted(program: Program) -> None:
    """Lists as long as a limit of Buddy's cost more requests than others, in the plan as in the run."""
    with FakeBuddy(FakeWorld(projects=20, pipelines=1, actions=20, awkward=False)) as buddy:
        program("collect", "--executions", "off", environ=environ(buddy))
        plan = planned(program, "--executions", "off")
        assert len(buddy.arrivals) == buddy.expected_minimum(None) == plan["requests"]


def test_executions_are_part_of_the_plan(program: Program) -> None:
    """One list per pipeline that promotes and has run, and as many executions as the last run read."""
    with FakeBuddy(WORLD.dated(datetime.now(UTC))) as buddy:
        program("collect", environ=environ(buddy))
        read = len(buddy.requests("execution"))
        plan, text = planned(program), program("collect", "--dry-run").out
        buddy.forget_arrivals()
        program("collect")
        assert f"{read:,} for executions" in text
        assert plan["asked"]["executions"] == len(buddy.requests("executions")) > 0
        assert plan["asked"]["execution"] == read > 0
        assert not {"executions", "execution"} & set(planned(program, "--executions", "off")["asked"])


def test_executions_that_no_run_has_asked_for_have_no_known_number(program: Program) -> None:
    """After a run without executions their lists are counted, and the plan says that their number is not known."""
    with FakeBuddy(WORLD.dated(datetime.now(UTC))) as buddy:
        program("collect", "--executions", "off", environ=environ(buddy))
        assert not buddy.requests("executions")
        plan = planned(program)
        program("collect")
        lists = len(buddy.requests("executions"))
    assert plan["asked"]["executions"] == lists > 0
    assert plan["asked"]["execution"] == 0
    assert any(f"executions of {lists} pipelines" in each for each in plan["unknown"])


def test_filters_narrow_the_plan(program: Program, buddy: FakeBuddy) -> None:
    """Filters narrow the plan as they narrow the run; what the last run left out is named as unknown."""
    program("collect", environ=environ(buddy))
    name = WORLD.projects("acme")[0]["name"]
    buddy.forget_arrivals()
    plan = planned(program, "-w", "acme", "-p", name)
    program("collect", "--lake", "filtered", "-w", "acme", "-p", name)
    assert plan["requests"] == len(buddy.arrivals)
    assert plan["asked"]["workspaces"] == 0
    assert any("skipped" in each for each in planned(program, "--lake", "filtered")["unknown"])
    assert planned(program, "-w", "nowhere")["unknown"] == ["workspace nowhere"]


@pytest.mark.parametrize(("items", "requests"), [(0, 1), (1, 1), (19, 1), (20, 4), (49, 2), (50, 4), (51, 4), (75, 6)])
def test_requests_of_a_list(items: int, requests: int) -> None:
    """A page shorter than 20 ends a list, after a longer one another is requested; a list of pages is read twice."""
    assert list_requests(items) == requests

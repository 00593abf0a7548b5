"""`collector collect --dry-run`: the plan is what the next run takes."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.preflight.plan import Plan, list_requests, make_plans
from collector.preflight.plan_text import describe
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret
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
    assert (plan["last_requests"], plan["unknown"]) == (spent, [])
    said = program("collect", "--dry-run", "--max-duration", "0.001s").out
    assert f"about {plan['requests']} requests" in said
    assert "after the time limit" in said
    assert "nothing was sent" in said
    assert len(buddy.arrivals) == spent
    program("collect")
    assert len(buddy.arrivals) - spent == plan["requests"]


def test_lists_that_may_be_cut_off_are_counted(program: Program) -> None:
    """Lists as long as a limit of Buddy's cost more requests than others, in the plan as in the run."""
    with FakeBuddy(FakeWorld(projects=20, pipelines=1, actions=20, awkward=False)) as buddy:
        program("collect", "--executions", "off", environ=environ(buddy))
        plan = planned(program, "--executions", "off")
        assert len(buddy.arrivals) == buddy.expected_minimum(None) == plan["requests"]


def test_executions_are_part_of_the_plan(program: Program) -> None:
    """One list per pipeline that promotes and has run, and the executions that will be new, not those of a week."""
    with FakeBuddy(WORLD.dated(datetime.now(UTC))) as buddy:
        program("collect", environ=environ(buddy))
        read = len(buddy.requests("execution"))
        plan = planned(program)
        buddy.forget_arrivals()
        program("collect")
        assert plan["asked"]["executions"] == len(buddy.requests("executions")) > 0
        assert plan["asked"]["execution"] == len(buddy.requests("execution")) < read
        assert not {"executions", "execution"} & set(planned(program, "--executions", "off")["asked"])
        settings = Settings((Installation("127.0.0.1", buddy.url, Secret("token-123456")),), Path("lake"))
        (tomorrow,) = make_plans(settings, datetime.now(UTC) + timedelta(days=1))
    assert 0 < tomorrow.asked["execution"] - plan["asked"]["execution"] <= read / 3


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
    program("collect", "-w", "acme", "-p", name)
    assert plan["requests"] == len(buddy.arrivals)
    assert plan["asked"]["workspaces"] == 0
    assert any("skipped" in each for each in planned(program)["unknown"])
    assert planned(program, "-w", "nowhere")["unknown"] == ["workspace nowhere"]


@pytest.mark.parametrize(("items", "requests"), [(0, 1), (1, 1), (19, 1), (20, 4), (49, 2), (50, 4), (51, 4), (75, 6)])
def test_requests_of_a_list(items: int, requests: int) -> None:
    """A page shorter than 20 ends a list, after a longer one another is requested; a list of pages is read twice."""
    assert list_requests(items) == requests


PLAN = Plan(
    installation="us",
    api_url="https://api.buddy.works",
    workspaces=(),
    projects=(),
    asked={"actions": 21_400},
    requests=21_400,
    unknown=(),
    last_requests=21_400,
    last_seconds=25_200.0,
    seconds=25_200.0,
    pipelines=3_000,
    due=3_000,
    full_requests=21_400,
    full_seconds=25_200.0,
    advised_refresh=5,
    advised_requests=4_600,
    advised_seconds=5_400.0,
)
AT = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)


def test_a_long_run_gets_a_recommendation() -> None:
    """Where a full run takes long, the plan says what it takes and what a refresh would make of it."""
    said = list(describe(PLAN, Settings(()), AT))
    advice = (
        "a full run needs 21,400 requests, 7 h 0 min at what Buddy allows; with `--refresh 5d` about 4,600, 1 h 30 min"
    )
    assert said[-1] == f"  {advice}"
    assert advice not in " ".join(describe(replace(PLAN, advised_refresh=None), Settings(()), AT))


def test_the_plan_says_what_the_settings_leave_out() -> None:
    """How many pipelines are due, where the requests end, and how many runs read everything at this budget."""
    settings = Settings((), refresh_s=5 * 86_400.0, max_requests=1_000)
    said = " ".join(describe(replace(PLAN, requests=4_000, due=600, most=1_000, runs_needed=24), settings, AT))
    assert "600 of 3,000 pipelines are due (--refresh 5 d 0 h)" in said
    assert "it stops after about 1,000 requests (--max-requests)" in said
    assert "at this budget about 24 runs read everything once" in said
    assert "it would end at about 04:00 UTC" in said


def test_a_budget_divides_a_full_run(program: Program) -> None:
    """With --max-requests, the plan says how many runs the estate needs and which refresh fits into the budget."""
    with FakeBuddy(FakeWorld(projects=2, pipelines=10, actions=4, awkward=False)) as buddy:
        program("collect", "--executions", "off", environ=environ(buddy))
        full = planned(program, "--executions", "off")
        lists = full["asked"]["workspaces"] + full["asked"]["projects"] + full["asked"]["pipelines"]
        assert (full["requests"], full["runs_needed"], full["advised_refresh"]) == (full["full_requests"], None, None)
        budget = lists + (full["requests"] - lists + 4) // 5
        cut = planned(program, "--executions", "off", "--max-requests", str(budget))
        assert cut["requests"] == full["requests"]
        assert (cut["runs_needed"], cut["advised_refresh"]) == (-(-(full["requests"] - lists) // (budget - lists)), 5)
        assert cut["advised_requests"] <= budget

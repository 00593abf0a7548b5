"""Refresh and limits over real sockets, run after run: what is asked, what is carried, and what is said."""

import math
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.run.progress import LimitReached
from tests.faults.published import Row, published, runs_of
from tests.faults.runs import RecordingObserver, Result, SimulatedCrash, crash_after_crawl, run_collect, start_of_run

WORLD = FakeWorld(workspaces=1, projects=4, pipelines=5, actions=4, awkward=False)
DAY = 86_400.0
BELOW = ("actions", "promote_image_actions", "trigger_conditions", "variables", "permissions")


@pytest.fixture
def fake() -> Iterator[FakeBuddy]:
    """A Buddy in which nothing happens unless the test says so."""
    with FakeBuddy(WORLD) as serving:
        yield serving


def collect(fake: FakeBuddy, lake: Path, number: int, **more: Any) -> Result:
    """Run the n-th collect, with an empty log of requests."""
    fake.forget_arrivals()
    return run_collect(fake, lake, number, **more)


def below(lake: Path) -> dict[str, list[Row]]:
    """The rows below pipelines in the last run, without the run itself and what says that they were carried."""
    left_out, run = {"run_id", "run_date", "coverage"}, published(lake)
    return {name: [{c: v for c, v in row.items() if c not in left_out} for row in run[name]] for name in BELOW}


def place(row: Row) -> tuple[str, str, int]:
    """The pipeline of a row."""
    return row["workspace"], row["project"], row["pipeline_id"]


def test_what_has_not_changed_is_carried(fake: FakeBuddy, tmp_path: Path) -> None:
    """A visible change is read and reported in its run; an invisible one is seen within the refresh and reported once;
    rows that are carried are those last read, child tables included, and are no change.
    """
    lake = tmp_path / "lake"
    assert collect(fake, lake, 1, refresh_s=3 * DAY).exit_code == 0
    whole, first = len(fake.arrivals), below(lake)
    *_, hidden = (row for row in published(lake)["promote_image_actions"])
    shown = next(place(row) for row in published(lake)["promote_image_actions"] if place(row) != place(hidden))
    fake.world = WORLD.change(*shown, name="renamed", from_night=1).change(
        *place(hidden), hidden["action_id"], timeout=4711
    )
    changes: Counter[tuple[int, str]] = Counter()
    for number in (2, 3, 4):
        result = collect(fake, lake, number, refresh_s=3 * DAY)
        run = published(lake)
        assert result.exit_code == 0
        assert len(fake.arrivals) < whole * 0.7
        asked = {place(row) for row in run["pipelines"] if row["coverage"] == "complete"}
        assert (shown in asked) or number > 2
        assert {row["coverage"] for row in run["actions"] if place(row) not in asked} <= {
            "carried",
            "not_promote_image",
        }
        oldest = min(row["fetched_at"] for row in run["promote_image_actions"])
        assert start_of_run(number).replace(tzinfo=None) - oldest <= timedelta(days=3)
        for row in run["action_changes"]:
            changes[row["action_id"], row["column_name"]] += 1
            assert (row["change"], place(row) in asked) == ("changed", True)
    assert changes[hidden["action_id"], "timeout"] == 1
    now = below(lake)
    for name in BELOW:
        assert [_undated(row) for row in now[name] if place(row) != shown] == [
            _undated(row) for row in first[name] if place(row) != shown
        ]


def _undated(row: Row) -> Row:
    """A row without what two readings may tell differently here."""
    return {column: value for column, value in row.items() if column not in {"fetched_at", "timeout"}}


def test_carried_rows_are_read_again_when_they_must_be(fake: FakeBuddy, tmp_path: Path) -> None:
    """An execution that has not ended makes its pipeline due, and other rules for values make all due."""
    lake = tmp_path / "lake"
    busy = next(place(row) for row in _promoting(fake, lake))
    fake.world = WORLD.run(*busy, status="INPROGRESS", finish_date=None).change(
        *busy, last_execution_status="INPROGRESS"
    )
    assert collect(fake, lake, 2, refresh_s=300 * DAY).exit_code == 0
    assert collect(fake, lake, 3, refresh_s=300 * DAY).exit_code == 0
    assert [place(row) for row in published(lake)["pipelines"] if row["coverage"] == "complete"] == [busy]
    assert collect(fake, lake, 4, refresh_s=300 * DAY, variable_values="keep").exit_code == 0
    assert {row["coverage"] for row in published(lake)["pipelines"]} == {"complete"}


def _promoting(fake: FakeBuddy, lake: Path) -> list[Row]:
    assert collect(fake, lake, 1, refresh_s=300 * DAY).exit_code == 0
    return list(published(lake)["promote_image_actions"])


@pytest.mark.faults  # ten runs
def test_an_estate_of_five_budgets(fake: FakeBuddy, tmp_path: Path) -> None:
    """With a fifth of what the estate needs each night, after five nights each pipeline was read once, after ten twice;
    no night asks more than it may, and each publishes and says what it lacks.
    """
    lake = tmp_path / "lake"
    fake.world = FakeWorld(workspaces=1, projects=3, pipelines=8, actions=4, awkward=False)
    lists = 2 + 3  # of which at most a night's share is asked
    limit = lists + math.ceil((fake.expected_minimum(None) - lists) / 5)
    read: Counter[tuple[str, str, int]] = Counter()
    for number in range(1, 11):
        result = collect(fake, lake, number, max_requests=limit, executions_s=None)
        assert len(fake.arrivals) <= limit
        run = published(lake)
        read.update(place(row) for row in run["pipelines"] if row["coverage"] == "complete")
        assert (run.status, result.exit_code) == ("partial", 1)
        (said,) = (fact for fact in result.facts if isinstance(fact, LimitReached))
        assert "--max-requests) was reached" in said.reached
        problems = [row for row in run["problems"] if row["workspace"] is None]
        assert [row["message"] for row in problems] == [said.reached]
        assert {row["kind"] for row in run["problems"]} == {"deadline"}
        assert {row["change"] for row in run["action_changes"]} <= {"added"}
        if number in (5, 10):
            assert len(read) == 3 * 8
            assert min(read.values()) >= number // 5
    assert len(runs_of(lake)) == 10


def test_a_limit_holds_through_retries_and_deaths(fake: FakeBuddy, tmp_path: Path) -> None:
    """Requests that are repeated, and those of a run that died and was resumed, count against --max-requests."""
    lake = tmp_path / "lake"
    fake.script.add(Fault("status", kind="action", code=503, times=None))
    result = collect(fake, lake, 1, max_requests=25, executions_s=None)
    assert result.exit_code == 1
    assert 10 < len(fake.arrivals) <= 25
    fake.script.clear()
    fake.forget_arrivals()
    with pytest.raises(SimulatedCrash):
        run_collect(fake, lake, 2, max_requests=25, executions_s=None, watcher=RecordingObserver(crash_after_crawl))
    crashed = len(fake.arrivals)
    assert run_collect(fake, lake, 2, max_requests=25, executions_s=None).exit_code == 1
    assert len(fake.arrivals) == crashed <= 25
    assert published(lake)["runs"][0]["resumed_count"] == 1

"""Executions over real sockets, run after run: what is requested, what the tables hold, and what survives."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.prune import prune
from collector.lake.verify import verify
from tests.faults.published import CRAWLED, Row, published, runs_of
from tests.faults.runs import Result, run_collect, start_of_run
from tests.sampling import some

WORLD = FakeWorld(workspaces=2, projects=2, pipelines=2, actions=3, awkward=False)
PIPELINE = ("acme", "checkout-api", 101)
# It has the most executions.
BUSY = ("globex-eu", "web-shop", 110)
DAY = 86_400.0


class Estate:
    """A fake Buddy and the lake into which its runs go."""

    def __init__(self, fake: FakeBuddy, lake: Path) -> None:
        self.fake = fake
        self.lake = lake

    def collect(self, number: int, **more: Any) -> Result:
        """Run the n-th collect, with an empty log of requests."""
        self.fake.forget_arrivals()
        return run_collect(self.fake, self.lake, number, **more)

    @property
    def asked(self) -> tuple[int, int]:
        """The requests of the last run: lists of executions, and single executions."""
        return len(self.fake.requests("executions")), len(self.fake.requests("execution"))

    def coverage(self) -> "Counter[str]":
        """Pipelines of the last run by executions_coverage."""
        return Counter(row["executions_coverage"] for row in published(self.lake)["pipelines"])

    def pipeline(self, pipeline: tuple[str, str, int] = PIPELINE) -> Row:
        """The row of a pipeline in the last run."""
        (found,) = (row for row in published(self.lake)["pipelines"] if _place(row) == pipeline)
        return found

    def statuses(self, execution_id: int, pipeline: tuple[str, str, int] = PIPELINE) -> list[tuple[str, str]]:
        """The status of an execution and of its element, in each run that read it."""
        found = []
        for run_id in runs_of(self.lake):
            run = published(self.lake, run_id)
            of_run = [
                [
                    row["status"]
                    for row in run[table]
                    if (*_place(row), row["execution_id"]) == (*pipeline, execution_id)
                ]
                for table in ("executions", "action_executions")
            ]
            if of_run[0]:
                found.append((of_run[0][0], of_run[1][0]))
        return found

    def executions(self) -> list[tuple[Any, ...]]:
        """The key of every row of `executions`, over all runs."""
        return [
            (*_place(row), row["execution_id"])
            for run_id in runs_of(self.lake)
            for row in published(self.lake, run_id)["executions"]
        ]


def _place(row: Row) -> tuple[str, str, int]:
    return row["workspace"], row["project"], row["pipeline_id"]


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    """A Buddy in which nothing runs unless the test says so."""
    with FakeBuddy(WORLD) as fake:
        yield Estate(fake, tmp_path / "lake")


def promoting() -> list[tuple[str, str, int]]:
    """The pipelines that hold a promotion and have run."""
    return [
        (str(workspace), str(project), int(pipeline_id))
        for top in WORLD.paths(())
        for place in WORLD.paths(top)
        for workspace, project, pipeline_id in WORLD.paths(place)
        if WORLD.action_counts((workspace, project, pipeline_id))[1]
        and WORLD.execution_page((workspace, project, pipeline_id), 0, 1)[1]
    ]


def began_since(pipeline: tuple[str, str, int], moment: datetime) -> set[int]:
    """The ids of the executions of a pipeline that began at or after a moment."""
    items, _ = WORLD.execution_page(pipeline, 0, 1000)
    return {item["id"] for item in items if datetime.fromisoformat(item["start_date"]) >= moment}


def test_only_what_is_new_is_asked_for(estate: Estate) -> None:
    """Where nothing ran, a run asks for one list per promoting pipeline and no execution; for N new ones, N times."""
    assert estate.collect(1).exit_code == 0
    assert len(estate.fake.arrivals) == estate.fake.expected_minimum()
    assert estate.collect(2).exit_code == 0
    assert estate.asked == (len(promoting()), 0)
    assert published(estate.lake)["executions"] == []
    world = WORLD.run(*PIPELINE).run(*PIPELINE).run(*BUSY)
    estate.fake.world = world
    assert estate.collect(3).exit_code == 0
    assert estate.asked == (len(promoting()), 3)
    assert len(published(estate.lake)["executions"]) == 3
    assert estate.coverage() == {"complete": len(promoting())}
    assert len(estate.executions()) == len(set(estate.executions()))


def test_forbidden_executions_cost_nothing_else(estate: Estate, tmp_path: Path) -> None:
    """Where executions are forbidden, one problem per list names the scope; the run is partial, the rest the same."""
    with FakeBuddy(WORLD, executions_forbidden=True) as fake:
        refused = Estate(fake, tmp_path / "refused")
        assert refused.collect(1).exit_code == 1
        assert refused.asked == (len(promoting()), 0)
        assert refused.coverage() == {"forbidden": len(promoting())}
        seen = published(refused.lake)
    assert estate.collect(1, executions_s=None).exit_code == 0
    without = published(estate.lake)
    for table in set(CRAWLED) - {"pipelines"}:
        assert [{**row, "run_id": ""} for row in seen[table]] == [{**row, "run_id": ""} for row in without[table]]
    assert sorted(_place(row) for row in seen["problems"]) == sorted(promoting())
    for problem in seen["problems"]:
        assert (problem["kind"], problem["http_status"]) == ("forbidden", 403)
        assert "the scope PIPELINE_READ (EXECUTION_INFO before August 2026)" in problem["message"]
        assert "this request needs one of the scopes" in problem["message"]


def test_switched_off_nothing_is_asked(estate: Estate) -> None:
    """With executions off no list is requested, and the run is complete."""
    assert estate.collect(1, executions_s=None).exit_code == 0
    assert estate.asked == (0, 0)
    assert estate.coverage() == {"not_asked": len(published(estate.lake)["pipelines"])}
    assert len(estate.fake.arrivals) == estate.fake.expected_minimum(None)


def test_a_longer_window_reads_the_rest_once(estate: Estate) -> None:
    """A later window that begins earlier reads what lies between, once; executions_from moves back with it."""
    estate.collect(1)
    first = len(estate.executions())
    estate.collect(2, executions_s=21 * DAY)
    since = start_of_run(2) - timedelta(days=21)
    expected = {(*pipeline, number) for pipeline in promoting() for number in began_since(pipeline, since)}
    assert estate.asked[1] == len(expected) - first > 0
    assert sorted(estate.executions()) == sorted(expected)
    assert estate.pipeline()["executions_from"] == since.replace(tzinfo=None)
    estate.collect(3, executions_s=21 * DAY)
    assert estate.asked == (len(promoting()), 0)
    assert estate.pipeline()["executions_from"] == since.replace(tzinfo=None)


def test_a_waiting_execution_is_read_until_it_has_ended(estate: Estate) -> None:
    """An execution that waits for days is read in every run until it has ended, and then no more."""
    waiting = estate.fake.world = WORLD.run(*PIPELINE, status="WAITING_FOR_APPLY", finish_date=None)
    (number,) = (item["id"] for item in waiting.execution_page(PIPELINE, 0, 1)[0])
    estate.collect(1)
    for run in (2, 3):
        estate.collect(run)
        assert estate.asked == (len(promoting()), 1)
    estate.fake.world = waiting.end(*PIPELINE, number)
    for run, gets in ((4, 1), (5, 0)):
        estate.collect(run)
        assert estate.asked == (len(promoting()), gets)
    assert [status for status, _ in estate.statuses(number)] == ["WAITING_FOR_APPLY"] * 3 + ["SUCCESSFUL"]


def test_a_retry_is_read_again(estate: Estate) -> None:
    """A failed execution that is retried under the same id is read again until it has ended."""
    failed = estate.fake.world = WORLD.run(*PIPELINE, status="FAILED")
    (number,) = (item["id"] for item in failed.execution_page(PIPELINE, 0, 1)[0])
    estate.collect(1)
    again = estate.fake.world = failed.retry(*PIPELINE, number)
    estate.collect(2)
    assert estate.asked[1] == 1
    estate.fake.world = again.end(*PIPELINE, number)
    estate.collect(3)
    estate.collect(4)
    assert estate.asked[1] == 0
    assert estate.statuses(number) == [
        ("FAILED", "FAILED"), ("INPROGRESS", "INPROGRESS"), ("SUCCESSFUL", "SUCCESSFUL"),
    ]  # fmt: skip


def test_a_pipeline_made_again_is_read_anew(estate: Estate) -> None:
    """A pipeline whose ids begin again is read like one never seen, and the others as before."""
    estate.collect(1)
    world = estate.fake.world = WORLD.recreate(*PIPELINE).run(*PIPELINE).run(*PIPELINE)
    items, total = world.execution_page(PIPELINE, 0, 50)
    assert total < WORLD.execution_page(PIPELINE, 0, 1)[1]
    estate.collect(2)
    assert estate.asked == (len(promoting()), len(items))
    assert {row["execution_id"] for row in published(estate.lake)["executions"]} == {item["id"] for item in items}
    estate.fake.world = world.run(*PIPELINE)
    estate.collect(3)
    assert estate.asked == (len(promoting()), 1)


def test_a_lake_from_before_executions(estate: Estate) -> None:
    """A lake whose manifest knows no state of executions is read back by the window, once."""
    estate.collect(1, executions_s=None)
    path = estate.lake / "manifest.json"
    manifest = msgspec.json.decode(path.read_bytes())
    for table in ("execution_state", "executions", "action_executions"):
        manifest["tables"].pop(table, None)
    path.write_bytes(msgspec.json.encode(manifest))
    assert estate.collect(2).exit_code == 0
    since = start_of_run(2) - timedelta(days=7)
    expected = {(*pipeline, number) for pipeline in promoting() for number in began_since(pipeline, since)}
    assert estate.asked[1] == len(expected)
    assert sorted(estate.executions()) == sorted(expected)
    assert published(estate.lake)["action_changes"] == []
    estate.collect(3)
    assert estate.asked == (len(promoting()), 0)


def test_the_state_survives_prune_and_compact(estate: Estate) -> None:
    """After the runs that read the executions are dropped and the files merged, nothing is read a second time."""
    estate.fake.world = WORLD.run(*PIPELINE, status="WAITING_FOR_APPLY", finish_date=None)
    for number in (1, 2, 10):
        estate.collect(number)
    now = start_of_run(11)
    lake = Lake.open(estate.lake)
    with lake.writing("compact", now):
        compact(lake, now=now, current_month=True)
    with lake.writing("prune", now):
        prune(lake, keep_days=5, now=now)
    assert len(runs_of(estate.lake)) == 1
    assert verify(Lake.open(estate.lake)) == []
    estate.collect(11)
    assert estate.asked == (len(promoting()), 1)
    assert estate.coverage() == {"complete": len(promoting())}
    assert estate.pipeline()["executions_from"] == datetime(2026, 11, 16, 2, 15)


@pytest.mark.parametrize(
    ("kind", "lists"), some([("projects", 4), ("pipelines", 6), ("actions", 8), ("executions", 8)], 1, 3)
)
def test_a_failed_listing_keeps_the_state(estate: Estate, kind: str, lists: int) -> None:
    """Where a list above was refused in one run, the next goes on from the run before it."""
    estate.collect(1)
    path = {"projects": "*/acme/projects", "pipelines": "*/acme/projects/checkout-api/pipelines"}.get(kind, "*/101/*")
    estate.fake.script.add(Fault("status", kind=kind, path=path, code=403, times=None))
    assert estate.collect(2).exit_code == 1
    assert estate.asked == (lists, 0)
    estate.fake.script.clear()
    estate.fake.world = WORLD.run(*PIPELINE)
    assert estate.collect(3).exit_code == 0
    assert estate.asked == (8, 1)
    assert estate.pipeline()["executions_from"] == datetime(2026, 11, 16, 2, 15)


@pytest.mark.parametrize("size", [20, 30])
def test_a_clamped_page_hides_nothing(tmp_path: Path, size: int) -> None:
    """Pages of 20 or 30 instead of 50 are read to the window's beginning, with the minimum of requests."""
    with FakeBuddy(WORLD, executions_page_size=size) as fake:
        estate = Estate(fake, tmp_path / "lake")
        assert estate.collect(1, executions_s=60 * DAY).exit_code == 0
        assert len(fake.arrivals) == fake.expected_minimum(timedelta(days=60))
    seen = [row["execution_id"] for row in published(estate.lake)["executions"] if _place(row) == BUSY]
    assert sorted(seen) == list(range(1, WORLD.execution_page(BUSY, 0, 1)[1] + 1))
    assert len(seen) > size


def test_executions_that_begin_while_the_list_is_read(tmp_path: Path) -> None:
    """What begins between two pages hides nothing and is read in the next run."""
    started = Fault(
        "mutate", kind="executions", path="*/110/*", page=1, when="after", mutate=lambda w: w.run(*BUSY).run(*BUSY)
    )
    with FakeBuddy(WORLD, executions_page_size=20, script=[started]) as fake:
        estate = Estate(fake, tmp_path / "lake")
        assert estate.collect(1, executions_s=60 * DAY).exit_code == 0
        known = WORLD.execution_page(BUSY, 0, 1)[1]
        assert [n for *place, n in sorted(estate.executions()) if tuple(place) == BUSY] == list(range(1, known + 1))
        assert estate.pipeline(BUSY)["executions_coverage"] == "complete"
        estate.collect(2, executions_s=60 * DAY)
        assert estate.asked[1] == 2
        assert [row["execution_id"] for row in published(estate.lake)["executions"]] == [known + 1, known + 2]


def test_equal_ids_of_two_pipelines_are_two_executions(estate: Estate) -> None:
    """Ids are counted per pipeline: both executions are read, and each row belongs to its pipeline."""
    other = ("acme", "checkout-api", 102)
    both = began_since(PIPELINE, start_of_run(1) - timedelta(days=7)) | began_since(other, start_of_run(1))
    world = WORLD
    while world.execution_page(other, 0, 1)[1] < max(both):
        world = world.run(*other)
    estate.fake.world = world
    estate.collect(1)
    found = [place for *place, number in estate.executions() if number == max(both)]
    assert tuple(PIPELINE) in map(tuple, found)
    assert tuple(other) in map(tuple, found)
    run = published(estate.lake)
    dates = {_place(row): row["start_date"] for row in run["executions"] if row["execution_id"] == max(both)}
    assert dates[PIPELINE] != dates[other]

"""Time: limits that are reached, clocks that jump, midnights and zones; a run is known by the moment it began."""

import asyncio
import itertools
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collector.fake_buddy import FakeBuddy, Fault
from collector.lake.run_directories import started_at
from tests.faults.company import company
from tests.faults.invariants import violations
from tests.faults.ledger import Ledger
from tests.faults.process import Program, run_directory
from tests.faults.published import Published, published, runs_of
from tests.faults.runs import run_collect, start_of_run
from tests.faults.test_removals import every_gap_is_explained
from tests.sampling import some


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """A small Buddy."""
    with FakeBuddy(company(later=0)) as serving:
        yield serving


@pytest.fixture(scope="module")
def first_run(fake: FakeBuddy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with one complete run."""
    lake = tmp_path_factory.mktemp("first") / "lake"
    assert run_collect(fake, lake).exit_code == 0
    return lake


@pytest.fixture(scope="module")
def truth(fake: FakeBuddy, first_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The second run, undisturbed."""
    lake = Path(shutil.copytree(first_run, tmp_path_factory.mktemp("second") / "lake"))
    assert run_collect(fake, lake, 2).exit_code == 0
    return published(lake)


@pytest.mark.parametrize("seconds", some([0.05, 0.12, 0.2], 1))
def test_the_time_limit_publishes_what_is_whole(
    seconds: float, fake: FakeBuddy, first_run: Path, truth: Published, tmp_path: Path, ledger: Ledger
) -> None:
    """When --max-duration is over, what was seen is published, the rest is `skipped` by key, and nothing is removed."""
    lake = Path(shutil.copytree(first_run, tmp_path / "lake"))
    fake.latency = 0.03
    try:
        result = run_collect(fake, lake, 2, max_duration_s=seconds, concurrency=4)
    finally:
        fake.latency = 0.0
    seen = published(lake)
    judgement = violations(truth, seen)
    ledger.note("--max-duration reached", result.exit_code, lost=len(judgement.lost), false=len(judgement.false))
    assert judgement.all == []
    assert result.exit_code == 1
    assert {row["kind"] for row in seen["problems"]} == {"deadline"}
    assert seen["action_changes"] == []
    assert seen["last_known_actions"] != []
    assert len(seen["last_known_actions"]) == len(truth["last_known_actions"])
    every_gap_is_explained(lake, seen)
    # The next night begins again and is whole.
    assert run_collect(fake, lake, 3).exit_code == 0
    assert published(lake)["action_changes"] == []


@pytest.mark.faults
def test_the_time_limit_does_not_wait_for_a_server_that_hangs(
    fake: FakeBuddy, first_run: Path, truth: Published, tmp_path: Path
) -> None:
    """What is under way at the limit is waited for a little and then left, with its problem."""
    lake = Path(shutil.copytree(first_run, tmp_path / "lake"))
    fake.script.add(Fault("delay", kind="action", seconds=0.3, times=None))
    try:
        result = run_collect(fake, lake, 2, max_duration_s=0.2, concurrency=2)
    finally:
        fake.script.clear()
    assert result.exit_code == 1
    assert violations(truth, published(lake)).all == []


def _ticking(*moments: datetime) -> Callable[[], datetime]:
    """A clock that shows these moments one after the other, and then the last."""
    shown = itertools.chain(moments, itertools.repeat(moments[-1]))
    return lambda: next(shown)


def test_a_clock_that_goes_backwards_harms_nothing(
    fake: FakeBuddy, first_run: Path, truth: Published, tmp_path: Path, ledger: Ledger
) -> None:
    """An hour back in the middle of a run, and a run dated before the last: the rows are right, without changes."""
    lake = Path(shutil.copytree(first_run, tmp_path / "lake"))
    began = start_of_run(2)
    back = [began - timedelta(seconds=90 * number) for number in range(40)]
    assert run_collect(fake, lake, 2, now=_ticking(*back)).exit_code == 0
    seen = published(lake)
    assert violations(truth, seen).all == []
    assert seen["action_changes"] == []
    assert seen["runs"][0]["finished_at"] >= seen["runs"][0]["started_at"]
    # Two days back: that run is the latest all the same. Its window of executions does not begin before the first one.
    assert run_collect(fake, lake, -1, executions_s=4 * 86_400.0).exit_code == 0
    latest = published(lake, runs_of(lake)[-1])
    assert _dates(latest) == {start_of_run(-1).date()}
    assert violations(truth, latest).all == []
    assert latest["action_changes"] == []
    assert run_collect(fake, lake, 3).exit_code == 0
    assert published(lake)["action_changes"] == []
    ledger.note("clock goes backwards", 0, 0, 0, runs=3)


def _dates(seen: Published) -> set[date]:
    return {row["run_date"] for name in ("runs", "projects", "promote_image_actions") for row in seen[name]}


def test_a_run_across_midnight_belongs_to_the_day_it_began(fake: FakeBuddy, tmp_path: Path, ledger: Ledger) -> None:
    """From 23:59:58 into the next day and month: run_date, run id and folder are those of the start."""
    lake = tmp_path / "lake"
    began = datetime(2026, 11, 30, 23, 59, 58, tzinfo=UTC)
    clock = _ticking(*(began + timedelta(seconds=number) for number in range(60)))
    assert run_collect(fake, lake, now=clock).exit_code == 0
    seen = published(lake)
    assert _dates(seen) == {date(2026, 11, 30)}
    assert seen.run_id.startswith("20261130T2359")
    assert {path.name for path in (lake / "tables").glob("*/*")} == {"run_month=2026-11"}
    assert seen["runs"][0]["finished_at"] > datetime(2026, 12, 1)
    ledger.note("a run across midnight", 0)


def test_a_run_gone_on_with_after_midnight_keeps_its_name_and_day(
    fake: FakeBuddy, tmp_path: Path, ledger: Ledger
) -> None:
    """Interrupted before midnight and resumed after it, a run keeps run_id and run_date; a day later it would not."""
    lake = tmp_path / "lake"
    began = datetime(2026, 12, 31, 23, 50, tzinfo=UTC)

    def soon(stop: asyncio.Event) -> None:
        asyncio.get_running_loop().call_later(0.1, stop.set)

    fake.latency = 0.03
    try:
        assert run_collect(fake, lake, now=lambda: began, stop=soon, concurrency=2).exit_code == 130
    finally:
        fake.latency = 0.0
    directory = run_directory(lake)
    assert directory is not None
    stale = Path(shutil.copytree(lake, tmp_path / "stale"))
    assert run_collect(fake, lake, now=lambda: began + timedelta(hours=23, minutes=59)).exit_code == 0
    seen = published(lake)
    assert seen.run_id == directory.name
    assert _dates(seen) == {date(2026, 12, 31)}
    assert seen["runs"][0]["resumed_count"] == 1
    assert run_collect(fake, stale, now=lambda: began + timedelta(hours=24, seconds=1)).exit_code == 0
    seen = published(stale)
    assert seen.run_id.startswith("20270101T2350")
    assert [row["kind"] for row in seen["problems"]] == ["abandoned_run"]
    ledger.note("interrupted before midnight, resumed after", 130, 0, runs=2)


@pytest.mark.faults
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/New_York"])
def test_the_zone_of_the_machine_is_nobodys_business(
    zone: str, fake: FakeBuddy, tmp_path: Path, ledger: Ledger
) -> None:
    """Whatever TZ says (and its summer time with it), every moment in the lake and the run id are UTC."""
    lake = tmp_path / "lake"
    before = datetime.now(UTC).replace(microsecond=0)
    done = Program(fake, lake, TZ=zone).run("collect")
    after = datetime.now(UTC)
    assert done.code == 0, done.err
    seen = published(lake)
    moments = [started_at(seen.run_id).replace(tzinfo=None)]
    for name, column in (("runs", "started_at"), ("runs", "finished_at"), ("promote_image_actions", "fetched_at")):
        moments += [row[column] for row in seen[name]]
    assert all(before <= moment.replace(tzinfo=UTC) <= after for moment in moments)
    assert _dates(seen) <= {before.date(), after.date()}
    ledger.note("machine in another time zone", done.code)

"""A clock that is wrong for one run: the order of runs stays the order of publishing, and no history is dropped for it."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import collector
from collector.cli.collect import collect_and_follow_up
from collector.cli.progress import ProgressObserver
from collector.fake_buddy import FakeBuddy
from collector.lake.lake import Lake
from collector.settings.declarations import AfterRun, Settings
from tests.faults.company import company
from tests.faults.nights import at, night, settings
from tests.faults.published import published

FOUR_YEARS = timedelta(days=1461)


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBuddy]:
    """A small Buddy."""
    with FakeBuddy(company(later=0)) as serving:
        yield serving


def collected(fake: FakeBuddy, lake: Path, *moments: datetime) -> list[str]:
    """Collect a run at each of these times; the ids of the lake's runs in the order of publishing."""
    ids = []
    for seed, moment in enumerate(moments):
        result = night(fake, lake, now=lambda moment=moment: moment, seed=seed)  # type: ignore[misc]
        assert result.summary is not None
        ids.append(result.summary.run_id)
    return ids


def test_the_run_published_last_is_the_latest_after_one_from_the_future(fake: FakeBuddy, tmp_path: Path) -> None:
    """After a run dated four years ahead, the next run is the latest, for questions and SQL alike, with its true date."""
    lake = tmp_path / "lake"
    ids = collected(fake, lake, at(1), at(2) + FOUR_YEARS, at(3), at(4))
    manifest = Lake.open(lake).manifest
    assert ids == sorted(ids) == [run.run_id for run in manifest.runs]
    assert [run.run_date for run in manifest.runs] == [
        at(1).date(), (at(2) + FOUR_YEARS).date(), at(3).date(), at(4).date()
    ]  # fmt: skip
    assert [run.started_at for run in manifest.runs][2:] == [at(3), at(4)]
    reader = collector.open_lake(lake)
    asked = reader.ask("what_changed")
    assert asked.run is not None
    assert (asked.run.run_id, asked.run.run_date) == (ids[-1], at(4).date())
    by_date = reader.ask("what_changed", run=at(3).date().isoformat())
    assert by_date.run is not None
    assert by_date.run.run_id == ids[2]
    assert reader.ask("nights", nights=1).table["run_id"].to_pylist() == [ids[-1]]
    assert reader.sql("select run_id from selected_run").table["run_id"].to_pylist() == [ids[-1]]
    assert {path.name for path in (lake / "tables" / "runs").iterdir()} == {"run_month=2026-11", "run_month=2030-11"}


def test_ids_follow_one_another_in_one_second_and_when_the_clock_is_set_back(fake: FakeBuddy, tmp_path: Path) -> None:
    """Runs of one second, and runs after the clock was set back, get later ids than the runs before them."""
    one = at(1)
    ids = collected(fake, tmp_path / "lake", one, one, one, one - timedelta(hours=3), one + timedelta(days=1))
    assert ids == sorted(set(ids))
    assert [run_id[:8] for run_id in ids] == ["20261123"] * 4 + ["20261124"]


def test_a_run_interrupted_under_a_fast_clock_is_abandoned(fake: FakeBuddy, tmp_path: Path) -> None:
    """An interrupted run whose start lies in the future isn't resumed: its age can't be known. A problem says so."""
    lake = tmp_path / "lake"

    def soon(stop: asyncio.Event) -> None:
        asyncio.get_running_loop().call_later(0.1, stop.set)

    fake.latency = 0.03
    try:
        ahead = at(1) + FOUR_YEARS
        assert night(fake, lake, now=lambda: ahead, stop=soon, concurrency=2).exit_code == 130
    finally:
        fake.latency = 0.0
    assert night(fake, lake, 2).exit_code == 0
    seen = published(lake)
    assert {row["run_date"] for row in seen["runs"]} == {at(2).date()}
    (problem,) = seen["problems"]
    assert problem["kind"] == "abandoned_run"
    assert "in the future" in problem["message"]


def run_with_keep(fake: FakeBuddy, lake: Path, now: Callable[[], datetime], keep_days: int) -> None:
    plain = settings(fake, lake)
    kept = Settings(plain.installations, lake, after_run=AfterRun(keep_days=keep_days, compact=True))
    assert collect_and_follow_up(kept, ProgressObserver(), now=now).exit_code == 0


@pytest.mark.usefixtures("no_catalog")
@pytest.mark.parametrize("skew_s", [-4 * 365 * 86_400.0, 3 * 86_400.0])
def test_old_runs_stay_when_buddy_says_that_the_clock_is_wrong(
    skew_s: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where Buddy's Date and this machine's clock are far apart, `--keep` drops nothing, and the log says why."""
    lake = tmp_path / "lake"
    with FakeBuddy(company(later=0), clock_skew=skew_s) as fake:
        collected(fake, lake, at(1), at(2), at(3))
        run_with_keep(fake, lake, lambda: at(8), keep_days=1)
    assert len(Lake.open(lake).manifest.runs) == 4
    said = "".join(capsys.readouterr())
    assert "the clock is wrong" in said
    assert "old runs are not dropped" in said


@pytest.mark.usefixtures("no_catalog")
def test_old_runs_stay_when_the_lake_shows_that_the_clock_is_wrong(
    fake: FakeBuddy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run dated years after all others doesn't make them old, whatever Buddy's clock says; the log names both runs."""
    lake = tmp_path / "lake"
    ids = collected(fake, lake, at(1), at(2), at(3))
    run_with_keep(fake, lake, lambda: at(4) + FOUR_YEARS, keep_days=400)
    manifest = Lake.open(lake).manifest
    assert len(manifest.runs) == 4
    said = "".join(capsys.readouterr())
    assert "nothing was dropped" in said
    assert ids[-1] in said
    assert manifest.runs[-1].run_id in said


@pytest.mark.usefixtures("no_catalog")
def test_old_runs_go_under_a_right_clock(fake: FakeBuddy, tmp_path: Path) -> None:
    """Where nothing speaks against the clock, `--keep` drops what is older."""
    lake = tmp_path / "lake"
    now = datetime.now(UTC)
    collected(fake, lake, *(now - timedelta(days=days) for days in (5, 4, 1)))
    run_with_keep(fake, lake, lambda: now, keep_days=2)
    dates: list[date] = [run.run_date for run in Lake.open(lake).manifest.runs]
    assert dates == [(now - timedelta(days=1)).date(), now.date()]

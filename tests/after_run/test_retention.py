"""Pruning and merging after a run."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.after_run.run_result import RunResult
from collector.after_run.steps import run_steps
from collector.cli.collect import collect_and_follow_up
from collector.cli.progress import ProgressObserver
from collector.errors import LakeBusy
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.lake.lake import Lake
from collector.lake.manifest import Manifest
from collector.lake.sizes import bytes_by_run, growth_per_run
from collector.lake.verify import verify
from collector.query.kept_views import FOLDER, KEPT, kept_views
from collector.query.reader import open_lake
from collector.query.views import view_sources
from collector.settings.declarations import AfterRun, Installation, Settings
from collector.settings.secret import Secret

pytestmark = pytest.mark.usefixtures("no_catalog")
WORLD = FakeWorld(workspaces=1, projects=1, pipelines=2, actions=3)


def collected(folder: Path, *days: datetime, after_run: AfterRun) -> Lake:
    """Collect a run at each of these times, and open the lake."""
    with FakeBuddy(WORLD) as buddy:
        installation = Installation("us", buddy.url, Secret(buddy.token), requests_per_second=0.0, reserve=0)
        settings = Settings((installation,), folder / "lake", after_run=after_run)
        for number, at in enumerate(days, start=1):
            buddy.world = WORLD.at(night=number)
            assert collect_and_follow_up(settings, ProgressObserver(), now=lambda at=at: at).status == "complete"  # type: ignore[misc]
    return Lake.open(folder / "lake")


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, 2, 15, tzinfo=UTC)


def test_old_runs_are_dropped_and_past_months_merged(tmp_path: Path) -> None:
    """After the first run of October, September has only the runs to keep, in one file for each table."""
    lake = collected(
        tmp_path, at(9, 28), at(9, 29), at(9, 30), at(10, 1), after_run=AfterRun(keep_days=2, compact=True)
    )
    assert [run.run_date.day for run in lake.manifest.runs] == [29, 30, 1]
    runs = lake.manifest.tables["runs"]
    assert [(entry.run_month, len(entry.runs)) for entry in runs] == [("2026-09", 2), ("2026-10", 1)]
    assert verify(lake) == []


def test_growth_is_shared_by_the_runs_of_a_merged_file(tmp_path: Path) -> None:
    """Each run has its share of the bytes, merged or not; the sum is that of the lake without the snapshots."""
    lake = collected(tmp_path, at(9, 29), at(9, 30), at(10, 1), after_run=AfterRun(compact=True))
    tables = lake.manifest.tables
    shares = bytes_by_run(lake.manifest)
    assert set(shares) == {run.run_id for run in lake.manifest.runs}
    snapshots = ("last_known_actions", "action_state", "execution_state", "pipeline_state")
    assert round(sum(shares.values())) == sum(e.bytes for t, es in tables.items() if t not in snapshots for e in es)
    assert growth_per_run(lake.manifest) == pytest.approx(sum(shares.values()) / 3)
    assert growth_per_run(Manifest()) is None


def test_the_views_that_take_longest_are_kept_with_the_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are of the manifest that retention leaves; what keeps them from being written is a warning."""
    monkeypatch.setattr("collector.query.kept_views.LEAST_EXECUTIONS", 1)
    lake = collected(tmp_path, at(9, 29), at(10, 1), after_run=AfterRun(keep_days=1))
    assert len(lake.manifest.runs) == 1
    assert kept_views(lake, view_sources()).keys() == set(KEPT)
    shutil.rmtree(lake.path / FOLDER)
    (lake.path / FOLDER).write_text("in the way")
    lake = collected(tmp_path, at(10, 2), after_run=AfterRun())
    assert len(lake.manifest.runs) == 2
    said = capsys.readouterr()
    assert "kept views" in said.out + said.err


def test_a_lake_that_is_locked_when_the_views_are_to_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run ends without a warning and keeps no views; kept ones of an earlier run stay and are not read.

    The command that holds the lake keeps them at its end; where it does not, the next run does.
    """

    def while_another_command_holds_the_lake(settings: Settings, result: RunResult) -> None:
        with Lake.open(settings.lake).locked("prune", result.ended_at):
            run_steps(settings, result)

    monkeypatch.setattr("collector.query.kept_views.LEAST_EXECUTIONS", 1)
    after_run = AfterRun(summary_file=tmp_path / "s.json")

    def collected_while_locked(day: datetime) -> Lake:
        with monkeypatch.context() as patch:
            patch.setattr("collector.after_run.steps.run_steps", while_another_command_holds_the_lake)
            lake = collected(tmp_path, day, after_run=after_run)
        assert lake.manifest.latest is not None
        assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))["run_id"] == lake.manifest.latest.run_id
        assert kept_views(lake, view_sources()) == {}
        assert open_lake(lake.path).ask("in_production").table.num_rows
        return lake

    lake = collected_while_locked(at(9, 28))
    assert not (lake.path / FOLDER).exists()
    lake = collected(tmp_path, at(9, 29), after_run=after_run)
    assert kept_views(lake, view_sources()).keys() == set(KEPT)
    of_second_run = sorted((lake.path / FOLDER).iterdir())
    lake = collected_while_locked(at(9, 30))
    assert sorted((lake.path / FOLDER).iterdir()) == of_second_run
    said = capsys.readouterr()
    assert "not done after the run" not in said.out + said.err


def test_a_lake_that_is_locked_after_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When another command locks the lake after the run, the next run tidies it."""

    def busy(*_: object, **__: object) -> None:
        raise LakeBusy("another process holds the lake", "Wait.")

    monkeypatch.setattr("collector.after_run.steps._tidy", busy)
    lake = collected(tmp_path, at(9, 29), at(10, 1), after_run=AfterRun(keep_days=1))
    assert len(lake.manifest.runs) == 2
    said = capsys.readouterr()
    assert "another process holds the lake" in said.out + said.err

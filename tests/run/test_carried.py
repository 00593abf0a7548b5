"""Carried rows in all that reads a lake: every reader counts the same, and tidying a lake loses none of them."""

import json
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collector import open_lake
from collector.after_run.message import as_text, morning_message
from collector.after_run.metrics import metrics_text
from collector.after_run.run_result import RunResult
from collector.cli.collect import collect_and_follow_up
from collector.cli.main import run
from collector.cli.progress import ProgressObserver
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.lake.compact import compact
from collector.lake.lake import Lake
from collector.lake.prune import prune
from collector.lake.verify import verify
from collector.preflight.plan import make_plans
from collector.query.carried import CARRIED_TABLES
from collector.run.summary import RunSummary
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret
from tests.faults.published import published
from tests.lakes.make import HERE as OLD_LAKES
from tests.lakes.make import NIGHTS
from tests.lakes.make import collect as collect_old

WORLD = FakeWorld(seed=5, workspaces=1, projects=2, pipelines=6, actions=4)
FIRST = datetime(2026, 11, 21, 2, 15, tzinfo=UTC)
DAY = timedelta(days=1)
pytestmark = pytest.mark.usefixtures("no_catalog")


def settings_for(buddy: FakeBuddy, lake: Path) -> Settings:
    """Settings under which a pipeline is asked once in three days."""
    installation = Installation("us", buddy.url, Secret(buddy.token), requests_per_second=0.0, reserve=0)
    return Settings((installation,), lake, refresh_s=3 * DAY.total_seconds(), executions_s=None)


def collect(buddy: FakeBuddy, lake: Path, day: int) -> RunSummary:
    """Collect on the n-th day."""
    at = FIRST + day * DAY
    settings = settings_for(buddy, lake)
    return collect_and_follow_up(settings, ProgressObserver(), now=lambda: at, rng=random.Random(day))


@pytest.fixture(scope="module")
def buddy() -> Iterator[FakeBuddy]:
    with FakeBuddy(WORLD) as running:
        yield running


@pytest.fixture(scope="module")
def runs(buddy: FakeBuddy, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[RunSummary]]:
    """Three daily runs with a refresh of three days."""
    lake = tmp_path_factory.mktemp("carried") / "lake"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("collector.query.catalog.build", lambda lake: None)  # as in no_catalog
        return lake, [collect(buddy, lake, day) for day in range(3)]


def rows(lake: Path, sql: str) -> list[dict[str, Any]]:
    """The rows of a query."""
    found: list[dict[str, Any]] = open_lake(lake).sql(sql).table.to_pylist()
    return found


def test_every_reader_counts_the_same(runs: tuple[Path, list[RunSummary]], capsys: pytest.CaptureFixture[str]) -> None:
    """Summary, message, metrics, status, totals and answers tell how many promotions were carried, and since when."""
    lake, summaries = runs
    first, *later = summaries
    assert (first.carried, first.oldest_read_at, first.status) == (0, None, "complete")
    (totals, *_) = rows(lake, "select carried, oldest_read_at, promotions from night_totals order by run_id desc")
    last = later[-1]
    assert last.status == "complete"
    assert 0 < last.carried == totals["carried"] < totals["promotions"] == WORLD.count()["promote_image_actions"]
    assert last.oldest_read_at is not None
    oldest = last.oldest_read_at.replace(tzinfo=None)
    assert totals["oldest_read_at"] == oldest
    assert last.coverage["actions"]["carried"] == last.carried == last.installations[0].carried
    assert last.installations[0].promote_image_actions == totals["promotions"]
    answer = open_lake(lake).ask("promotions")
    assert answer.carried is not None
    assert (answer.carried.promotions, answer.carried.oldest_read_at) == (last.carried, last.oldest_read_at)
    fresh = open_lake(lake).ask("promotions", fresh=True)
    assert len(fresh) == len(answer) - last.carried > 0
    capsys.readouterr()
    assert run(["status", "--lake", str(lake), "--format", "json"]) == 0
    (status, *_) = json.loads(capsys.readouterr().out)
    assert (status["carried"], status["oldest_read_at"]) == (last.carried, f"{oldest:%Y-%m-%dT%H:%M:%S}Z")
    assert run(["status", "--lake", str(lake)]) == 0
    assert f"  carried: {last.carried} promotions, the oldest read " in capsys.readouterr().out
    assert run(["ask", "promotions", "--fresh", "--lake", str(lake)]) == 0
    assert f"{last.carried} promotions carried (left out), oldest read " in capsys.readouterr().err.splitlines()[-1]
    result = RunResult(0, last.started_at, last.finished_at, last)
    assert f"({last.carried} carried, the oldest read " in as_text(morning_message(result, []))
    assert f'collector_carried{{installation="us"}} {last.carried}.0' in metrics_text(result)


def test_tidying_keeps_what_is_carried(buddy: FakeBuddy, runs: tuple[Path, list[RunSummary]], tmp_path: Path) -> None:
    """After old runs were dropped and files merged, the next run carries the same rows, and asks as planned."""
    lakes = [Path(shutil.copytree(runs[0], tmp_path / name)) for name in ("as it was", "tidied")]
    now = FIRST + 2.5 * DAY
    tidied = Lake.open(lakes[1])
    with tidied.writing("tidy", now):
        compact(tidied, now=now, current_month=True)
        assert len(prune(tidied, keep_days=0, now=now).runs) == 2
    for lake in lakes:
        (plan,) = make_plans(settings_for(buddy, lake), FIRST + 3 * DAY)
        buddy.forget_arrivals()
        summary = collect(buddy, lake, 3)
        assert (summary.status, summary.carried > 0) == ("complete", True)
        assert 0 < plan.due == plan.asked["actions"] < plan.pipelines
        assert plan.requests == len(buddy.arrivals) < (plan.full_requests or 0)
        assert verify(Lake.open(lake)) == []
    tables = [published(lake).tables for lake in lakes]
    for name in CARRIED_TABLES:
        assert tables[0][name] == tables[1][name]


def test_a_lake_of_an_earlier_version_is_read_once(tmp_path: Path) -> None:
    """Its first run with a refresh reads everything; the next one carries, and nothing counts as changed by that."""
    lake = tmp_path / "lake"
    shutil.copytree(OLD_LAKES / "format-1", lake)
    refresh_s = 7 * DAY.total_seconds()
    for number in (NIGHTS + 1, NIGHTS + 2):
        assert collect_old(lake, number, refresh_s=refresh_s) == "complete"
    first, second = rows(lake, "select carried, promotions from night_totals order by run_id desc limit 2")[::-1]
    assert (first["carried"], second["carried"] > 0) == (0, True)
    carried = "select action_id from actions where coverage = 'carried' and run_id = (select max(run_id) from runs)"
    assert (
        rows(
            lake,
            f"select * from action_changes where run_id = (select max(run_id) from runs) and action_id in ({carried})",
        )
        == []
    )

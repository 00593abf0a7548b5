"""A run with `table_format = "delta"` writes the logs, and every later run keeps them."""

import json
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector.cli.collect import collect_and_follow_up
from collector.cli.progress import ProgressObserver
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.lake.delta import VERSIONS
from collector.lake.lake import Lake
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret

FIRST = datetime(2026, 11, 21, 2, 15, tzinfo=UTC)
WORLD = FakeWorld(workspaces=1, projects=1, pipelines=2, actions=3)


def collect(lake: Path, night: int, table_format: str) -> str:
    """Collect one run and return its id."""
    with FakeBuddy(WORLD.at(night=night)) as buddy:
        us = Installation("us", buddy.url, Secret(buddy.token), requests_per_second=0, reserve=0)
        settings = Settings((us,), lake, table_format=table_format)  # type: ignore[arg-type]
        at = FIRST + timedelta(days=night)
        return collect_and_follow_up(settings, ProgressObserver(), now=lambda: at, rng=random.Random(night)).run_id


def test_the_logs_follow_each_run_and_a_crash(tmp_path: Path, no_catalog: None) -> None:
    """What a crash between the manifest and the logs left undone is the first thing that the next run does."""
    lake, kept = tmp_path / "lake", tmp_path / "kept"
    runs = [collect(lake, 1, "delta")]
    shutil.copytree(lake / "tables", kept)
    runs.append(collect(lake, 2, "none"))
    for log in (path.relative_to(kept) for path in kept.glob("*/_delta_log")):
        shutil.rmtree(lake / "tables" / log)
        shutil.copytree(kept / log, lake / "tables" / log)
    shutil.copyfile(kept / "versions.json", lake / VERSIONS)
    runs.append(collect(lake, 3, "none"))
    commits = sorted((lake / "tables/runs/_delta_log").glob("*.json"))
    infos = [json.loads(path.read_text().splitlines()[0])["commitInfo"] for path in commits]
    assert [info["run_id"] for info in infos] == runs
    versions = json.loads((lake / VERSIONS).read_text())
    assert [run["tables"]["runs"] for run in versions["runs"]] == [0, 1, 2]
    assert versions["manifest_sequence"] == Lake.open(lake).manifest.sequence == 3


def test_without_the_setting_there_are_no_logs(tmp_path: Path, no_catalog: None) -> None:
    """Nobody gets files that were not asked for."""
    collect(tmp_path, 1, "none")
    assert not list(tmp_path.rglob("_delta_log"))
    assert not (tmp_path / VERSIONS).exists()

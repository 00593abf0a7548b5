"""The log during a run: a heartbeat with correct numbers, and lines that carry the id of their run."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.cli import logging as logs
from collector.cli import progress
from collector.cli.collect import collect_and_follow_up
from collector.crawl.rate_limiter import RateLimiterState
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.run import progress as events
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret
from tests.run.progress import progress_of

UNTIL = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


class Waiting:
    """A run that waits for the next window."""

    def snapshot(self) -> events.RunSnapshot:
        pace = RateLimiterState(0, 0, UNTIL, UNTIL, "budget of this window is spent", 0.0, False)
        progress = progress_of(pace, {"projects": 3}, {"projects": 1}, 17, {("pipelines", "carried"): 4})
        return events.RunSnapshot("20261123T021500Z-7f3a9c", "crawl", (progress,))


def test_the_heartbeat_says_why_and_until_when_a_run_waits(capsys: pytest.CaptureFixture[str]) -> None:
    """A line per installation: run, stage, found, done, carried, requests, budget, why and until when it waits."""
    logs.set_up("json", "info")
    watcher = progress.ProgressObserver()
    watcher.heartbeat()
    watcher.watch(Waiting().snapshot)
    watcher.heartbeat()
    (line,) = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    del line["timestamp"]
    assert line == {
        "level": "info",
        "event": "progress",
        "run_id": "20261123T021500Z-7f3a9c",
        "stage": "crawl",
        "installation": "us",
        "done": 1,
        "found": 3,
        "carried": 4,
        "requests": 17,
        "waiting_for": "budget of this window is spent",
        "until": "2026-11-23T03:00:00Z",
        "budget_left": 0,
        "resets_at": "2026-11-23T03:00:00Z",
    }


def test_it_comes_every_minute() -> None:
    """Under cron a run is never silent for longer than a minute."""
    assert progress._HEARTBEAT_S == 60.0


def test_progress_is_what_the_server_saw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """While the rate limit makes a run wait, beats name the wait and its end; done never exceeds found, nor requests
    what the server counted; counts only grow; every line carries the run.
    """
    monkeypatch.setattr(progress, "_HEARTBEAT_S", 0.05)
    logs.set_up("json", "info")
    world = FakeWorld(workspaces=1, projects=2, pipelines=3, actions=4, awkward=False)
    with FakeBuddy(world, limit=15, window=1) as buddy:
        settings = Settings(
            (Installation("us", buddy.url, Secret(buddy.token), requests_per_second=0.0, reserve=2),), tmp_path / "lake"
        )
        with progress.observing(live=False) as watcher:
            summary = collect_and_follow_up(settings, watcher)
        assert summary.requests == len(buddy.arrivals)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    beats = [line for line in lines if line["event"] == "progress"]
    assert {line["run_id"] for line in lines} == {summary.run_id}
    waits = [beat for beat in beats if beat["waiting_for"]]
    assert waits
    assert all(beat["until"] for beat in waits if "spent" in beat["waiting_for"])
    assert all(beat["done"] <= beat["found"] for beat in beats)
    assert beats[-1]["done"] == beats[-1]["found"]
    for name in ("done", "found", "requests"):
        counts = [beat[name] for beat in beats]
        assert counts == sorted(counts)
        assert counts[-1] <= summary.requests
    assert summary.paused_seconds > 0

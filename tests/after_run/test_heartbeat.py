"""What is said during a night: a heartbeat that tells the truth, and lines that carry their run."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.cli import logging as logs
from collector.cli import progress
from collector.cli.nightly import nightly
from collector.crawl.rate_limiter import RateLimiterState
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.preflight.forecast_observer import ForecastObserver
from collector.run import progress as events
from collector.settings.loading import Installation, Secret, Settings

UNTIL = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


class Waiting:
    """A run that waits for the next window."""

    def snapshot(self) -> events.RunSnapshot:
        pace = RateLimiterState(0, 0, UNTIL, UNTIL, "budget of this window is spent", 0.0, False)
        return events.RunSnapshot(
            "20261123T021500Z-7f3a9c",
            "crawl",
            (events.InstallationProgress("us", {"projects": 3}, {"projects": 1}, 2, 17, pace),),
        )


def test_the_heartbeat_says_what_is_waited_for_and_until_when(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each installation: run, stage, found, done, requests, budget, why it waits and until when."""
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
        "requests": 17,
        "waiting_for": "budget of this window is spent",
        "until": "2026-11-23T03:00:00Z",
        "budget_left": 0,
        "resets_at": "2026-11-23T03:00:00Z",
    }


def test_it_beats_each_minute() -> None:
    """Under cron a night is never silent for longer than a minute."""
    assert progress._HEARTBEAT_S == 60.0


def test_progress_is_what_the_server_saw(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With a limit that makes the night wait: beats tell of waiting with an end that comes, never more done than found,
    never more requests than the server counted; the counts only grow; every line carries the run.
    """
    monkeypatch.setattr(progress, "_HEARTBEAT_S", 0.05)
    logs.set_up("json", "info")
    world = FakeWorld(workspaces=1, projects=2, pipelines=3, actions=4, awkward=False)
    with FakeBuddy(world, limit=15, window=1) as buddy:
        settings = Settings(
            (Installation("us", buddy.url, Secret(buddy.token), requests_per_second=0.0, reserve=2),), tmp_path / "lake"
        )
        with progress.observing(live=False) as watcher:
            summary = nightly(settings, watcher)
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


def test_a_wait_is_told_once_with_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    """When the budget is spent, one line says why nothing is asked and until when; shorter waits are no news."""
    now = datetime.now(UTC)
    long, short = now + timedelta(minutes=7), now + timedelta(seconds=2)
    logs.set_up("json", "info")

    async def night() -> None:
        installation = Installation("us", "https://api.buddy.works", Secret("token-123456"))
        settings = Settings((installation,), Path("lake"))
        announcing = ForecastObserver(progress.ProgressObserver(), settings, {}, lambda: now, look_s=0.001)
        pausing = Pausing([short, None, long, long + timedelta(seconds=1), None])
        announcing.watch(pausing.snapshot)
        announcing.event(events.RunBegan("20261123T021500Z-7f3a9c", now, 0, 0))
        async with asyncio.timeout(20):
            await pausing.over.wait()

    asyncio.run(night())
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [line for line in lines if line["event"] == "waiting"]
    assert [(line["installation"], line["why"], line["until"]) for line in told] == [
        ("us", "budget of this window is spent", long.strftime("%Y-%m-%dT%H:%M:%SZ"))
    ]


class Pausing:
    """A run whose pace is paused until one moment after the other, and that then closes."""

    def __init__(self, until: list[datetime | None]) -> None:
        self._until = until
        self.over = asyncio.Event()

    def snapshot(self) -> events.RunSnapshot:
        stage = "crawl" if self._until else "closing"
        until = self._until.pop(0) if self._until else None
        if not self._until:
            self.over.set()
        why = "budget of this window is spent" if until else ""
        pace = RateLimiterState(0, 0, until, until, why, 0.0, False)
        return events.RunSnapshot(
            "20261123T021500Z-7f3a9c", stage, (events.InstallationProgress("us", {}, {}, 0, 0, pace),)
        )

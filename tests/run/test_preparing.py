"""What a run prepares beside its crawl: the catalog of a new lake."""

import random
import time
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from collector.cli.collect import collect_with_signals
from collector.cli.progress import ProgressObserver
from collector.errors import RefusedByBuddy
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.lake.lake import Lake
from collector.run.progress import CrawlEnded
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret

WORLD = FakeWorld(workspaces=1, projects=1, pipelines=2, actions=3)


def collect(lake: Path, buddy: FakeBuddy, observer: ProgressObserver, token: str) -> None:
    """Collect once."""
    us = Installation("us", buddy.url, Secret(token), requests_per_second=0, reserve=0)
    collect_with_signals(Settings((us,), lake), observer, lambda: datetime.now(UTC), random.Random(1))


def test_the_catalog_is_prepared_while_the_crawl_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the network is slow, what takes as long as the checks of a small run is done when the crawl ends."""
    prepared, found = Event(), []

    class Observer(ProgressObserver):
        def event(self, fact: object) -> None:
            if isinstance(fact, CrawlEnded):
                found.append(prepared.is_set())

    monkeypatch.setattr("collector.query.catalog.prepare", lambda lake: prepared.set())
    with FakeBuddy(WORLD.dated(datetime.now(UTC)), latency=0.05) as buddy:
        collect(tmp_path, buddy, Observer(), buddy.token)
    assert found == [True]


def test_a_run_that_fails_waits_for_what_it_prepares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread outlives a run, and the failure of the crawl is the one that is told."""
    finished = Event()

    def slow(lake: Lake) -> None:
        time.sleep(0.5)
        finished.set()

    monkeypatch.setattr("collector.query.catalog.prepare", slow)
    with FakeBuddy(WORLD.dated(datetime.now(UTC))) as buddy, pytest.raises(RefusedByBuddy):
        collect(tmp_path, buddy, ProgressObserver(), "bdy_wrong")
    assert finished.is_set()

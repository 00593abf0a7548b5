"""What all catalogs have in common is made beside the crawl."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.cli.collect import collect_and_follow_up
from collector.cli.progress import ProgressObserver
from collector.errors import RefusedByBuddy
from collector.fake_buddy import FakeBuddy, FakeWorld, Fault
from collector.run.progress import CrawlEnded
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret

WORLD = FakeWorld(workspaces=1, projects=1, pipelines=2, actions=3)


class Order(ProgressObserver):
    """Keeps the order in which the catalog was prepared and built and the crawl ended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.seen: list[str] = []
        for name in ("prepare", "build"):
            monkeypatch.setattr(f"collector.query.catalog.{name}", lambda lake, name=name: self.seen.append(name))

    def event(self, event: object) -> None:
        """Keep the end of the crawl."""
        super().event(event)
        if isinstance(event, CrawlEnded):
            self.seen.append("crawled")


def collect(buddy: FakeBuddy, lake: Path, observer: Order) -> None:
    """Collect one run."""
    us = Installation("us", buddy.url, Secret(buddy.token), requests_per_second=0, reserve=0)
    at = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
    collect_and_follow_up(Settings((us,), lake), observer, now=lambda: at, rng=random.Random(1))


def test_it_is_prepared_while_the_crawl_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins with the first reply, so that the end of the run finds it."""
    order = Order(monkeypatch)
    with FakeBuddy(WORLD) as buddy:
        collect(buddy, tmp_path / "lake", order)
    assert order.seen == ["prepare", "crawled", "build"]


def test_a_refused_run_prepares_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose token is refused says so at once, and not when a catalog is made that nobody needs."""
    order = Order(monkeypatch)
    with FakeBuddy(WORLD) as buddy:
        buddy.script.add(Fault("status", code=401, times=None))
        with pytest.raises(RefusedByBuddy):
            collect(buddy, tmp_path / "lake", order)
    assert order.seen == []

"""One run against a fake Buddy in this process: real sockets, a real lake, a fixed clock and fixed random numbers.

Two runs with the same clock have the same run id and the same rows, so a run under faults can be compared with an
undisturbed one cell by cell.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from collector.crawl.backoff import Limits
from collector.errors import CollectorError
from collector.fake_buddy import FakeBuddy
from collector.run.collect import collect
from collector.run.context import RunContext
from collector.run.progress import CrawlEnded, RunSnapshot
from collector.run.summary import RunSummary
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret

FIRST_START = datetime(2026, 11, 23, 2, 15, tzinfo=UTC)
# Short timeouts, so that a server that never answers costs a second instead of two minutes.
SHORT_TIMEOUTS = Limits(
    attempts=3,
    retry_total_s=6.0,
    retry_initial_s=0.002,
    retry_longest_s=0.01,
    connect_s=2.0,
    read_s=0.4,
    total_s=0.8,
    body_bytes=1 << 20,
    stuck_after_s=20.0,
    round_pauses_s=(0.01,),
)
# Long timeouts for tests without hanging replies, because a busy machine is slow.
LONG_TIMEOUTS = msgspec.structs.replace(SHORT_TIMEOUTS, connect_s=20.0, read_s=20.0, total_s=30.0)
# For a server that refuses every request.
SOON_STUCK = msgspec.structs.replace(SHORT_TIMEOUTS, stuck_after_s=0.5)
CONCURRENCY = 8


def start_of_run(number: int) -> datetime:
    """Return the start of the n-th run, counted from 1."""
    return FIRST_START + timedelta(days=number - 1)


class RecordingObserver:
    """An observer that records all facts and calls `act` with each of them."""

    def __init__(self, act: Callable[[object], None] = lambda fact: None) -> None:
        self.facts: list[object] = []
        self.snapshot: Callable[[], RunSnapshot] | None = None
        self._act = act

    def event(self, fact: object) -> None:
        self.facts.append(fact)
        self._act(fact)

    def watch(self, snapshot: Callable[[], RunSnapshot]) -> None:
        self.snapshot = snapshot


class SimulatedCrash(Exception):
    """Ends a run like a crash."""


def crash_after_crawl(fact: object) -> None:
    """Crash when the crawl has ended and nothing is published."""
    if isinstance(fact, CrawlEnded):
        raise SimulatedCrash


@dataclass
class Result:
    """The result of a run: the summary, or the error that ended it."""

    summary: RunSummary | None = None
    error: CollectorError | None = None
    facts: list[object] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """Return the exit code that the process would have."""
        if self.summary is not None:
            return self.summary.exit_code
        assert self.error is not None
        return self.error.exit_code


def settings(fake: FakeBuddy, lake: Path, **more: Any) -> Settings:
    """Return settings with one installation `us` at the fake; `more` can have fields of both."""
    own = {name: more.pop(name) for name in tuple(more) if name in Installation.__dataclass_fields__}
    given: dict[str, Any] = {
        "name": "us", "requests_per_second": 0, "reserve": 0, "allow_http": True, "concurrency": CONCURRENCY, **own,
    }  # fmt: skip
    return Settings((Installation(api_url=fake.url, token=Secret(fake.token), **given),), lake, **more)


def run_collect(
    fake: FakeBuddy,
    lake: Path,
    number: int = 1,
    *,
    limits: Limits = LONG_TIMEOUTS,
    now: Callable[[], datetime] | None = None,
    watcher: RecordingObserver | None = None,
    stop: Callable[[asyncio.Event], None] = lambda event: None,
    seed: int | None = None,
    **more: Any,
) -> Result:
    """Run the n-th collect and return its result; only a CollectorError is caught.

    `stop` receives the event that ends the crawl early; another `seed` gives another run id for the same time.
    """
    watcher = watcher or RecordingObserver()
    begins = start_of_run(number)

    async def collected() -> RunSummary:
        event = asyncio.Event()
        stop(event)
        context = RunContext(
            now or (lambda: begins), random.Random(number if seed is None else seed), watcher, event, limits
        )
        return await collect(settings(fake, lake, **more), context)

    try:
        # The catalog would take two fifths of the time of so small a run; tests that run a process cover it.
        with patch("collector.run.finalize.catalog.build"):
            return Result(summary=asyncio.run(collected()), facts=watcher.facts)
    except CollectorError as error:
        return Result(error=error, facts=watcher.facts)

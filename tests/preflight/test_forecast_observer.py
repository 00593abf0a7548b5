"""The observer that adds forecasts and waits to the events of a run."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.crawl.rate_limiter import RateLimiterState
from collector.fake_buddy import FakeBuddy, FakeWorld
from collector.preflight.forecast import ForecastObserver, ForecastReady, RunCost, Waiting
from collector.run import progress as events
from collector.settings.declarations import Installation, Settings
from collector.settings.secret import Secret
from tests.cli.conftest import Program, program
from tests.run.progress import progress_of
from tests.worlds import early_in_a_window

__all__ = ["program"]

RUN_ID = "20261123T021500Z-7f3a9c"
SETTINGS = Settings((Installation("us", "https://api.buddy.works", Secret("token-123456")),), Path("lake"))
WHY = "budget of this window is spent"


class Recorder:
    """An observer that keeps every event."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def watch(self, snapshot: Callable[[], events.RunSnapshot]) -> None:
        pass

    def event(self, fact: object) -> None:
        self.events.append(fact)


class PausingRun:
    """A run that is paused until one moment after the other, and then closes."""

    def __init__(self, until: list[datetime | None]) -> None:
        self._until = until
        self.over = asyncio.Event()

    def snapshot(self) -> events.RunSnapshot:
        stage = "crawl" if self._until else "closing"
        until = self._until.pop(0) if self._until else None
        if not self._until:
            self.over.set()
        state = RateLimiterState(0, 0, until, until, WHY if until else "", 0.0, False)
        return events.RunSnapshot(RUN_ID, stage, (progress_of(state),))


@pytest.fixture(autouse=True)
def _polls_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.preflight.forecast._POLL_S", 0.001)


def observed(until: list[datetime | None], *, costs: dict[str, RunCost], resumed_count: int = 0) -> list[object]:
    """Return the events that the observer adds while a run is paused until each of the moments."""
    recorder = Recorder()

    async def run() -> None:
        now = datetime.now(UTC)
        observer = ForecastObserver(recorder, SETTINGS, costs, lambda: now)
        pausing = PausingRun(until)
        observer.watch(pausing.snapshot)
        observer.event(events.RunBegan(RUN_ID, now, resumed_count, 0))
        async with asyncio.timeout(20):
            await pausing.over.wait()

    asyncio.run(run())
    began, *added = recorder.events
    assert isinstance(began, events.RunBegan)
    return added


def test_a_wait_is_reported_once_with_its_end() -> None:
    """When the budget is spent, one event says why no request is sent and until when; short waits are not reported."""
    now = datetime.now(UTC)
    long, short = now + timedelta(minutes=7), now + timedelta(seconds=2)
    found = observed([short, None, long, long + timedelta(seconds=1), None], costs={})
    assert found == [Waiting("us", WHY, long)]


@pytest.mark.parametrize(("resumed_count", "forecasts"), [(0, 1), (1, 0)])
def test_a_resumed_run_has_no_forecast(resumed_count: int, forecasts: int) -> None:
    """One forecast is made for each installation with a known cost; none when a part of the cost was spent before."""
    found = observed([None, None, None], costs={"us": RunCost(10, 1.0)}, resumed_count=resumed_count)
    assert [type(event) for event in found] == [ForecastReady] * forecasts


@pytest.mark.usefixtures("no_catalog")
def test_the_forecast_is_in_the_log(program: Program) -> None:
    """From the second run on, the log has the forecast, made from the first replies, with the id of the run."""
    world = FakeWorld(workspaces=1, projects=2, pipelines=2, actions=3)
    with FakeBuddy(world, limit=500, window=60, clock_skew=early_in_a_window(60), latency=0.1) as buddy:
        environ = {"BUDDY_API_URL": buddy.url, "BUDDY_TOKEN": buddy.token, "COLLECTOR_REQUESTS_PER_SECOND": "0"}
        assert "forecast" not in program("collect", environ=environ).err
        spent = len(buddy.requests())
        said = program("collect", "--log-format", "json")
        spent = len(buddy.requests()) - spent
    lines = [json.loads(line) for line in said.err.splitlines()]
    (line,) = [line for line in lines if line["event"] == "forecast"]
    assert line["says"].startswith(f"about {spent} requests are expected; it fits in this window")
    assert line["run_id"] == next(line["run_id"] for line in lines if line["event"] == "started")

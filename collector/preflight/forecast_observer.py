"""An observer that adds two events to those of a run: its forecast, and each longer wait for the rate limit.

It passes every event on to the real observer, and polls the run's snapshot.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from collector.preflight.forecast import Forecast, RunCost, forecast
from collector.run import progress as events
from collector.settings.declarations import Settings

_POLL_S = 0.1  # what a forecast needs comes with the first replies, and a run may be short
_MIN_WAIT_S = 5.0  # shorter waits are not reported


class ForecastReady(msgspec.Struct, frozen=True):
    """The forecast of one installation, reported once."""

    installation: str
    forecast: Forecast


class Waiting(msgspec.Struct, frozen=True):
    """No request is sent before `until` (UTC, by our clock), and why."""

    installation: str
    why: str
    until: datetime


class ForecastObserver:
    """Passes events on to `observer`, and adds a ForecastReady for each installation in `costs` and each Waiting."""

    def __init__(
        self, observer: events.Observer, settings: Settings, costs: Mapping[str, RunCost], now: Callable[[], datetime]
    ) -> None:
        self._observer = observer
        self._installations = {installation.name: installation for installation in settings.installations}
        self._max_duration_s = settings.max_duration_s
        self._costs = dict(costs)
        self._now = now
        self._snapshot: Callable[[], events.RunSnapshot] | None = None
        self._waiting_until: dict[str, datetime] = {}

    def watch(self, snapshot: Callable[[], events.RunSnapshot]) -> None:
        """Keep the snapshot that is polled."""
        self._snapshot = snapshot
        self._observer.watch(snapshot)

    def event(self, fact: object) -> None:
        """Pass an event on; begin to poll when the run begins."""
        self._observer.event(fact)
        if isinstance(fact, events.RunBegan):
            if fact.resumed_count:
                self._costs.clear()  # how much of the cost was spent before the interruption is unknown
            self._poll()

    def bind_run(self) -> None:
        """Add the run's id to the log lines that follow, if a run has begun."""
        if self._snapshot is not None:
            structlog.contextvars.bind_contextvars(run_id=self._snapshot().run_id)

    def _poll(self) -> None:
        assert self._snapshot is not None
        snapshot = self._snapshot()
        if snapshot.stage == "closing":
            return
        for installation in snapshot.installations:
            self._report_forecast(installation)
            self._report_wait(installation)
        asyncio.get_running_loop().call_later(_POLL_S, self._poll)

    def _report_forecast(self, progress: events.InstallationProgress) -> None:
        state = progress.pace
        if progress.name not in self._costs or (state.remaining is None and not any(progress.stats.done.values())):
            return
        installation, cost = self._installations[progress.name], self._costs.pop(progress.name)
        result = forecast(installation, cost, state, self._now(), self._max_duration_s)
        self._observer.event(ForecastReady(progress.name, result))

    def _report_wait(self, progress: events.InstallationProgress) -> None:
        until = progress.pace.paused_until
        reported = self._waiting_until.get(progress.name, datetime.min.replace(tzinfo=UTC))
        shortest = timedelta(seconds=_MIN_WAIT_S)
        # A wait is reported once, though each reply may move its end a little. Its end is by the system's clock.
        if until is None or until - datetime.now(UTC) < shortest or until - reported < shortest:
            return
        self._waiting_until[progress.name] = until
        self._observer.event(Waiting(progress.name, progress.pace.why, until))

"""An observer that adds two facts to those of the run: how the night will go, and that it waits for the rate limit.

It stands before the real observer, passes everything on, and looks at the run's snapshot now and then.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from collector.preflight.forecast import Forecast, RateLimitSnapshot, RunCost, forecast
from collector.run import progress as events
from collector.settings.loading import Installation, Settings

# A look costs microseconds. Until the forecasts are told it is taken ten times as often: they come with the first replies.
_LOOK_S = 0.5
# A shorter wait is no news: the heartbeat tells of it if it comes again and again.
_NEWS_S = 5.0


class ForecastReady(msgspec.Struct, frozen=True):
    """What a night that costs what the last one did will take, told once for each installation."""

    installation: str
    forecast: Forecast


class Waiting(msgspec.Struct, frozen=True):
    """Nothing is asked before `until` (UTC, by our clock), and why."""

    installation: str
    why: str
    until: datetime


class ForecastObserver:
    """Passes facts on to `observer`, with a `ForecastReady` for each installation in `costs`, and each `Waiting`."""

    def __init__(
        self,
        observer: events.Observer,
        settings: Settings,
        costs: Mapping[str, RunCost],
        now: Callable[[], datetime],
        *,
        look_s: float = _LOOK_S,
        news_s: float = _NEWS_S,
    ) -> None:
        self._observer = observer
        self._installations = {each.name: each for each in settings.installations}
        self._max_duration_s = settings.max_duration_s
        self._costs = dict(costs)
        self._now = now
        self._look_s = look_s
        self._news = timedelta(seconds=news_s)
        self._snapshot: Callable[[], events.RunSnapshot] | None = None
        self._waits_until: dict[str, datetime] = {}

    def watch(self, snapshot: Callable[[], events.RunSnapshot]) -> None:
        """Keep the run to look at."""
        self._snapshot = snapshot
        self._observer.watch(snapshot)

    def event(self, fact: object) -> None:
        """Pass a fact on; when the run begins, begin to look."""
        self._observer.event(fact)
        if isinstance(fact, events.RunBegan):
            if fact.resumed_count:
                self._costs.clear()  # a part of the cost is behind it, and nobody counted how much
            self._look()

    def bind_run(self) -> None:
        """Let what is logged after a night that failed carry its run, if it had begun one."""
        if self._snapshot is not None:
            structlog.contextvars.bind_contextvars(run_id=self._snapshot().run_id)

    def _look(self) -> None:
        assert self._snapshot is not None
        seen = self._snapshot()
        if seen.stage == "closing":
            return
        for each in seen.installations:
            self._foretell(each)
            self._tell_waiting(each)
        asyncio.get_running_loop().call_later(self._look_s / (10 if self._costs else 1), self._look)

    def _foretell(self, seen: events.InstallationProgress) -> None:
        if seen.name not in self._costs or (seen.pace.remaining is None and not any(seen.done.values())):
            return
        cost, installation = self._costs.pop(seen.name), self._installations[seen.name]
        self._observer.event(ForecastReady(seen.name, self._forecast(cost, installation, seen)))

    def _forecast(self, cost: RunCost, installation: Installation, seen: events.InstallationProgress) -> Forecast:
        purse = RateLimitSnapshot(seen.pace.remaining, seen.pace.reset_at, seen.pace.limit)
        return forecast(
            cost,
            purse,
            reserve=installation.reserve,
            now=self._now(),
            max_duration_s=self._max_duration_s,
            ceiling=installation.requests_per_second,
        )

    def _tell_waiting(self, seen: events.InstallationProgress) -> None:
        until = seen.pace.paused_until
        known = self._waits_until.get(seen.name, datetime.min.replace(tzinfo=UTC))
        # One wait is told once, though its end is known better with every reply. The pace lives by the wall's clock.
        if until is None or until - datetime.now(UTC) < self._news or until - known < self._news:
            return
        self._waits_until[seen.name] = until
        self._observer.event(Waiting(seen.name, seen.pace.why, until))

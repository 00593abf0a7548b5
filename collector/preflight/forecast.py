"""The forecast: when a run of a known cost will end, given the rate limit that Buddy announces.

Buddy documents neither the size nor the length of its rate-limit windows. The size is X-Rate-Limit-Limit where that is
plausible, else what remains now; the length is the shortest round one (a minute, a quarter of an hour, …) that can hold
the time until the reset. Every time in a forecast is therefore approximate.

An observer adds two events to those of a run: its forecast, and each longer wait for the rate limit.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import structlog

from collector.crawl.rate_limiter import RateLimiterState
from collector.run import progress as events
from collector.settings.declarations import Installation, Settings

# Usual lengths of a window, in seconds; none longer than an hour is known (crawl/rate_limit_state.py).
_WINDOW_LENGTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
_POLL_S = 0.1  # what a forecast needs comes with the first replies, and a run may be short
_MIN_WAIT_S = 5.0  # shorter waits are not reported


class RunCost(msgspec.Struct, frozen=True):
    """What a run of one installation takes: requests sent, seconds from begin to end, seconds of it paused."""

    requests: int
    seconds: float
    paused_seconds: float = 0.0


class Forecast(msgspec.Struct, frozen=True):
    """When a run ends (None: never, the reserve leaves nothing), and the `windows` of the rate limit that it needs.

    `windows` is 0 for a run that does not wait for the rate limit.
    """

    requests: int
    windows: int
    ends_at: datetime | None
    deadline: datetime | None

    @property
    def late(self) -> bool:
        """Whether the run ends after its deadline."""
        return self.deadline is not None and (self.ends_at is None or self.ends_at > self.deadline)

    @property
    def sentence(self) -> str:
        """The forecast in one sentence, without a full stop; times are UTC."""
        if self.ends_at is None:
            end = "the reserve leaves no requests, so the run will hardly advance: lower --reserve"
        elif self.windows > 1:
            end = f"it needs {self.windows:,} windows and ends at about {self.ends_at:%H:%M} UTC"
        else:
            end = f"it {'fits in this window and ' if self.windows else ''}ends at about {self.ends_at:%H:%M} UTC"
        if self.late and self.deadline is not None:
            end += f"; it will miss the deadline of {self.deadline:%H:%M} UTC (--max-duration)"
        return f"about {self.requests:,} requests are expected; {end}"


def forecast(
    installation: Installation, cost: RunCost, state: RateLimiterState, now: datetime, max_duration_s: float | None
) -> Forecast:
    """Return the forecast of a run that begins `now`, costs `cost`, and leaves the reserve of each window to others.

    It is no faster than that cost says, nor than the ceiling of the installation, which may be lower than before.
    """
    reserve, requests_per_second = installation.reserve, installation.requests_per_second
    deadline = None if max_duration_s is None else now + timedelta(seconds=max_duration_s)
    at_ceiling_s = cost.requests / requests_per_second if requests_per_second else 0.0
    working_s = max(0.0, cost.seconds - cost.paused_seconds, at_ceiling_s)
    without_waiting = now + timedelta(seconds=working_s)
    if state.remaining is None or state.reset_at is None:
        return Forecast(cost.requests, 0, without_waiting, deadline)
    speed = cost.requests / working_s if working_s else math.inf
    left_s = max(0.0, (state.reset_at - now).total_seconds())
    in_this_window = min(max(0, state.remaining - reserve), speed * left_s if left_s else 0)
    if cost.requests <= in_this_window:
        return Forecast(cost.requests, 1, without_waiting, deadline)
    length_s = next((float(length) for length in _WINDOW_LENGTHS_S if length >= left_s), left_s)
    size = max(state.limit or 0, state.remaining)
    per_window = min(float(size - reserve), speed * length_s)
    if per_window <= 0:
        return Forecast(cost.requests, 0, None, deadline)
    rest = cost.requests - in_this_window
    full_windows = math.ceil(rest / per_window) - 1
    in_last_window_s = (rest - full_windows * per_window) / speed
    # A reset in the past means that the window is about to be renewed.
    ends_at = max(state.reset_at, now) + timedelta(seconds=full_windows * length_s + in_last_window_s)
    # A crawl that spends less than each window holds spans windows without waiting for one.
    waits = ends_at > without_waiting + timedelta(seconds=1)
    return Forecast(cost.requests, 2 + full_windows if waits else 0, ends_at, deadline)


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
    """Passes events on to `observer`, and adds a ForecastReady for each installation in `costs` and each Waiting.

    For that it polls the run's snapshot.
    """

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

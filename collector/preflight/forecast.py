"""The forecast: when a run that costs what the last one did will end, given the rate limit that Buddy announces. Pure.

Buddy documents neither the size nor the length of its rate-limit windows. The size is X-Rate-Limit-Limit where that is
plausible, else what remains now; the length is the shortest round one (a minute, a quarter of an hour, …) that can hold
the time until the reset. Every time in a forecast is therefore approximate.
"""

import math
from datetime import datetime, timedelta

import msgspec

from collector.crawl.rate_limiter import RateLimiterState
from collector.settings.declarations import Installation

# Usual lengths of a window, in seconds; none longer than an hour is known (crawl/rate_limit_state.py).
_WINDOW_LENGTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


class RunCost(msgspec.Struct, frozen=True):
    """What a run of one installation took: requests sent, seconds from begin to end, seconds of it paused."""

    requests: int
    seconds: float
    paused_seconds: float = 0.0


class Forecast(msgspec.Struct, frozen=True):
    """The `windows` of the rate limit that a run spans, and when it ends (None: never, the reserve leaves nothing)."""

    requests: int
    windows: int
    waits: bool
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
        elif self.waits:
            end = f"it needs {self.windows:,} windows and ends at about {self.ends_at:%H:%M} UTC"
        else:
            end = f"it {'fits in this window and ' if self.windows else ''}ends at about {self.ends_at:%H:%M} UTC"
        if self.late and self.deadline is not None:
            end += f"; it will miss the deadline of {self.deadline:%H:%M} UTC (--max-duration)"
        return f"the last run took {self.requests:,} requests; {end}"


def forecast(
    installation: Installation, cost: RunCost, state: RateLimiterState, now: datetime, max_duration_s: float | None
) -> Forecast:
    """Return the forecast of a run that begins `now`, costs `cost`, and leaves the reserve of each window to others.

    It is no faster than the last one, nor than the ceiling of the installation, which may be lower than before.
    """
    reserve, requests_per_second = installation.reserve, installation.requests_per_second
    deadline = None if max_duration_s is None else now + timedelta(seconds=max_duration_s)
    at_ceiling_s = cost.requests / requests_per_second if requests_per_second else 0.0
    working_s = max(0.0, cost.seconds - cost.paused_seconds, at_ceiling_s)
    without_waiting = now + timedelta(seconds=working_s)
    if state.remaining is None or state.reset_at is None:
        return Forecast(cost.requests, 0, False, without_waiting, deadline)
    speed = cost.requests / working_s if working_s else math.inf
    left_s = max(0.0, (state.reset_at - now).total_seconds())
    in_this_window = min(max(0, state.remaining - reserve), speed * left_s if left_s else 0)
    if cost.requests <= in_this_window:
        return Forecast(cost.requests, 1, False, without_waiting, deadline)
    length_s = next((float(length) for length in _WINDOW_LENGTHS_S if length >= left_s), left_s)
    size = max(state.limit or 0, state.remaining)
    per_window = min(float(size - reserve), speed * length_s)
    if per_window <= 0:
        return Forecast(cost.requests, 0, True, None, deadline)
    rest = cost.requests - in_this_window
    full_windows = math.ceil(rest / per_window) - 1
    in_last_window_s = (rest - full_windows * per_window) / speed
    # A reset in the past means that the window is about to be renewed.
    ends_at = max(state.reset_at, now) + timedelta(seconds=full_windows * length_s + in_last_window_s)
    # A crawl that spends less than each window holds spans windows without waiting for one.
    waits = ends_at > without_waiting + timedelta(seconds=1)
    return Forecast(cost.requests, 2 + full_windows, waits, ends_at, deadline)

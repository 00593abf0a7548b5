"""When a night that costs what the last one did will end, given what Buddy says of the token's budget. Pure.

Buddy documents neither the size nor the length of its windows. The size is taken from X-Rate-Limit-Limit where that can be
true, else from what is left now; the length is the next round one (a minute, a quarter of an hour, …) that holds the time
left. So every moment here is "about".
"""

import math
from datetime import datetime, timedelta

import msgspec

# Lengths that people choose for a window, in seconds; none longer than an hour is known (crawl/rate_limit_state.py).
_LENGTHS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)


class RunCost(msgspec.Struct, frozen=True):
    """What a night took of one installation: requests sent, seconds from beginning to end, seconds of it paused."""

    requests: int
    seconds: float
    paused_seconds: float = 0.0


class RateLimitSnapshot(msgspec.Struct, frozen=True):
    """What Buddy says of the budget: requests `remaining` until `reset_at`, of `limit` if known; None: no limit is told."""

    remaining: int | None = None
    reset_at: datetime | None = None
    limit: int | None = None


class Forecast(msgspec.Struct, frozen=True):
    """How the night will go: `windows` of the rate limit it spans, when it ends (None: never, nothing is left to us)."""

    requests: int
    windows: int
    waits: bool
    ends_at: datetime | None
    deadline: datetime | None

    @property
    def late(self) -> bool:
        """Whether the time limit comes before the end."""
        return self.deadline is not None and (self.ends_at is None or self.ends_at > self.deadline)

    @property
    def words(self) -> str:
        """The forecast in one sentence, without a full stop; times are UTC."""
        said = f"the last night took {self.requests:,} requests; "
        if self.ends_at is None:
            said += "the reserve leaves none of the budget, so the night will crawl: lower --reserve"
        elif self.waits:
            said += f"it needs {self.windows:,} windows and ends at about {self.ends_at:%H:%M} UTC"
        elif self.windows:
            said += f"it fits in this window and ends at about {self.ends_at:%H:%M} UTC"
        else:
            said += f"it ends at about {self.ends_at:%H:%M} UTC"
        if self.late and self.deadline is not None:
            said += f"; it will miss the deadline of {self.deadline:%H:%M} UTC (--max-duration)"
        return said


def forecast(
    cost: RunCost,
    purse: RateLimitSnapshot,
    *,
    reserve: int,
    now: datetime,
    max_duration_s: float | None = None,
    ceiling: float = 0.0,
) -> Forecast:
    """Foretell a night that begins `now` and costs `cost`, when `reserve` requests of each window are left to others.

    It is no faster than the last one, nor than `ceiling` requests a second (0: none), which may have been lowered since.
    """
    deadline = None if max_duration_s is None else now + timedelta(seconds=max_duration_s)
    working = max(0.0, cost.seconds - cost.paused_seconds, cost.requests / ceiling if ceiling else 0.0)
    if purse.remaining is None or purse.reset_at is None:
        return Forecast(cost.requests, 0, False, now + timedelta(seconds=working), deadline)
    speed = cost.requests / working if working else math.inf
    left_s = max(0.0, (purse.reset_at - now).total_seconds())
    first = min(max(0, purse.remaining - reserve), speed * left_s if left_s else 0)
    if cost.requests <= first:
        return Forecast(cost.requests, 1, False, now + timedelta(seconds=working), deadline)
    length_s = likely_window(left_s)
    size = purse.limit if purse.limit is not None and purse.limit >= purse.remaining else purse.remaining
    each = min(float(size - reserve), speed * length_s)
    if each <= 0:
        return Forecast(cost.requests, 0, True, None, deadline)
    rest = cost.requests - first
    more = math.ceil(rest / each)
    last_s = (rest - (more - 1) * each) / speed
    # A reset that has passed already is one that is about to be renewed.
    ends_at = max(purse.reset_at, now) + timedelta(seconds=(more - 1) * length_s + last_s)
    # A crawl that is slower than the budget spans windows without ever waiting for one.
    waits = ends_at > now + timedelta(seconds=working + 1)
    return Forecast(cost.requests, 1 + more, waits, ends_at, deadline)


def likely_window(left_s: float) -> float:
    """Return the length in seconds of the window that ends in `left_s`: the shortest round one that can hold it."""
    return next((float(length) for length in _LENGTHS_S if length >= left_s), left_s)

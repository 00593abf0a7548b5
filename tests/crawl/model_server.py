"""A rate-limiting server as a plain value, for tests of the pace: it counts, and the tests read its counts.

It knows nothing of the client: fixed windows of `period_s` on its own clock, which is `skew_s` away from
ours.
"""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Literal

EPOCH = 1_790_000_000.0  # the server's clock when the test's clock says 0


@dataclass
class ModelServer:
    """Allows `limit` requests in each window; further ones are refused. Windows begin at `phase_s` past whole
    periods, or, with `lazily`, at the first request after the previous one ended.
    """

    limit: int = 200
    period_s: float = 2.0
    phase_s: float = 0.0
    skew_s: float = 0.0
    lazily: bool = False
    rounding: Literal["floor", "ceil", "exact"] = "floor"
    reset: Literal["true", "past", "absent", "absurd", "garbage"] = "true"
    dates: bool = True
    counts: dict[float, list[int]] = field(default_factory=dict)  # window's begin -> [served, refused]
    neighbours: int = 0
    _began: float = -math.inf

    def window(self, now: float) -> float:
        """Return where the window of the moment `now` (server's clock) began."""
        if not self.lazily:
            return math.floor((now - self.phase_s) / self.period_s) * self.period_s + self.phase_s
        if now >= self._began + self.period_s:
            self._began = now
        return self._began

    def arrive(self, test_clock: float, *, neighbour: bool = False) -> tuple[int, dict[str, str]]:
        """Take one request: return status and headers."""
        now = EPOCH + test_clock + self.skew_s
        began = self.window(now)
        taken = self.counts.setdefault(began, [0, 0, 0])
        used = taken[0] + taken[2]
        status = 200 if used < self.limit else 429
        if neighbour:
            taken[2] += status == 200
        else:
            taken[status == 429] += 1
        remaining = max(0, self.limit - taken[0] - taken[2])
        return status, self.headers(now, began + self.period_s, remaining)

    def headers(self, now: float, ends: float, remaining: int) -> dict[str, str]:
        """Return the rate headers and the Date of this server."""
        said = {"floor": math.floor(ends), "ceil": math.ceil(ends), "exact": ends}[self.rounding]
        headers = {"X-Rate-Limit-Limit": str(self.limit), "X-Rate-Limit-Remaining": str(remaining)}
        if self.reset != "absent":
            headers["X-Rate-Limit-Reset"] = {
                "true": str(said),
                "past": str(int(now) - 86_400),
                "absurd": str(int(now) * 1000),
                "garbage": "soon",
            }[self.reset]
        if self.dates:
            headers["Date"] = format_datetime(datetime.fromtimestamp(int(now), UTC), usegmt=True)
        return headers

    @property
    def served(self) -> int:
        """Requests of ours that were let through."""
        return sum(count[0] for count in self.counts.values())

    @property
    def refusals(self) -> int:
        """Requests of ours that were refused."""
        return sum(count[1] for count in self.counts.values())

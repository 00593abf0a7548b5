"""The rate limit as Buddy announces it: fixed windows of the server's own clock, one budget a token."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowDecision:
    """Whether a request may pass, and what its reply says of the budget."""

    admitted: bool
    remaining: int | None
    window_index: int
    headers: dict[str, str]


class RateWindow:
    """Counts one token's requests; a refused request spends nothing.

    `skew` moves the whole clock of the server, so that its `Date` and its resets agree with each other
    while both disagree with the client's clock. `neighbour` requests of every window are spent by somebody
    else, evenly over its course.
    """

    def __init__(self, limit: int | None, seconds: float | None, skew: float, neighbour: int) -> None:
        if limit is not None and not seconds:
            raise ValueError("a limit needs a window in seconds")
        self._limit = limit
        self._seconds = seconds or 1.0
        self._skew = skew
        self._neighbour = neighbour
        self._index = -1
        self._spent = 0
        self._lock = threading.Lock()

    def clock(self) -> float:
        """Return the server's time as an epoch."""
        return time.time() + self._skew

    def admit(self) -> WindowDecision:
        """Spend one request of the window that is open now, unless it is used up."""
        with self._lock:
            now = self._turn()
            if self._limit is None:
                return WindowDecision(True, None, self._index, {})
            left = self._limit - self._spent - self._neighbours_share(now)
            if left <= 0:
                return WindowDecision(False, 0, self._index, self._headers(0))
            self._spent += 1
            return WindowDecision(True, left - 1, self._index, self._headers(left - 1))

    def spend(self, requests: int) -> None:
        """Spend requests of the open window as somebody else with the same token would."""
        with self._lock:
            self._turn()
            self._spent += requests

    def headers_now(self, remaining: int) -> dict[str, str]:
        """Return the rate headers of this moment, whether or not there is a limit."""
        with self._lock:
            self._turn()
            return self._headers(remaining)

    def _turn(self) -> float:
        now = self.clock()
        index = math.floor(now / self._seconds)
        if index != self._index:
            self._index, self._spent = index, 0
        return now

    def _neighbours_share(self, now: float) -> int:
        return int(self._neighbour * (now / self._seconds - self._index))

    def _headers(self, remaining: int) -> dict[str, str]:
        # Epoch seconds are whole; a window that is not is announced as ending a little late, never early.
        reset = math.ceil((self._index + 1) * self._seconds)
        return {
            "X-Rate-Limit-Limit": str(self._limit if self._limit is not None else 1000),
            "X-Rate-Limit-Remaining": str(remaining),
            "X-Rate-Limit-Reset": str(reset),
        }

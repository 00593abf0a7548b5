"""The rate limit as Buddy announces it: fixed windows of the server's own clock, one budget per token."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowDecision:
    """Whether a request is admitted, and the rate headers of its reply."""

    admitted: bool
    remaining: int | None
    window_index: int
    headers: dict[str, str]


class RateWindow:
    """Counts one token's requests; a refused request spends nothing.

    `skew` moves the server's whole clock: its `Date` and its resets agree with each other and differ from the client's
    clock. `neighbour` is the number of requests that another client with the same token spends in each window, evenly.
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
        """Spend one request of the current window, unless its budget is used up."""
        with self._lock:
            now = self._advance()
            if self._limit is None:
                return WindowDecision(True, None, self._index, {})
            left = self._limit - self._spent - self._spent_by_neighbour(now)
            if left <= 0:
                return WindowDecision(False, 0, self._index, self._headers(0))
            self._spent += 1
            return WindowDecision(True, left - 1, self._index, self._headers(left - 1))

    def spend(self, requests: int) -> None:
        """Spend requests of the current window, as another client with the same token would."""
        with self._lock:
            self._advance()
            self._spent += requests

    def headers_now(self, remaining: int) -> dict[str, str]:
        """Return the current rate headers, also if there is no limit."""
        with self._lock:
            self._advance()
            return self._headers(remaining)

    def _advance(self) -> float:
        now = self.clock()
        index = math.floor(now / self._seconds)
        if index != self._index:
            self._index, self._spent = index, 0
        return now

    def _spent_by_neighbour(self, now: float) -> int:
        return int(self._neighbour * (now / self._seconds - self._index))

    def _headers(self, remaining: int) -> dict[str, str]:
        # The reset is in whole epoch seconds: rounded up, so that it is never before the end of the window.
        reset = math.ceil((self._index + 1) * self._seconds)
        return {
            "X-Rate-Limit-Limit": str(self._limit if self._limit is not None else 1000),
            "X-Rate-Limit-Remaining": str(remaining),
            "X-Rate-Limit-Reset": str(reset),
        }

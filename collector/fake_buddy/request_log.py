"""The server's own log of every request, so that "never exceeds" is said by the one who was asked."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request as it came in, and what was done with it; status 0 where no status was ever sent."""

    at: float  # monotonic seconds
    number: int  # from 1, in order of arrival
    kind: str | None
    method: str
    path: str  # raw, still percent-encoded, with the prefix
    query: dict[str, str]
    status: int
    authorised: bool  # carried the right token
    carried_token: bool  # carried any Authorization header
    admitted: bool  # within the rate limit; False for 401 and for refusals
    remaining: int | None
    window_index: int
    fault: str | None  # the name of the fault that hit it


class RequestLog:
    """The log, and counts that stay right when the log itself is bounded."""

    def __init__(self, kept: int | None) -> None:
        self._log: deque[LoggedRequest] = deque(maxlen=kept)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def append(self, arrival: LoggedRequest) -> None:
        """Note an arrival."""
        with self._lock:
            self._log.append(arrival)
            self._counts["requests"] += 1
            self._counts[f"kind:{arrival.kind}"] += 1
            self._counts[f"status:{arrival.status}"] += 1
            if arrival.authorised and not arrival.admitted:
                self._counts["refused"] += 1

    def next_number(self) -> int:
        """Return the number of the arrival to come."""
        return self._counts["requests"] + 1

    def all(self) -> list[LoggedRequest]:
        """Return the arrivals kept, oldest first."""
        with self._lock:
            return list(self._log)

    def counts(self) -> dict[str, int]:
        """Return how many requests came, in all, by kind, by status, and how many were refused."""
        with self._lock:
            return {"requests": 0, "refused": 0, **self._counts}

    def clear(self) -> None:
        """Start over, as a test between two nights does."""
        with self._lock:
            self._log.clear()
            self._counts.clear()

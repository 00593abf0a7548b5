"""The server's log of all requests, so that a test checks a rate limit on the server's side."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request and its outcome; status 0 if no status was sent."""

    at: float  # monotonic seconds
    number: int  # from 1, in order of request
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
    fault: str | None  # the name of the fault that was applied


class RequestLog:
    """The log of the last requests, and counts of all of them."""

    def __init__(self, kept: int | None) -> None:
        self._log: deque[LoggedRequest] = deque(maxlen=kept)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def append(self, request: LoggedRequest) -> None:
        """Log a request."""
        with self._lock:
            self._log.append(request)
            self._counts["requests"] += 1
            self._counts[f"kind:{request.kind}"] += 1
            self._counts[f"status:{request.status}"] += 1
            if request.authorised and not request.admitted:
                self._counts["refused"] += 1

    def next_number(self) -> int:
        """Return the number of the next request."""
        return self._counts["requests"] + 1

    def all(self) -> list[LoggedRequest]:
        """Return the requests in the log, oldest first."""
        with self._lock:
            return list(self._log)

    def counts(self) -> dict[str, int]:
        """Return the number of requests: all, refused, by kind and by status."""
        with self._lock:
            return {"requests": 0, "refused": 0, **self._counts}

    def clear(self) -> None:
        """Empty the log and reset the counts."""
        with self._lock:
            self._log.clear()
            self._counts.clear()

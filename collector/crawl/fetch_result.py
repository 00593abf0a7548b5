"""The outcome of one request: as the fetcher returns it, as the journal keeps it, and events. Frozen values."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from collector.buddy.requests import Request
from collector.crawl.classify import Failure


class RequestCost(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one request cost; the sum over a journal is the cost of the run.

    `attempts` counts replies and lost requests that were not refusals, `refusals` the 429s and their like.
    `bytes_received` counts bodies as they came over the wire, before decompression. The
    seconds are what all workers waited since the result before this one: `paced_seconds` for our own ceiling,
    `paused_seconds` for Buddy.
    """

    attempts: int = 1
    refusals: int = 0
    bytes_received: int = 0
    paced_seconds: float = 0.0
    paused_seconds: float = 0.0

    @property
    def requests(self) -> int:
        """The requests sent."""
        return self.attempts + self.refusals

    def __add__(self, other: "RequestCost") -> "RequestCost":
        """Return the cost of both."""
        return RequestCost(
            self.attempts + other.attempts,
            self.refusals + other.refusals,
            self.bytes_received + other.bytes_received,
            self.paced_seconds + other.paced_seconds,
            self.paused_seconds + other.paused_seconds,
        )


class FetchResult(msgspec.Struct, frozen=True):
    """All that came of one request. Exactly one of `document` and `failure` is None.

    `status` and `body` are those of the last reply; `body` is set only when it was accepted, and encoded again where it
    was `repaired` (buddy/unicode_repair.py). `failure` holds no secret, the body may. `first_seen_at` and
    `last_seen_at` (UTC) are when the first and the last reply arrived. `transient` says that the failure may pass by
    itself. `release` must be called by whoever has processed the reply, because its body counts against the memory of
    all until then.
    """

    request: Request
    status: int | None
    body: bytes | None
    document: dict[str, Any] | None
    failure: Failure | None
    cost: RequestCost
    first_seen_at: datetime
    last_seen_at: datetime
    repaired: bool = False
    transient: bool = False
    release: Callable[[], None] = lambda: None

    def after(self, earlier: "FetchResult") -> "FetchResult":
        """Return this result with what an earlier round of the same request cost."""
        return replace(self, cost=earlier.cost + self.cost, first_seen_at=earlier.first_seen_at)

    def __repr__(self) -> str:
        # Neither body nor document: they may hold the values of variables.
        return f"FetchResult({self.request!r}, status={self.status}, failure={self.failure!r})"


class Answered(msgspec.Struct, frozen=True, tag="answered", omit_defaults=True):
    """The journal line of a reply, redacted; `repaired` says that placeholders stand in it for invalid characters."""

    request: Request
    at: datetime
    cost: RequestCost
    body: msgspec.Raw
    repaired: bool = False


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The journal line of a request that was given up, for the reason `failure` holds."""

    request: Request
    first_seen_at: datetime
    last_seen_at: datetime
    cost: RequestCost
    failure: Failure


class RetryScheduled(msgspec.Struct, frozen=True):
    """Attempt number `attempt` of a request failed; the next follows in `wait_s` seconds."""

    request: Request
    failure: Failure
    attempt: int
    wait_s: float


class RateLimitMet(msgspec.Struct, frozen=True):
    """The rate limit refused a request; all workers wait for `wait_s` seconds, then it is sent again."""

    request: Request
    status: int
    message: str
    wait_s: float


Event = RetryScheduled | RateLimitMet

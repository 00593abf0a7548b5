"""What came of one request, and what is told to observers on the way. Frozen values."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from collector.buddy.requests import Request
from collector.crawl.classify import Failure

__all__ = ["Event", "FetchResult", "RateLimitMet", "RetryScheduled"]


def _nothing_held() -> None:
    """The release of a reply that is counted by no budget."""


class FetchResult(msgspec.Struct, frozen=True):
    """All that came of one request. Exactly one of `document` and `failure` is None.

    `status` and `body` are those of the last reply (`body` only when accepted; encoded anew, and `marked`, where it held
    no characters). `attempts` counts the replies
    and losses that were not refusals, `refusals` the 429s and their like, so the requests sent are the sum;
    `bytes_received` is what came over the wire in bodies, compressed where they were. `first_seen_at` and
    `last_seen_at` (UTC) are when the first and the last of them came home. `transient` says that the failure may pass by
    itself: asking again later may help. `release` is called by whoever has processed the reply: its body is no longer held.
    """

    request: Request
    status: int | None
    body: bytes | None
    document: dict[str, Any] | None
    failure: Failure | None
    attempts: int
    refusals: int
    bytes_received: int
    first_seen_at: datetime
    last_seen_at: datetime
    marked: bool = False
    transient: bool = False
    release: Callable[[], None] = _nothing_held

    def after(self, earlier: "FetchResult") -> "FetchResult":
        """Return this outcome with what an earlier round of the same request cost."""
        return replace(
            self,
            attempts=earlier.attempts + self.attempts,
            refusals=earlier.refusals + self.refusals,
            bytes_received=earlier.bytes_received + self.bytes_received,
            first_seen_at=earlier.first_seen_at,
        )

    def __repr__(self) -> str:
        # Neither body nor document: they may hold variables' values.
        return f"Outcome({self.request!r}, status={self.status}, failure={self.failure!r})"


class RetryScheduled(msgspec.Struct, frozen=True):
    """Attempt number `attempt` of a request failed; the next follows in `wait_s` seconds."""

    request: Request
    failure: Failure
    attempt: int
    wait_s: float


class RateLimitMet(msgspec.Struct, frozen=True):
    """The rate limit refused a request; everybody waits for `wait_s` seconds, then it is asked again."""

    request: Request
    status: int
    message: str
    wait_s: float


Event = RetryScheduled | RateLimitMet

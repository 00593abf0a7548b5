"""Buddy's rate headers, and the offset of its clock to ours.

Headers are untrusted text: each is read on its own into a number or None, and never raises. The reset is an epoch
second of the *server's* clock (buddy-api.md, section 2), so it means nothing until that clock is known. `Date` is all
there is, truncated to whole seconds; one reply leaves a second of doubt, but each further reply narrows it, because the
true offset is in the intersection of what all of them allow.

Rules for whoever edits this file: no I/O and no clock of its own; seconds everywhere; whoever waits uses the *low* end
of the interval, so that a reset is never believed to have passed too early.
"""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache

import msgspec

# No number about a rate limit needs more digits; longer ones are refused before int() spends time on them.
_MAX_DIGITS = 18
_MAX_DATE_CHARACTERS = 64


class RateHeaders(msgspec.Struct, frozen=True):
    """The rate headers of one reply. A header that is absent, negative or no number is None.

    `limit` and `remaining` count requests; `reset_epoch_s` and `date_epoch_s` are Unix seconds of the server's clock.
    `retry_after_s` is a duration (no Buddy source documents it, but proxies in front of a self-hosted one send it),
    `retry_at_epoch_s` the same given as a moment; only one of the two can be set.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_epoch_s: float | None = None
    date_epoch_s: int | None = None
    retry_after_s: int | None = None
    retry_at_epoch_s: int | None = None


def read_rate_headers(headers: Mapping[str, str]) -> RateHeaders:
    """Read the rate headers of one reply; `headers` must be case-insensitive."""
    get = headers.get
    retry_after = get("Retry-After")
    seconds = _count(retry_after)
    return RateHeaders(
        _count(get("X-Rate-Limit-Limit")),
        _count(get("X-Rate-Limit-Remaining")),
        _epoch(get("X-Rate-Limit-Reset")),
        epoch_of_date(get("Date")),
        seconds,
        epoch_of_date(retry_after) if seconds is None else None,
    )


def _count(text: str | None) -> int | None:
    if text is None or len(text) > _MAX_DIGITS:
        return None
    text = text.strip()
    # isdecimal alone would accept the digits of other scripts, and a sign makes a count meaningless.
    return int(text) if text.isascii() and text.isdecimal() else None


def _epoch(text: str | None) -> float | None:
    if text is None or len(text) > _MAX_DIGITS:
        return None
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


# All replies of a second have the same Date, and parsing one costs more than the rest of the headers together.
@lru_cache(maxsize=16)
def epoch_of_date(text: str | None) -> int | None:
    """Return the Unix second of an HTTP Date, None when it is not one."""
    if text is None or len(text) > _MAX_DATE_CHARACTERS:
        return None
    try:
        moment = parsedate_to_datetime(text)
        # HTTP dates are GMT; a naive one would be read in this machine's zone.
        return int(moment.timestamp()) if moment.tzinfo is not None else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


class ServerClock(msgspec.Struct, frozen=True):
    """The offset (server's epoch minus our monotonic clock) as an interval [low, high), None before the first Date.

    A Date of D on a reply sent at `sent` and received at `received` means that the server's clock was in [D, D+1) at
    some moment between the two, hence D - received <= offset < D + 1 - sent.
    """

    low: float | None = None
    high: float | None = None

    def updated(self, date_epoch_s: int | None, sent: float, received: float) -> "ServerClock":
        """Return the clock after one more reply: narrower, or begun again when the reply contradicts it.

        A contradiction means that one of the two clocks was set (or has drifted out of a narrow interval), and then
        only the newest reply counts.
        """
        if date_epoch_s is None:
            return self
        low, high = date_epoch_s - received, date_epoch_s + 1 - sent
        if self.low is None or self.high is None or low >= self.high or high <= self.low:
            return ServerClock(low, high)
        return ServerClock(max(low, self.low), min(high, self.high))

    def to_monotonic(self, epoch_s: float, local_offset: float) -> float:
        """Return the monotonic moment by which the server's clock has certainly reached `epoch_s`.

        `local_offset` (our wall clock minus our monotonic clock) is used while no reply has had a Date.
        """
        return epoch_s - (local_offset if self.low is None else self.low)

    def skew(self, local_offset: float) -> float | None:
        """Return by how many seconds the server's clock is ahead of ours, None before the first Date."""
        if self.low is None or self.high is None:
            return None
        return (self.low + self.high) / 2 - local_offset

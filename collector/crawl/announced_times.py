"""When a reply says that a window ends, or when to come back; what is implausible is as if it had not been said. Pure.

`now` is our monotonic clock in seconds. `local_offset` is our wall clock minus our monotonic clock, used for the
server's where no Date is sent.
"""

from typing import NamedTuple

from collector.buddy.rate_headers import RateHeaders, ServerClock

# A moment further ahead than this is a mistake of units or clocks: no limit is known to have a longer window.
_MAX_AHEAD_S = 3600.0
# A reset this long past may still be a window that renews late; an older one is no reset at all.
MAX_LATE_S = 5.0


class Reset(NamedTuple):
    """The announced end of a window: in the server's words, which identify the window, and as our monotonic moment."""

    epoch_s: float
    at: float


def plausible_reset(clock: ServerClock, epoch_s: float | None, now: float, local_offset: float) -> Reset | None:
    """Return the reset, None when it is absent, absurd or long past."""
    if epoch_s is None:
        return None
    reset = Reset(epoch_s, clock.to_monotonic(epoch_s, local_offset))
    return reset if -MAX_LATE_S <= reset.at - now <= _MAX_AHEAD_S else None


def retry_after_s(headers: RateHeaders, now: float, local_offset: float) -> float | None:
    """Return the seconds that Retry-After asks for, None when it is absent, past or implausibly far ahead.

    A moment is read against the Date of its own reply, because both come from one clock.
    """
    seconds: float | None = headers.retry_after_s
    if headers.retry_at_epoch_s is not None:
        date = now + local_offset if headers.date_epoch_s is None else headers.date_epoch_s
        seconds = headers.retry_at_epoch_s - date
    return seconds if seconds is not None and 0 < seconds <= _MAX_AHEAD_S else None

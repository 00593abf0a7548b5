"""The gate that keeps us inside the server's rate limit. Pure: `now` (monotonic seconds) is an argument
everywhere.

Strategy. Three states:

  UNKNOWN    no reply yet, or the window's reset has passed: one probe at a time finds out.
  METERED    a window is open: send while remaining - in flight - floor > 0, otherwise wait for its reset.
  UNMETERED  replies carry no headers: free.

In flight are subtracted because the server may not have counted them yet; where it has, they are counted
twice for a moment, which errs towards caution and corrects itself as they come home. Somebody else may spend
from the same window while a request is on its way, so as much as others lately took in that time is kept back
as well, where the reserve does not cover it. The floor is the reserve left to others, and never less than a
few requests with which a late reset can be looked at without being refused.

Rules for whoever edits this file:
  * Replies arrive in any order. Within a window the smallest `remaining` is the newest; a clearly later reset
    is another window. Servers that compute the reset as int(now + rest) let it flicker by one second inside a
    window.
  * Waiting must always end: every wait is to a known moment, or PATIENCE long and asked again.
  * One burst is refused as one: replies to requests sent before a pause began do not lengthen it.
  * Doubt is paid for with one request, never with the reserve: hence probes and their backoff.
"""

import math
from enum import Enum

from collector.buddy.rate_headers import RateHeaders, ServerClock
from collector.crawl.backoff import after_late_reset, after_refusal

__all__ = ["RateLimitState", "WaitReason"]

# A reset further ahead than this is a mistake of units or clocks: no limit is known to have a longer window.
_ABSURDLY_AHEAD_S = 3600.0
# The longest that one 503 keeps everybody away: a single broken path must not hold up a whole crawl for an hour.
_LONGEST_UNAVAILABLE_S = 900.0
# A reset this long past may still be a window that renews late; one older than that is no reset at all.
_JUST_PASSED_S = 5.0
# How long a probe, or the replies in flight, may stay away before somebody else asks.
_PATIENCE_S = 2.0
# Probes after a reset that was rounded down to the second come to four at most (backoff.after_late_reset).
_SPARE = 4
# The part of a window that may be spent on them where the reserve is smaller: 2 %.
_SPARE_SHARE = 50
# How fast the memory of a busy neighbour fades, per reply: to a half within 140, so that it lasts from window
# to window.
_FADING = 0.995
# A window that is smaller than the reserve is used to a tenth: leaving all of it would stop the crawl for
# ever.
_SQUEEZED_SHARE = 10


class WaitReason(Enum):
    """Why the next request must wait, in words for people."""

    FREE = ""
    PROBING = "waiting for a reply that tells the budget"
    SPENT = "budget of this window is spent"
    REFUSED = "refused by the server's rate limit"
    UNAVAILABLE = "the server is unavailable and said when to come back"


class RateLimitState:
    """What may be sent, as far as the replies so far tell. `reserve` requests of every window are left to
    others.
    """

    def __init__(self, reserve: int = 0) -> None:
        self.reserve = reserve
        self.in_flight = 0
        self.clock = ServerClock()
        self.lag_s = 0.0  # learned: how long after its announced reset a window is really renewed
        self.refused_since: float | None = None  # monotonic; None once anything but a refusal came back
        self.squeezed = False  # the whole window is no larger than the reserve, so a tenth of it is used all the same
        self.metered = False
        self.unmetered = False
        self.remaining = 0  # as last believed; means something while metered
        self.size: int | None = None  # requests of a whole window, where that is known
        self.reset_at: float | None = None  # monotonic, lag included; None: no usable reset was announced
        self._epoch: float | None = None  # the same reset in the server's words: the name of the window
        self._floor = reserve
        self._expected: dict[float, int] = {}  # by departure: the remaining that its reply will tell if we are alone
        self._others = 0.0  # what others took during one journey of a request: a maximum that fades
        self._opened_at = -math.inf
        self._probe_sent: float | None = None
        self._not_before = -math.inf
        self._unavailable_until = -math.inf
        self._paused_at = -math.inf
        self._barren = 0  # probes and refusals in a row that brought nothing to spend

    # -- asking
    # ------------------------------------------------------------------------------------------------------

    def next_turn(self, now: float) -> float:
        """Return 0.0 when a request may be sent now, else the seconds after which to ask again (a reply may
        hasten it).
        """
        held_until = max(self._not_before, self._unavailable_until)
        if now < held_until:
            return held_until - now
        if self.unmetered:
            return 0.0
        if self.metered and (self.reset_at is None or now < self.reset_at):
            if self.remaining - self.in_flight - self._kept > 0:
                return 0.0
            return _PATIENCE_S if self.reset_at is None else self.reset_at - now
        if self._probe_sent is None:
            return 0.0
        return max(0.0, self._probe_sent + _PATIENCE_S - now)

    def why(self, now: float) -> WaitReason:
        """Say what `next_turn` waits for."""
        if self.next_turn(now) == 0.0:
            return WaitReason.FREE
        if now < self._unavailable_until:
            return WaitReason.UNAVAILABLE
        if now < self._not_before or (self.refused_since is not None and not self.unmetered):
            return WaitReason.REFUSED
        return WaitReason.SPENT if self.metered and not self._over(now) else WaitReason.PROBING

    def depart(self, now: float) -> None:
        """Count one request as sent; `now` is its name in `settle`."""
        self.in_flight += 1
        if not self.unmetered and (not self.metered or self._over(now)):
            self._probe_sent = now
        elif self.metered:
            self._expected[now] = self.remaining - self.in_flight

    # -- learning
    # ----------------------------------------------------------------------------------------------------

    def settle(
        self, sent: float, now: float, reading: RateHeaders | None, local_offset: float, *, refused: bool = False
    ) -> None:
        """Count one request as come home: with the reading of its reply, or None when no reply came that
        tells anything (a lost one, or a 5xx without headers, which may be a proxy's own).

        `local_offset` is our wall clock minus our monotonic clock, which stands in for the server's where no
        Date is sent.
        """
        self.in_flight -= 1
        expected = self._expected.pop(sent, None)
        if sent == self._probe_sent:
            self._probe_sent = None
        if reading is None:
            # The server may have counted what it never answered.
            self._spend_one(now)
            return
        self.clock = self.clock.seen(reading.date_epoch_s, sent, now)
        if refused:
            self._refused(sent, now, reading, local_offset)
            return
        if now >= self._unavailable_until:
            self.refused_since = None
        if reading.remaining is None:
            self._silent(sent, now)
            return
        epoch, due = self._believable(reading.reset_epoch_s, now, local_offset)
        if self.metered and not self._over(now):
            if expected is not None and sent >= self._opened_at:
                self._others = max(self._others * _FADING, expected - reading.remaining)
            self._within(sent, now, reading, reading.remaining, epoch, due)
        elif sent >= self._paused_at:
            self._beyond(sent, now, reading, reading.remaining, epoch, due)

    def unavailable(self, now: float, reading: RateHeaders, local_offset: float) -> float:
        """Keep everybody away for as long as a 503 asks by Retry-After; return the seconds, 0.0 if nothing usable."""
        asked_s = self._asked(now, reading, local_offset)
        if asked_s is None:
            return 0.0
        asked_s = min(asked_s, _LONGEST_UNAVAILABLE_S)
        if self.refused_since is None:
            self.refused_since = now
        self._unavailable_until = max(self._unavailable_until, now + asked_s)
        return asked_s

    @staticmethod
    def _asked(now: float, reading: RateHeaders, local_offset: float) -> float | None:
        """Return the seconds that Retry-After asks for, None when it is absent, past or absurdly far ahead.

        A moment is read against the Date of its own reply, because both come from one clock.
        """
        asked_s: float | None = reading.retry_after_s
        if reading.retry_at_epoch_s is not None:
            date = now + local_offset if reading.date_epoch_s is None else reading.date_epoch_s
            asked_s = reading.retry_at_epoch_s - date
        return asked_s if asked_s is not None and 0 < asked_s <= _ABSURDLY_AHEAD_S else None

    @property
    def _kept(self) -> float:
        """What of this window is not for us: the floor, or what others take meanwhile where that is more."""
        return max(self._floor, self._others)

    def _over(self, now: float) -> bool:
        return self.reset_at is not None and now >= self.reset_at

    def _believable(self, epoch: float | None, now: float, local_offset: float) -> tuple[float | None, float | None]:
        """Return the reset and our monotonic moment of it, or two Nones when it is absent, absurd or long
        past.
        """
        if epoch is None:
            return None, None
        due = self.clock.local(epoch, local_offset)
        return (epoch, due) if -_JUST_PASSED_S <= due - now <= _ABSURDLY_AHEAD_S else (None, None)

    def _spend_one(self, now: float) -> None:
        if self.metered:
            self.remaining -= 1
            self._rest_if_exhausted(now)

    def _silent(self, sent: float, now: float) -> None:
        """A reply without headers: in an open window an exception, otherwise the sign of a server without a
        limit.
        """
        if self.metered and not self._over(now):
            self._spend_one(now)
        elif sent >= self._paused_at:
            self.metered, self.unmetered = False, True
            self._barren = 0

    def _within(
        self, sent: float, now: float, reading: RateHeaders, remaining: int, epoch: float | None, due: float | None
    ) -> None:
        """A reply while a window is open: the same window, an older one or the next."""
        current = self._epoch
        if epoch is None or due is None:
            # Without a reset, only a rise beyond what overtaking replies can explain shows a renewal.
            if current is None and remaining > self.remaining + self.in_flight + 1:
                self._open(now, reading, remaining, None, None, fresh=False)
                return
        elif current is None or epoch > current + 1 or (epoch > current and remaining > self.remaining):
            self._open(now, reading, remaining, epoch, due, fresh=False)
            return
        elif epoch < current - 1 or (epoch < current and sent < self._opened_at):
            return
        else:
            self._epoch = max(epoch, current)
            if epoch >= current and not self._barren:
                # Each reply sharpens the server's clock, and with it this moment.
                self.reset_at = due + self.lag_s
        self.remaining = min(self.remaining, remaining)
        self._rest_if_exhausted(now)

    def _beyond(
        self, sent: float, now: float, reading: RateHeaders, remaining: int, epoch: float | None, due: float | None
    ) -> None:
        """A reply while no window is known to be open: the next window, or the last one not renewed yet."""
        if epoch is None or due is None or self._epoch is None or self.reset_at is None:
            self._open(now, reading, remaining, epoch, due, fresh=False)
            return
        if epoch > self._epoch:
            if self._barren:
                # The look that succeeded was sent this long after the announced reset: so late the next one
                # will be.
                announced = due - (epoch - self._epoch)
                self.lag_s = min(max(self.lag_s, sent - announced), _JUST_PASSED_S)
            self._open(now, reading, remaining, epoch, due, fresh=True)
            return
        self.remaining = min(self.remaining, remaining)
        self._not_renewed(sent, now, due)

    def _not_renewed(self, sent: float, now: float, due: float) -> None:
        """The reset seemed to have passed, the window is the old one still: live on what is left, and look
        again soon.
        """
        if now < due + self.lag_s:
            # The server's clock turned out to be behind what we believed.
            self.reset_at = due + self.lag_s
        elif self.reset_at is None or sent >= self.reset_at:
            self._barren += 1
            self.reset_at = now + after_late_reset(self._barren)

    def _open(
        self, now: float, reading: RateHeaders, remaining: int, epoch: float | None, due: float | None, *, fresh: bool
    ) -> None:
        """Begin a window. `fresh`: an earlier one was seen to end, so this reply shows (nearly) its whole
        budget.
        """
        self.metered, self.unmetered = True, False
        self.remaining, self._epoch, self._opened_at = remaining, epoch, now
        self.reset_at = None if due is None else due + self.lag_s
        # Buddy's own samples say "Limit: 1, Remaining: 999", so a limit is believed only if it can hold the
        # remaining.
        size = reading.limit if reading.limit is not None and reading.limit > remaining else None
        if size is None and fresh:
            size = remaining + 1
        self.size = size
        self._floor = max(self.reserve, min(_SPARE, (size or remaining) // _SPARE_SHARE))
        self.squeezed = size is not None and size <= self._floor
        if size is not None and self.squeezed:
            self._floor = size - max(1, size // _SQUEEZED_SHARE)
        if due is not None or remaining > self._floor:
            self._barren = 0
        self._rest_if_exhausted(now)

    def _rest_if_exhausted(self, now: float) -> None:
        """A spent window that names no reset: stay away a while, longer each time, then probe.

        Spent is what `next_turn` calls spent once nobody is under way: no reply would come to end its wait.
        """
        kept = self._floor if self.in_flight else self._kept
        if self.metered and self.reset_at is None and self.remaining <= kept:
            self._pause(now, None)

    def _refused(self, sent: float, now: float, reading: RateHeaders, local_offset: float) -> None:
        if self.refused_since is None:
            self.refused_since = now
        epoch, due = self._believable(reading.reset_epoch_s, now, local_offset)
        if epoch is None or due is None:
            if sent >= self._paused_at:
                self._pause(now, self._asked(now, reading, local_offset))
            return
        if self._epoch is not None and epoch < self._epoch - 1:
            return
        if self._epoch is None or epoch > self._epoch:
            self._epoch, self._opened_at = epoch, now
        self.metered, self.unmetered, self.remaining = True, False, 0
        self._not_renewed(sent, now, due)

    def _pause(self, now: float, asked_s: float | None) -> None:
        """Everybody stays away: as long as the server asked, else longer each time; then one probe asks."""
        self._barren += 1
        self._not_before = now + (after_refusal(self._barren) if asked_s is None else asked_s)
        self._paused_at = now
        self.metered = self.unmetered = False
        self._epoch = self.reset_at = None

"""What the server's rate limit allows, as far as replies have shown. Pure: `now` (monotonic seconds) is an argument.

Three states:

  unknown    no reply yet, or the window's reset has passed: one probe at a time finds out.
  metered    a window is open: send while remaining - in flight - kept back > 0, otherwise wait for its reset.
  unmetered  replies carry no headers: there is no limit.

Requests in flight are subtracted because the server may not have counted them yet; where it has, they are counted twice
for a moment, which errs towards caution and is corrected by their replies. window_share.py says what is kept back.

Rules for whoever edits this file:
  * Replies arrive in any order. Within a window the smallest `remaining` is the newest; a clearly later reset is
    another window. Servers that compute the reset as int(now + rest) let it vary by one second inside a window.
  * Waiting must always end: every wait is to a known moment, or _PROBE_TIMEOUT_S long and then checked again.
  * A burst of refusals counts as one: replies to requests sent before a pause began do not lengthen it.
  * Uncertainty costs one request, never the reserve: hence probes and their backoff.
"""

import math

from collector.buddy.rate_headers import RateHeaders, ServerClock
from collector.crawl.announced_times import MAX_LATE_S, Reset, plausible_reset, retry_after_s
from collector.crawl.backoff import after_late_reset, after_refusal
from collector.crawl.window_share import WindowShare

# The longest that one 503 pauses all workers: a single broken path must not hold up a whole crawl for an hour.
_MAX_UNAVAILABLE_S = 900.0
# How long a probe, or the replies in flight, may take before another request is sent.
_PROBE_TIMEOUT_S = 2.0


class RateLimitState:
    """What may be sent now. `reserve` requests of every window are left to others."""

    def __init__(self, reserve: int = 0) -> None:
        self.in_flight = 0
        self.share = WindowShare(reserve)
        self.clock = ServerClock()
        self.lag_s = 0.0  # learned: how long after its announced reset a window is really renewed
        self.refused_since: float | None = None  # monotonic; None once a reply was something other than a refusal
        self.metered = False
        self.unmetered = False
        self.remaining = 0  # the last known; means something while metered
        self.reset_at: float | None = None  # monotonic, lag included; None: no usable reset was announced
        self._epoch_s: float | None = None  # the same reset in the server's words: it identifies the window
        self._opened_at = -math.inf
        self._probe_sent: float | None = None
        self._not_before = -math.inf
        self._unavailable_until = -math.inf
        self._paused_at = -math.inf
        self._failed_probes = 0  # probes and refusals in a row after which nothing could be sent

    # Asking

    def wait_s(self, now: float) -> float:
        """Return 0.0 when a request may be sent now, else the seconds until it is worth asking again."""
        paused_until = max(self._not_before, self._unavailable_until)
        if now < paused_until:
            return paused_until - now
        if self.unmetered:
            return 0.0
        if self._is_open(now):
            if self.remaining - self.in_flight - self.share.kept > 0:
                return 0.0
            return _PROBE_TIMEOUT_S if self.reset_at is None else self.reset_at - now
        if self._probe_sent is None:
            return 0.0
        return max(0.0, self._probe_sent + _PROBE_TIMEOUT_S - now)

    def wait_reason(self, now: float) -> str:
        """Return what `wait_s` waits for, in words for people; nothing where it does not."""
        if self.wait_s(now) == 0.0:
            return ""
        if now < self._unavailable_until:
            return "the server is unavailable and said when to come back"
        if now < self._not_before or (self.refused_since is not None and not self.unmetered):
            return "refused by the server's rate limit"
        return (
            "budget of this window is spent" if self._is_open(now) else "waiting for a reply with the remaining budget"
        )

    def on_send(self, now: float) -> None:
        """Count one request as sent; `now` identifies it in `on_reply`."""
        self.in_flight += 1
        if self._is_open(now):
            self.share.expect(now, self.remaining - self.in_flight)
        elif not self.unmetered:
            self._probe_sent = now

    # Learning

    def on_reply(
        self, sent: float, now: float, headers: RateHeaders | None, local_offset: float, *, refused: bool = False
    ) -> None:
        """Count one request as ended: with the headers of its reply, or None when they are not known.

        They are not known when the reply was lost, and where a 5xx has none: it may be a proxy's own. `local_offset` is
        our wall clock minus our monotonic clock, used for the server's where no Date is sent.
        """
        self.in_flight -= 1
        expected = self.share.expected(sent)
        if sent == self._probe_sent:
            self._probe_sent = None
        if headers is not None:
            self.clock = self.clock.updated(headers.date_epoch_s, sent, now)
            if refused:
                self._on_refusal(sent, now, headers, local_offset)
                return
            if now >= self._unavailable_until:
                self.refused_since = None
        if headers is None or headers.remaining is None:
            if self._is_open(now) or (headers is None and self.metered):
                # An exception; and the server may have counted what it never answered.
                self.remaining -= 1
                self._pause_if_exhausted(now)
            elif headers is not None and sent >= self._paused_at:
                # While no window is open, the sign of a server without a limit.
                self.metered, self.unmetered = False, True
                self._failed_probes = 0
            return
        reset = plausible_reset(self.clock, headers.reset_epoch_s, now, local_offset)
        if self._is_open(now):
            if expected is not None and sent >= self._opened_at:
                self.share.learn(expected - headers.remaining)
            self._on_reply_in_window(sent, now, headers, headers.remaining, reset)
        elif sent >= self._paused_at:
            self._on_reply_after_window(sent, now, headers, headers.remaining, reset)

    def on_unavailable(self, now: float, headers: RateHeaders, local_offset: float) -> float:
        """Pause for as long as a 503 asks by Retry-After; return the seconds, 0.0 if it says nothing usable."""
        pause_s = retry_after_s(headers, now, local_offset)
        if pause_s is None:
            return 0.0
        pause_s = min(pause_s, _MAX_UNAVAILABLE_S)
        if self.refused_since is None:
            self.refused_since = now
        self._unavailable_until = max(self._unavailable_until, now + pause_s)
        return pause_s

    def _is_open(self, now: float) -> bool:
        return self.metered and (self.reset_at is None or now < self.reset_at)

    def _on_reply_in_window(
        self, sent: float, now: float, headers: RateHeaders, remaining: int, reset: Reset | None
    ) -> None:
        """Learn from a reply while a window is open: it is of the same window, an older one or the next."""
        current = self._epoch_s
        if reset is None:
            # Without a reset, only a rise beyond what overtaking replies can explain shows a renewal.
            if current is None and remaining > self.remaining + self.in_flight + 1:
                self._open_window(now, headers, remaining, None, renewed=False)
                return
        elif current is None or reset.epoch_s > current + 1 or (reset.epoch_s > current and remaining > self.remaining):
            self._open_window(now, headers, remaining, reset, renewed=False)
            return
        elif reset.epoch_s < current - 1 or (reset.epoch_s < current and sent < self._opened_at):
            return
        else:
            self._epoch_s = max(reset.epoch_s, current)
            if reset.epoch_s >= current and not self._failed_probes:
                # Each reply narrows the server's clock, and with it this moment.
                self.reset_at = reset.at + self.lag_s
        self.remaining = min(self.remaining, remaining)
        self._pause_if_exhausted(now)

    def _on_reply_after_window(
        self, sent: float, now: float, headers: RateHeaders, remaining: int, reset: Reset | None
    ) -> None:
        """Learn from a reply while no window is open: it is of the next one, or the last is not renewed yet."""
        if reset is None or self._epoch_s is None or self.reset_at is None:
            self._open_window(now, headers, remaining, reset, renewed=False)
        elif reset.epoch_s > self._epoch_s:
            if self._failed_probes:
                # The probe that succeeded was sent this long after the announced reset: the next will be as late.
                announced = reset.at - (reset.epoch_s - self._epoch_s)
                self.lag_s = min(max(self.lag_s, sent - announced), MAX_LATE_S)
            self._open_window(now, headers, remaining, reset, renewed=True)
        else:
            self.remaining = min(self.remaining, remaining)
            self._expect_later_reset(sent, now, reset)

    def _expect_later_reset(self, sent: float, now: float, reset: Reset) -> None:
        """Continue the old window, which is not renewed although its reset seems to have passed; probe again soon."""
        if now < reset.at + self.lag_s:
            # The server's clock turned out to be behind our estimate.
            self.reset_at = reset.at + self.lag_s
        elif self.reset_at is None or sent >= self.reset_at:
            self._failed_probes += 1
            self.reset_at = now + after_late_reset(self._failed_probes)

    def _open_window(
        self, now: float, headers: RateHeaders, remaining: int, reset: Reset | None, *, renewed: bool
    ) -> None:
        """Begin a window. `renewed`: an earlier one was seen to end, so this reply shows (nearly) the whole budget."""
        self.metered, self.unmetered = True, False
        self.remaining, self._opened_at = remaining, now
        self._epoch_s = None if reset is None else reset.epoch_s
        self.reset_at = None if reset is None else reset.at + self.lag_s
        self.share.open(headers.limit, remaining, renewed=renewed)
        if reset is not None or remaining > self.share.least_kept:
            self._failed_probes = 0
        self._pause_if_exhausted(now)

    def _pause_if_exhausted(self, now: float) -> None:
        """Pause when a window is exhausted that has no reset: longer each time, then probe.

        Exhausted is what `wait_s` calls so once nothing is in flight: no reply would come to end its wait.
        """
        kept = self.share.least_kept if self.in_flight else self.share.kept
        if self.metered and self.reset_at is None and self.remaining <= kept:
            self._pause(now, None)

    def _on_refusal(self, sent: float, now: float, headers: RateHeaders, local_offset: float) -> None:
        if self.refused_since is None:
            self.refused_since = now
        reset = plausible_reset(self.clock, headers.reset_epoch_s, now, local_offset)
        if reset is None:
            if sent >= self._paused_at:
                self._pause(now, retry_after_s(headers, now, local_offset))
            return
        if self._epoch_s is not None and reset.epoch_s < self._epoch_s - 1:
            return
        if self._epoch_s is None or reset.epoch_s > self._epoch_s:
            self._epoch_s, self._opened_at = reset.epoch_s, now
        self.metered, self.unmetered, self.remaining = True, False, 0
        self._expect_later_reset(sent, now, reset)

    def _pause(self, now: float, pause_s: float | None) -> None:
        """Pause all workers as long as the server asked, else longer each time; then one probe is sent."""
        self._failed_probes += 1
        self._not_before = now + (after_refusal(self._failed_probes) if pause_s is None else pause_s)
        self._paused_at = now
        self.metered = self.unmetered = False
        self._epoch_s = self.reset_at = None
